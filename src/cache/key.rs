//! What an entry is found by.

use md5::{Digest, Md5};
use mem::Str;

/// What names an entry in the index, and its file: the MD5 of its text, as in nginx.
pub type Digest16 = [u8; 16];

/// A key: its text, and what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As the configuration makes it of a request.
    pub text: Str,
    /// The name of its entry.
    pub digest: Digest16,
}

impl Key {
    /// Of a text.
    pub fn of(text: Str) -> Key {
        let digest = Md5::digest(&text).into();
        Key { text, digest }
    }

    /// That of one of several answers with the same text, which `variant` tells apart ([`variant`](crate::variant)).
    pub fn with_variant(&self, variant: &Digest16) -> Key {
        let mut hash = Md5::new();
        hash.update(&self.text);
        hash.update(variant);
        Key { text: self.text.clone(), digest: hash.finalize().into() }
    }
}

/// The name of its file.
pub fn name(digest: &Digest16) -> String {
    format!("{:032x}", u128::from_be_bytes(*digest))
}

/// The digest that a file's name says.
pub fn of_name(name: &str) -> Option<Digest16> {
    let is_lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let bytes = name.as_bytes();
    if bytes.len() != 32 || !bytes.iter().all(|&byte| is_lower(byte)) {
        return None;
    }
    u128::from_str_radix(name, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let key = Key::of(Str::from_static(b"http://example.com/"));
        assert_eq!(of_name(&name(&key.digest)), Some(key.digest));
        // `printf 'abc' | md5sum`
        let known = Key::of(Str::from_static(b"abc"));
        assert_eq!(name(&known.digest), "900150983cd24fb0d6963f7d28e17f72");
        for odd in ["", "900150983cd24fb0d6963f7d28e17f7", "900150983CD24fb0d6963f7d28e17f72"] {
            assert_eq!(of_name(odd), None, "{odd}");
        }
        assert_ne!(key.with_variant(&[1; 16]), key.with_variant(&[2; 16]));
    }
}
