//! Text that keeps bytes: a configuration is bytes, and where they are no UTF-8 they must come out of its
//! words as they went in (a path, a text in Latin-1).
//!
//! A byte `B` that belongs to no character is kept as the private character U+10FF`B`. Where a word
//! leaves the configuration, [`bytes`] or [`path`] gives back what was written.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// What is added to a byte to make it a character.
const BASE: u32 = 0x10_ff00;

/// The byte that a character stands for.
pub(crate) fn byte(c: char) -> Option<u8> {
    match u32::from(c).checked_sub(BASE) {
        Some(byte @ 0x80..=0xff) => Some(byte as u8),
        _ => None,
    }
}

fn char_of(byte: u8) -> char {
    char::from_u32(BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The text that keeps `bytes`.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        // The characters that stand for bytes are four bytes themselves, if somebody writes them.
        for c in chunk.valid().chars() {
            match byte(c) {
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(char_of)),
                None => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(char_of));
    }
    text
}

/// The bytes that `text` keeps.
pub fn bytes(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|c| byte(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The path that `text` keeps.
pub fn path(text: &str) -> PathBuf {
    OsString::from_vec(bytes(text).into_owned()).into()
}

/// For a terminal: a byte that is no character is shown as such.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if byte(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(given: Vec<u8>) {
            let text = decode(&given);
            proptest::prop_assert_eq!(&bytes(&text)[..], &given[..]);
        }
    }

    #[test]
    fn characters_stay() {
        assert_eq!(decode("aé€😀".as_bytes()), "aé€😀");
        assert_eq!(&bytes(&decode(b"a\xe9b"))[..], b"a\xe9b");
        assert_eq!(decode(b"a\xe9b").chars().count(), 3);
        let odd = "\u{10ffe9}\u{10ff7f}".as_bytes();
        assert_eq!(&bytes(&decode(odd))[..], odd);
        assert_eq!(shown(&decode(b"a\xe9")), "a\u{fffd}");
    }
}
