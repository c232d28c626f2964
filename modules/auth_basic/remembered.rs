//! Passwords that were right a moment ago, so that a page with a hundred pictures does not cost a hundred times what a
//! password is made to cost.
//!
//! What is kept is a keyed hash of the user, the password and the line of the file: a changed line is another one, and
//! memory that is read by somebody tells no password.

use std::cell::RefCell;

use hmac::{Hmac, KeyInit, Mac};
use lru::LruCache;
use sha2::Sha256;

/// How many, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many; 0: none.
    pub most: usize,
    /// Milliseconds.
    pub valid: u64,
}

/// What is kept of a password.
pub type Mark = [u8; 32];

thread_local! {
    /// Of this process alone, made when it is first asked for: no other knows it.
    static SECRET: [u8; 32] = {
        let mut secret = [0; 32];
        sys::random::fill(&mut secret);
        secret
    };
    /// When they were right, in the loop's milliseconds.
    static RIGHT: RefCell<LruCache<Mark, u64>> = RefCell::new(LruCache::unbounded());
}

/// The mark of a password.
pub fn mark(user: &[u8], password: &[u8], kept: &[u8]) -> Mark {
    let Ok(mut mac) = SECRET.with(|secret| Hmac::<Sha256>::new_from_slice(secret)) else {
        unreachable!("a key of any length is one")
    };
    for part in [user, password, kept] {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether it was right a moment ago.
pub fn is_right(mark: &Mark, bounds: Bounds) -> bool {
    let since = RIGHT.with_borrow_mut(|right| right.get(mark).copied());
    bounds.most > 0 && since.is_some_and(|since| rt::now().saturating_sub(since) < bounds.valid)
}

/// It is right.
pub fn remember(mark: Mark, bounds: Bounds) {
    if bounds.most == 0 {
        return;
    }
    RIGHT.with_borrow_mut(|right| {
        right.put(mark, rt::now());
        while right.len() > bounds.most {
            right.pop_lru();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_all_its_parts() {
        let marks = [
            mark(b"a", b"b", b"c"),
            mark(b"ab", b"", b"c"),
            mark(b"", b"ab", b"c"),
            mark(b"a", b"bc", b""),
            mark(b"a", b"b", b"d"),
        ];
        for (at, mark) in marks.iter().enumerate() {
            assert!(!marks[at + 1..].contains(mark));
        }
        assert_eq!(marks[0], mark(b"a", b"b", b"c"));
    }
}
