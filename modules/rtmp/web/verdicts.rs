//! What `on_play` has said of clients that ask for a stream piece by piece: it is not asked for each.

use std::cell::RefCell;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::hooks::call::Verdict;

/// So many are kept; then those that still hold, and of these all, are forgotten, and asked for again.
const MOST: usize = 10_000;

/// Who asks for what, in a form that no client can make take much memory.
pub type Key = [u8; 32];

struct Kept {
    /// In the loop's milliseconds.
    until: u64,
    verdict: Verdict,
}

thread_local! {
    static KEPT: RefCell<HashMap<Key, Kept>> = RefCell::default();
}

/// The key of these parts.
pub fn key(parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What was said and still holds.
pub fn known(key: &Key) -> Option<Verdict> {
    KEPT.with_borrow(|kept| {
        let kept = kept.get(key).filter(|kept| rt::now() < kept.until);
        kept.map(|kept| kept.verdict.clone())
    })
}

/// A refusal is kept so long at most: the program may have been away.
const REFUSED_MS: u64 = 1000;

/// It holds for so many milliseconds.
pub fn keep(key: Key, verdict: &Verdict, valid: u64) {
    let now = rt::now();
    let valid = if matches!(verdict, Verdict::No(_)) { valid.min(REFUSED_MS) } else { valid };
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MOST {
            kept.retain(|_, known| now < known.until);
        }
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(key, Kept { until: now + valid, verdict: verdict.clone() });
    });
}
