//! Several answers with one key, which differ by fields of the request that `Vary` names (RFC 9111 §4.1).

use md5::{Digest, Md5};
use proto::http1::{FieldSection, Name};

use crate::key::Digest16;

/// More bytes of names than that, and the answer is not stored: as in nginx.
const LONGEST: usize = 128;

/// The names of fields, in lower case, a comma between them; empty: it is the same for all. `None`: it is another for each.
pub fn names(fields: &FieldSection, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut names: Vec<u8> = Vec::new();
    let values = fields.values(Name::Vary, bytes);
    for name in values.flat_map(|value| value.split(|&byte| byte == b',')) {
        let name = name.trim_ascii().to_ascii_lowercase();
        if name == b"*" {
            return None;
        }
        if !name.is_empty() {
            if !names.is_empty() {
                names.push(b',');
            }
            names.extend_from_slice(&name);
        }
    }
    (names.len() <= LONGEST).then_some(names)
}

/// What a request's fields make of those names; `of` gives a field's value, which may be of several. With none it is zeros.
pub fn variant(names: &[u8], of: impl Fn(&[u8]) -> Vec<u8>) -> Digest16 {
    if names.is_empty() {
        return [0; 16];
    }
    let mut hash = Md5::new();
    for name in names.split(|&byte| byte == b',') {
        let value = of(name);
        let value = match name {
            // Lists, in which only words count.
            b"accept-charset" | b"accept-encoding" | b"accept-language" => words(&value),
            _ => value,
        };
        for part in [name, &value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// The words of a list, as far as they are not empty, without spaces.
fn words(list: &[u8]) -> Vec<u8> {
    let mut words = Vec::with_capacity(list.len());
    for word in list.split(|&byte| byte == b',').filter(|word| !word.trim_ascii().is_empty()) {
        words.extend(word.iter().filter(|byte| !byte.is_ascii_whitespace()));
        words.push(b',');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::http1::{AnswerHead, parse_answer};

    fn of(fields: &str) -> Option<String> {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        let mut head = AnswerHead::default();
        parse_answer(text.as_bytes(), &mut head).expect("a head");
        names(&head.fields, text.as_bytes()).map(|names| String::from_utf8(names).expect("text"))
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(of("").as_deref(), Some(""));
        assert_eq!(
            of("Vary: Accept-Encoding\r\nVary: Cookie , X\r\n").as_deref(),
            Some("accept-encoding,cookie,x")
        );
        assert_eq!(of("Vary: Cookie, *\r\n"), None);
        assert_eq!(of(&format!("Vary: {}\r\n", "x".repeat(129))), None);
    }

    #[test]
    fn requests_that_mean_the_same_are_one_variant() {
        let gzip = |text: &'static [u8]| variant(b"accept-encoding", |_| text.to_vec());
        assert_eq!(gzip(b"gzip, br"), gzip(b" gzip,br,"));
        assert_ne!(gzip(b"gzip"), gzip(b"br"));
        assert_ne!(gzip(b""), [0; 16]);
        assert_eq!(variant(b"", |_| panic!("nothing is asked")), [0; 16]);
        // What two fields have cannot be moved from one to the other.
        let two = |a: &'static [u8], b: &'static [u8]| {
            variant(b"a,b", move |name| if name == b"a" { a.to_vec() } else { b.to_vec() })
        };
        assert_ne!(two(b"x\r\nb:", b""), two(b"x", b"\r\nb:"));
    }
}
