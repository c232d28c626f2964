//! Sessions that are resumed by their number, in memory that all workers share (`ssl_session_cache shared:…`): those of TLS
//! 1.2, and those with early data, which may be taken once and never again (RFC 8446 §8.1).
//!
//! ```text
//! words  0      │ 1            │ 2       │ 3      │ 4 5 6 7 │ 8 …
//!        state  │ when, seconds│ check   │ length │ key     │ the session        slots of 1 KiB, four of them make a set
//! state: a count, and in its two lowest bits whether the slot is empty, is being written, or full
//! ```
//! Nothing is locked. Who wants to write makes a slot its own by its state; who takes a session makes it empty, which succeeds
//! for one alone. A writer that is killed leaves a slot that is no session's, and is another's after a while.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use rustls::server::StoresServerSessions;
use shm::{Region, U64};

const SLOT: usize = 128;
const HEAD: usize = 8;
const WAYS: usize = 4;
/// The longest session: one with a long chain of a client's certificates is not kept.
const LONGEST: usize = (SLOT - HEAD) * 8;
/// Who writes for so long has been killed.
const ABANDONED: u64 = 10;

const EMPTY: u64 = 0;
const WRITING: u64 = 1;
const FULL: u64 = 2;

/// A zone's part in the life of the processes.
pub struct Zone {
    slot: Slot,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct Memory {
    region: OnceLock<Arc<Region>>,
}

impl Zone {
    /// Asks for the memory. `name`: the region's.
    pub fn new(setup: &mut Setup<'_>, name: String, size: usize) -> Zone {
        let region = Wanted { name, shape: "1".to_owned(), len: size, file: None };
        Zone { slot: setup.region(region), memory: Arc::new(Memory { region: OnceLock::new() }) }
    }

    /// The sessions of the servers of one identity, kept for so many seconds.
    pub fn of(&self, identity: [u8; 32], seconds: u64) -> Arc<dyn StoresServerSessions> {
        Arc::new(Store { memory: self.memory.clone(), identity, seconds })
    }
}

impl Process for Zone {
    fn opened(&self) -> Result<(), Error> {
        drop(self.slot.take_previous());
        if let Some(region) = self.slot.region() {
            let _ = self.memory.region.set(region.clone());
        }
        Ok(())
    }
}

/// The sessions of one identity.
struct Store {
    memory: Arc<Memory>,
    identity: [u8; 32],
    seconds: u64,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

type Key = [u64; 4];

/// A session that was found.
struct Found<'m> {
    slot: &'m [U64],
    state: u64,
    session: Vec<u8>,
}

impl Store {
    fn key(&self, id: &[u8]) -> Key {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.identity);
        context.update(id);
        let digest = context.finish();
        let (words, _) = digest.as_ref().as_chunks::<8>();
        let mut key = [0; 4];
        key.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_ne_bytes(*bytes));
        key
    }

    /// The slots in which a key may be.
    fn set(&self, key: &Key) -> impl Iterator<Item = &[U64]> {
        let words = self.memory.region.get().map(|region| region.words()).unwrap_or_default();
        let sets = words.len() / (SLOT * WAYS);
        let at = if sets == 0 { 0 } else { key[0] as usize % sets * SLOT * WAYS };
        let set = words.get(at..at + SLOT * WAYS).unwrap_or_default();
        set.chunks_exact(SLOT)
    }

    fn find(&self, key: &Key) -> Option<Found<'_>> {
        let now = sys::clock::wall().as_secs();
        self.set(key).find_map(|slot| {
            let state = slot[0].published();
            let is_key =
                || slot[4..HEAD].iter().zip(key).all(|(word, wanted)| word.get() == *wanted);
            if state & 3 != FULL || !is_key() {
                return None;
            }
            let (since, check, length) = (slot[1].get(), slot[2].get(), slot[3].get() as usize);
            let words = slot[HEAD..].iter().take(length.min(LONGEST).div_ceil(8));
            let mut session: Vec<u8> = words.flat_map(|word| word.get().to_ne_bytes()).collect();
            session.truncate(length);
            let is_whole =
                self.check(since, key, &session) == check && slot[0].published() == state;
            let is_fresh = now.saturating_sub(since) <= self.seconds;
            (is_whole && is_fresh).then_some(Found { slot, state, session })
        })
    }

    fn check(&self, since: u64, key: &Key, session: &[u8]) -> u64 {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&since.to_ne_bytes());
        key.iter().for_each(|word| context.update(&word.to_ne_bytes()));
        context.update(session);
        let digest = context.finish();
        u64::from_ne_bytes(digest.as_ref().first_chunk().copied().unwrap_or_default())
    }

    fn write(&self, slot: &[U64], key: &Key, session: &[u8]) {
        let now = sys::clock::wall().as_secs();
        slot[1].set(now);
        slot[2].set(self.check(now, key, session));
        slot[3].set(session.len() as u64);
        slot[4..HEAD].iter().zip(key).for_each(|(word, part)| word.set(*part));
        for (word, bytes) in slot[HEAD..].iter().zip(session.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.set(u64::from_ne_bytes(whole));
        }
        slot[HEAD + session.len().div_ceil(8)..].iter().for_each(|word| word.set(0));
    }
}

/// The next state, of this kind.
fn next(state: u64, kind: u64) -> u64 {
    (state & !3).wrapping_add(4) | kind
}

impl StoresServerSessions for Store {
    fn put(&self, id: Vec<u8>, session: Vec<u8>) -> bool {
        if session.len() > LONGEST {
            return false;
        }
        let key = self.key(&id);
        let now = sys::clock::wall().as_secs();
        // An empty one, one whose writer is gone, or the oldest.
        let age = |slot: &&[U64]| match slot[0].published() & 3 {
            EMPTY => 0,
            WRITING if now.saturating_sub(slot[1].get()) < ABANDONED => u64::MAX,
            _ => slot[1].get().max(1),
        };
        let Some(slot) = self.set(&key).min_by_key(age).filter(|slot| age(slot) != u64::MAX) else {
            return false;
        };
        let state = slot[0].published();
        let writing = next(state, WRITING);
        if !slot[0].replace(state, writing) {
            return false;
        }
        self.write(slot, &key, &session);
        slot[0].replace(writing, next(writing, FULL))
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.find(&self.key(id)).map(|found| found.session)
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        let Found { slot, state, session } = self.find(&self.key(id))?;
        // One alone succeeds: whoever comes later finds another state. What was there is a secret, which goes, too.
        let writing = next(state, WRITING);
        if !slot[0].replace(state, writing) {
            return None;
        }
        slot[1].set(sys::clock::wall().as_secs());
        slot[HEAD..].iter().for_each(|word| word.set(0));
        slot[0].replace(writing, next(writing, EMPTY));
        Some(session)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(size: usize) -> Arc<Memory> {
        let region = OnceLock::new();
        let made = Region::create("sessions-test", size).expect("a region");
        let _ = region.set(Arc::new(made));
        Arc::new(Memory { region })
    }

    fn store(memory: &Arc<Memory>, identity: u8) -> Store {
        Store { memory: memory.clone(), identity: [identity; 32], seconds: 60 }
    }

    #[test]
    fn what_is_put_is_found_and_taken_once() {
        let memory = memory(64 << 10);
        let (store, other) = (store(&memory, 1), store(&memory, 2));
        for length in [0, 1, 8, 200, LONGEST] {
            let session = vec![7; length];
            assert!(store.put(vec![length as u8; 32], session.clone()));
            assert_eq!(store.get(&[length as u8; 32]), Some(session.clone()));
            assert_eq!(other.get(&[length as u8; 32]), None, "another server's");
            assert_eq!(store.take(&[length as u8; 32]), Some(session));
            assert_eq!(store.take(&[length as u8; 32]), None);
        }
        assert!(!store.put(vec![1], vec![0; LONGEST + 1]));
    }

    #[test]
    fn of_what_was_taken_nothing_stays() {
        let memory = memory(SLOT * WAYS * 8);
        let store = store(&memory, 1);
        let words = memory.region.get().expect("there").words();
        let has = |byte: u8| {
            let of_slot = |slot: &[U64]| {
                slot[HEAD..].iter().any(|word| word.get().to_ne_bytes().contains(&byte))
            };
            words.chunks_exact(SLOT).any(of_slot)
        };
        assert!(store.put(vec![1], vec![0xa1; 100]) && has(0xa1));
        assert!(store.take(&[1]).is_some() && !has(0xa1));
        // Nor of what a shorter one has replaced.
        let slot = &words[..SLOT];
        store.write(slot, &[1; 4], &[0xa2; 100]);
        store.write(slot, &[1; 4], &[0xa3; 8]);
        assert!(!has(0xa2) && has(0xa3));
    }

    #[test]
    fn of_those_that_take_one_alone_has_it() {
        let memory = memory(64 << 10);
        for round in 0..200u32 {
            let id = round.to_ne_bytes();
            assert!(store(&memory, 1).put(id.to_vec(), vec![9; 100]));
            let take = || store(&memory, 1).take(&id).is_some();
            let taken = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
                all.into_iter().map(|one| one.join().expect("joined")).filter(|had| *had).count()
            });
            assert_eq!(taken, 1);
        }
    }

    #[test]
    fn a_full_set_gives_up_its_oldest_and_a_dead_writer_its_slot() {
        let memory = memory(SLOT * WAYS * 8);
        let store = store(&memory, 1);
        for id in 0..100u8 {
            assert!(store.put(vec![id], vec![id; 10]));
        }
        let kept = (0..100u8).filter(|id| store.get(&[*id]).is_some()).count();
        assert_eq!(kept, WAYS);
        let words = memory.region.get().expect("there").words();
        for slot in words.chunks_exact(SLOT) {
            slot[0].set(next(slot[0].get(), WRITING));
        }
        assert!(!store.put(vec![1], vec![1]), "they may still be writing");
        words.chunks_exact(SLOT).for_each(|slot| slot[1].set(1));
        assert!(store.put(vec![1], vec![1]));
        assert_eq!(store.get(&[1]), Some(vec![1]));
    }
}
