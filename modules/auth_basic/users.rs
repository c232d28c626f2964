//! A file of users.
//!
//! ```text
//! # a comment
//! user:password[:anything]
//! ```
//! As in nginx the first line of a user counts.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;

use crate::password::Scheme;

/// Users, and how their passwords are kept.
#[derive(Debug, Default)]
pub struct Users {
    all: HashMap<Box<[u8]>, Box<[u8]>, RandomState>,
    /// One that takes its time.
    slow: Option<Box<[u8]>>,
}

impl Users {
    /// Reads a file.
    pub fn parse(text: &[u8]) -> Users {
        let mut users = Users::default();
        for line in text.split(|&byte| byte == b'\n') {
            if matches!(line.first(), None | Some(b'#' | b'\r')) {
                continue;
            }
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let kept = line[colon + 1..].split(|byte| matches!(byte, b'\r' | b':')).next();
            let kept = kept.unwrap_or_default();
            if users.slow.is_none() && Scheme::of(kept).is_some_and(|scheme| !scheme.is_quick()) {
                users.slow = Some(kept.into());
            }
            users.all.entry(line[..colon].into()).or_insert_with(|| kept.into());
        }
        users
    }

    /// How the password of a user is kept.
    pub fn find(&self, user: &[u8]) -> Option<&[u8]> {
        self.all.get(user).map(|kept| &**kept)
    }

    /// A password that takes its time, if anybody has such: for those who are no users, whose time tells so otherwise.
    pub fn stranger(&self) -> Option<&[u8]> {
        self.slow.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = b"# a:b\r\n\r\na:{PLAIN}x\r\nb:{PLAIN}y:name\nb:{PLAIN}z\nnone\n:empty\nc:\n\xff:\xfe\nlast:$1$s$h";
        let users = Users::parse(text);
        let find = |user: &[u8]| users.find(user).map(|kept| kept.to_vec());
        assert_eq!(find(b"a"), Some(b"{PLAIN}x".to_vec()));
        assert_eq!(find(b"b"), Some(b"{PLAIN}y".to_vec()));
        assert_eq!(find(b"c"), Some(Vec::new()));
        assert_eq!(find(b"\xff"), Some(b"\xfe".to_vec()));
        assert_eq!(find(b"last"), Some(b"$1$s$h".to_vec()));
        for none in ["# a", "#", "none", "d"] {
            assert_eq!(find(none.as_bytes()), None, "{none}");
        }
        assert_eq!(users.stranger(), Some(&b"$1$s$h"[..]));
    }
}
