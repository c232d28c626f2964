//! Short texts by name, which one process writes and all read, without a lock for those who read.
//!
//! ```text
//! words  0         │ 1    │ 2     │ 8 … 15        │ 64 … slots, one more than there may be texts
//!        generation│ beats│ leader│ who may write │
//! ```
//! Whoever writes keeps the lock to its end ([`Board::lead`]): so there is one of them, whatever becomes of processes. A text
//! that is written again has another slot, and the old one goes when the new one is whole: who is killed in the middle leaves
//! one of both.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::slot::{self, Entry, Slot, hash};
use crate::{Acquired, Origin, Region, RobustLock, U64};

/// Words before the first slot.
const HEAD: usize = 64;
/// Where the lock is.
const LOCK: usize = 8;
/// So often is looked for a text that moves.
const TRIES: usize = 100;

/// A board. Its region may come later.
#[derive(Debug)]
pub struct Board {
    region: OnceLock<Arc<Region>>,
    /// Words of a slot.
    slot: usize,
}

/// What there is of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A text.
    Text {
        /// Another text has another number.
        edition: u64,
        /// The text.
        bytes: Vec<u8>,
    },
    /// Something that is not whole, and was not removed.
    Broken,
    /// Nothing.
    Nothing,
}

impl Board {
    /// A text and its name, both filled up to words, have at most so many bytes.
    pub const fn new(longest: usize) -> Board {
        Board { region: OnceLock::new(), slot: slot::HEAD + longest.div_ceil(8) }
    }

    /// Bytes of a region for so many texts.
    pub const fn size(&self, count: usize) -> usize {
        (HEAD + self.slot * (count + 1)) * 8
    }

    /// In this region; `true`: nothing was there before.
    pub fn open(&self, region: Arc<Region>) -> bool {
        let fresh = region.claim() == Origin::Fresh;
        let region = self.region.get_or_init(|| region);
        if fresh && let Some(lock) = lock(region) {
            // SAFETY: whoever claims a fresh region is the first, and alone, to use its places.
            unsafe { lock.init() };
        }
        fresh
    }

    fn words(&self) -> &[U64] {
        self.region.get().map(|region| region.words()).unwrap_or_default()
    }

    fn head(&self, word: usize) -> u64 {
        self.words().get(word).map_or(0, U64::published)
    }

    fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        self.words().get(HEAD..).unwrap_or_default().chunks_exact(self.slot).map(Slot)
    }

    /// Changes with every text that changes.
    pub fn generation(&self) -> u64 {
        self.head(0)
    }

    /// A text.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        match self.find(name) {
            Found::Text { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// What there is of a name.
    pub fn find(&self, name: &str) -> Found {
        for _ in 0..TRIES {
            let generation = self.generation();
            let found = self.look_for(name.as_bytes());
            // It may have gone to a slot that was looked at before.
            if matches!(found, Found::Text { .. }) || generation == self.generation() {
                return found;
            }
        }
        Found::Broken
    }

    fn look_for(&self, name: &[u8]) -> Found {
        let (hash, mut found) = (hash(name), Found::Nothing);
        for slot in self.slots().filter(|slot| slot.hash() == hash) {
            match (slot.read(), &found) {
                (Some(entry), _) if entry.name != name => {}
                (Some(entry), Found::Text { edition, .. }) if *edition > entry.edition => {}
                (Some(Entry { edition, text, .. }), _) => {
                    found = Found::Text { edition, bytes: text };
                }
                (None, Found::Nothing) => found = Found::Broken,
                (None, _) => {}
            }
        }
        found
    }

    /// Has a text from now on. `false`: there is no room for it. The caller [leads](Board::lead), or is alone.
    pub fn write(&self, name: &str, text: &[u8]) -> bool {
        let name = name.as_bytes();
        let mut free = self.slots().filter(Slot::is_free);
        let Some(slot) = free.next().filter(|slot| slot.has_room(name, text)) else { return false };
        // One stays free, so that those that are there can be written again.
        if self.slots_of(name).next().is_none() && free.next().is_none() {
            return false;
        }
        let edition = self.generation().wrapping_add(1);
        slot.write(&Entry { name: name.to_vec(), text: text.to_vec(), edition });
        self.changed();
        let old = self.slots_of(name).filter(|old| !std::ptr::eq(old.0, slot.0));
        old.for_each(|old| old.clear());
        true
    }

    /// Where a name has a text, or what is none and may have been its.
    fn slots_of(&self, name: &[u8]) -> impl Iterator<Item = Slot<'_>> {
        let hash = hash(name);
        let may_be = move |slot: &Slot<'_>| slot.read().is_none_or(|entry| entry.name == name);
        self.slots().filter(move |slot| slot.hash() == hash && may_be(slot))
    }

    /// Has it no more, under the same rule.
    pub fn remove(&self, name: &str) {
        self.slots_of(name.as_bytes()).for_each(|slot| slot.clear());
        self.changed();
    }

    /// Keeps what this says, by the texts' names: others are what those before have left.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        let stays = |entry: Entry| String::from_utf8(entry.name).is_ok_and(|name| keep(&name));
        for slot in self.slots().filter(|slot| slot.hash() != 0) {
            if !slot.read().is_some_and(stays) {
                slot.clear();
            }
        }
        self.changed();
    }

    /// What the one before was killed in the middle of goes: texts that are not whole, and those that are there again.
    fn tidy(&self) {
        let mut newest: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut last = self.generation();
        for entry in self.slots().filter(|slot| slot.hash() != 0).filter_map(|slot| slot.read()) {
            last = last.max(entry.edition);
            let known = newest.entry(entry.name).or_default();
            *known = entry.edition.max(*known);
        }
        let is_newest = |entry: Entry| newest.get(&entry.name) == Some(&entry.edition);
        for slot in self.slots().filter(|slot| !slot.is_empty()) {
            if !slot.read().is_some_and(is_newest) {
                slot.clear();
            }
        }
        if let Some(generation) = self.words().first() {
            generation.publish(last.wrapping_add(1));
        }
    }

    fn changed(&self) {
        if let Some(generation) = self.words().first() {
            generation.publish(generation.get().wrapping_add(1));
        }
    }

    /// Becomes the one that writes, to the end of this thread, if there is none.
    pub fn lead(&self) -> bool {
        let Some(lock) = self.region.get().and_then(lock) else { return false };
        match lock.try_lock() {
            Acquired::Busy => return false,
            Acquired::OwnerDied => lock.mended(),
            Acquired::Clean => {}
        }
        self.tidy();
        self.words()[2].publish(sys::process::pid() as u64);
        self.beat();
        true
    }

    /// The one that writes is alive.
    pub fn beat(&self) {
        if let Some(beats) = self.words().get(1) {
            beats.publish(beats.get().wrapping_add(1));
        }
    }

    /// Who writes; `None`: nobody.
    pub fn leader(&self) -> Option<i32> {
        let lock = self.region.get().and_then(lock)?;
        (lock.owner() != 0).then(|| self.head(2) as i32)
    }
}

/// Memory that goes away with a lock that is kept would leave the lock to nobody: the kernel finds it no more.
impl Drop for Board {
    fn drop(&mut self) {
        if self.leader() == Some(sys::process::pid())
            && let Some(lock) = self.region.get().and_then(lock)
        {
            lock.unlock();
        }
    }
}

/// Whether the one that writes a board gives signs of life, as whoever looks from time to time finds.
#[derive(Debug, Default)]
pub struct Watch(Cell<(u64, u32)>);

impl Watch {
    /// Looks.
    pub fn look(&self, board: &Board) {
        let ((beats, times), now) = (self.0.get(), board.head(1));
        self.0.set(if now == beats { (beats, times.saturating_add(1)) } else { (now, 0) });
    }

    /// Who writes, and has given none for so many looks.
    pub fn stuck(&self, board: &Board, looks: u32) -> Option<i32> {
        board.leader().filter(|_| self.0.get().1 >= looks)
    }
}

fn lock(region: &Arc<Region>) -> Option<&RobustLock> {
    const { assert!(size_of::<RobustLock>() <= (HEAD - LOCK) * 8) };
    const { assert!(align_of::<RobustLock>() <= 8) };
    let place = region.words().get(LOCK..HEAD)?;
    // SAFETY: the words lie in a mapping that lives as long as the region, are aligned and enough, and nobody uses them as
    // words.
    Some(unsafe { &*place.as_ptr().cast::<RobustLock>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        let board = Board::new(100);
        let region = Region::create("board", board.size(3)).expect("memory");
        assert!(board.open(Arc::new(region)));
        board
    }

    #[test]
    fn texts_come_change_and_go() {
        let board = board();
        assert_eq!(board.read("a"), None);
        let before = board.generation();
        assert!(board.write("a", b"one") && board.write("b", &[7; 96]));
        assert_ne!(board.generation(), before);
        assert!(board.write("a", b"another"));
        assert_eq!(board.read("a").as_deref(), Some(&b"another"[..]));
        assert_eq!(board.read("b"), Some(vec![7; 96]));
        assert!(board.write("c", b"") && !board.write("d", b"no room"));
        assert!(!board.write("a", &[7; 97]), "longer than a slot");
        board.remove("b");
        assert_eq!(board.read("b"), None);
        assert!(board.write("d", b"room"));
        board.retain(|name| name == "a");
        assert_eq!((board.read("d"), board.read("a").is_some()), (None, true));
    }

    /// Whoever chooses a name may look for one that has the hash of another.
    #[test]
    fn names_of_one_hash_are_two() {
        let board = board();
        let (one, other) = ("le/example.com-d1e3fb00", "http-01:giNie}X[WyNJzpqI\\WEzG`");
        assert_eq!(hash(one.as_bytes()), hash(other.as_bytes()));
        board.write(one, b"secret");
        assert_eq!(board.find(other), Found::Nothing);
        assert!(board.write(other, b"another"));
        assert_eq!(board.read(other).as_deref(), Some(&b"another"[..]));
        board.remove(other);
        assert_eq!(board.read(one).as_deref(), Some(&b"secret"[..]));
        board.retain(|name| name == other);
        assert_eq!(board.find(one), Found::Nothing);
    }

    #[test]
    fn what_is_half_written_leaves_what_was_there() {
        let board = board();
        board.write("a", b"whole");
        let half_written = |name: &str| {
            let (name, text) = (name.as_bytes().to_vec(), b"half".to_vec());
            let slot = board.slots().find(Slot::is_free).expect("a slot");
            slot.write(&Entry { name, text, edition: 99 });
            slot.0[1].set(slot.0[1].get() | 1);
        };
        half_written("a");
        assert_eq!(board.read("a").as_deref(), Some(&b"whole"[..]));
        half_written("b");
        assert_eq!(board.find("b"), Found::Broken);
        let slot = board.slots().find(|slot| slot.read().is_some()).expect("its slot");
        slot.0[5].set(slot.0[5].get() ^ 1);
        assert_eq!(board.find("a"), Found::Broken, "its check does not fit");
        assert!(board.lead());
        assert_eq!([board.find("a"), board.find("b")], [Found::Nothing, Found::Nothing]);
        assert!(["a", "b", "c"].iter().all(|name| board.write(name, b"there is room")));
    }

    /// What was there may have been a key.
    #[test]
    fn of_what_was_there_nothing_stays() {
        let board = board();
        let has = |byte: u8| {
            let byte_of = |word: &U64| word.get().to_ne_bytes().contains(&byte);
            board.slots().any(|slot| slot.0[slot::HEAD..].iter().any(byte_of))
        };
        board.write("name", &[0xa1; 80]);
        board.write("name", &[0xa2; 8]);
        assert!(!has(0xa1) && has(0xa2));
        board.write("other", &[0xa3; 80]);
        board.remove("name");
        assert!(!has(0xa2) && has(0xa3));
        board.retain(|_| false);
        assert!(!has(0xa3) && !has(b'o'));
    }

    #[test]
    fn who_gives_no_sign_of_life_is_found_out() {
        let (board, watch) = (board(), Watch::default());
        assert!(board.lead());
        for _ in 0..10 {
            watch.look(&board);
            assert_eq!(watch.stuck(&board, 2), None);
            board.beat();
        }
        (0..3).for_each(|_| watch.look(&board));
        assert_eq!(watch.stuck(&board, 2), Some(sys::process::pid()));
    }

    #[test]
    fn one_leads_until_it_ends() {
        let board = Arc::new(board());
        assert_eq!(board.leader(), None);
        let theirs = board.clone();
        assert!(std::thread::spawn(move || theirs.lead()).join().expect("a thread"));
        assert!(board.lead(), "it has ended");
        let theirs = board.clone();
        assert!(!std::thread::spawn(move || theirs.lead()).join().expect("a thread"));
        assert_eq!(board.leader(), Some(sys::process::pid()));
    }

    #[test]
    fn who_writes_no_more_leaves_it_to_the_next() {
        let one = board();
        let region = one.region.get().expect("a region").clone();
        assert!(one.lead());
        drop(one);
        let other = Board::new(100);
        assert!(!other.open(region));
        assert_eq!(other.leader(), None);
        assert!(std::thread::spawn(move || other.lead()).join().expect("a thread"));
    }
}
