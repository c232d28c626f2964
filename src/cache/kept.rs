//! Answers that a worker has at hand: small ones as a whole, of others the open file. Those that were not asked for for longest go.

use std::path::PathBuf;
use std::rc::Rc;

use lru::LruCache;

use crate::file::Stored;
use crate::key::Digest16;
use crate::state::State;

/// So many at most, and so many of them that have an open file.
const MOST: usize = 1024;
const FILES: usize = 32;
/// Longer files are opened each time: what is open is on the disk, also when it was deleted.
const LONGEST_FILE: u64 = 16 << 20;
/// So often in milliseconds it is looked whether the file of what is at hand is there.
const LOOK_MS: u64 = 1000;

struct One {
    state: State,
    stored: Rc<Stored>,
    /// When its file was there.
    looked: u64,
}

/// What a worker has.
pub struct Kept {
    all: LruCache<Digest16, One>,
    /// Bytes, and how many they may be.
    bytes: usize,
    most: usize,
    files: usize,
}

impl Kept {
    /// Of at most so many bytes.
    pub fn new(most: u64) -> Kept {
        let all = LruCache::unbounded();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Kept { all, bytes: 0, most, files: 0 }
    }

    /// The longest body that is kept in memory.
    pub fn longest(&self) -> usize {
        (self.most / 16).min(256 << 10)
    }

    /// An answer, if it is still the one of this state, and in its file: who deletes that wants it to be gone.
    pub fn get(
        &mut self,
        digest: &Digest16,
        state: State,
        path: impl FnOnce() -> PathBuf,
    ) -> Option<Rc<Stored>> {
        let now = rt::now();
        let one = self.all.get_mut(digest)?;
        let mut is_there = one.state.is_same(state);
        if is_there && now >= one.looked + LOOK_MS {
            one.looked = now;
            is_there = std::fs::symlink_metadata(path()).is_ok();
        }
        if is_there {
            return Some(one.stored.clone());
        }
        self.remove(digest);
        None
    }

    /// Keeps one.
    pub fn put(&mut self, digest: Digest16, state: State, stored: Rc<Stored>) {
        self.remove(&digest);
        let is_long = stored.is_open() && stored.length > LONGEST_FILE;
        if is_long || self.most == 0 {
            return;
        }
        self.bytes += stored.cost();
        self.files += usize::from(stored.is_open());
        self.all.push(digest, One { state, stored, looked: rt::now() });
        while self.bytes > self.most || self.files > FILES || self.all.len() > MOST {
            let Some((_, one)) = self.all.pop_lru() else { break };
            self.gone(&one);
        }
    }

    /// Gives one up.
    pub fn remove(&mut self, digest: &Digest16) {
        if let Some(one) = self.all.pop(digest) {
            self.gone(&one);
        }
    }

    fn gone(&mut self, one: &One) {
        self.bytes -= one.stored.cost();
        self.files -= usize::from(one.stored.is_open());
    }
}
