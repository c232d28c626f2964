//! Short texts by name, which one process writes and all read, without a lock for those who read.
//!
//! ```text
//! words  0         │ 1    │ 2     │ 8 … 15        │ 64 … slots
//!        generation│ beats│ leader│ who may write │
//! slot   0 name's hash; 0: free │ 1 version; odd while it is written │ 2 bytes │ 3 their check │ 4 … bytes
//! ```
//! Whoever writes keeps the lock to its end ([`Board::lead`]): so there is one of them, whatever becomes of processes. What
//! one was killed in the middle of is not whole, and read as if it were not there.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use crate::{Acquired, Origin, Region, RobustLock, U64};

/// Words before the first slot.
const HEAD: usize = 64;
/// Where the lock is.
const LOCK: usize = 8;
/// Words of a slot before its bytes.
const SLOT_HEAD: usize = 4;

/// A board. Its region may come later.
#[derive(Debug)]
pub struct Board {
    region: OnceLock<Arc<Region>>,
    /// Words of a slot.
    slot: usize,
}

impl Board {
    /// Each text has at most so many bytes.
    pub const fn new(longest: usize) -> Board {
        Board { region: OnceLock::new(), slot: SLOT_HEAD + longest.div_ceil(8) }
    }

    /// Bytes of a region for so many texts.
    pub const fn size(&self, count: usize) -> usize {
        (HEAD + self.slot * count) * 8
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
        let hash = hash(name.as_bytes());
        self.slots().filter(|slot| slot.0[0].published() == hash).find_map(|slot| slot.read())
    }

    /// Has a text from now on. `false`: there is no room for it. The caller [leads](Board::lead), or is alone.
    pub fn write(&self, name: &str, bytes: &[u8]) -> bool {
        let hash = hash(name.as_bytes());
        let known = self.slots().find(|slot| slot.0[0].get() == hash);
        let slot = known.or_else(|| self.slots().find(|slot| slot.0[0].get() == 0));
        let Some(slot) = slot.filter(|slot| slot.0.len() >= SLOT_HEAD + bytes.len().div_ceil(8))
        else {
            return false;
        };
        slot.write(hash, bytes);
        self.changed();
        true
    }

    /// Has it no more, under the same rule.
    pub fn remove(&self, name: &str) {
        let hash = hash(name.as_bytes());
        for slot in self.slots().filter(|slot| slot.0[0].get() == hash) {
            slot.write(0, &[]);
        }
        self.changed();
    }

    /// Removes what this says, by the texts' hashes ([`Board::hash`]): what those before have left.
    pub fn retain(&self, keep: impl Fn(u64) -> bool) {
        let left = |slot: &Slot<'_>| !matches!(slot.0[0].get(), 0) && !keep(slot.0[0].get());
        self.slots().filter(left).for_each(|slot| slot.write(0, &[]));
        self.changed();
    }

    /// What a name is known by.
    pub fn hash(name: &str) -> u64 {
        hash(name.as_bytes())
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

#[derive(Clone, Copy)]
struct Slot<'a>(&'a [U64]);

impl Slot<'_> {
    fn read(&self) -> Option<Vec<u8>> {
        let [_, version, len, check, data @ ..] = self.0 else { return None };
        let before = version.published();
        let len = usize::try_from(len.published()).ok().filter(|len| *len <= data.len() * 8)?;
        let check = check.published();
        let words = &data[..len.div_ceil(8)];
        let mut bytes: Vec<u8> =
            words.iter().flat_map(|word| word.published().to_ne_bytes()).collect();
        bytes.truncate(len);
        let whole = before % 2 == 0 && version.published() == before && hash(&bytes) == check;
        whole.then_some(bytes)
    }

    fn write(&self, name: u64, bytes: &[u8]) {
        let [hash_word, version, len, check, data @ ..] = self.0 else { return };
        let writing = version.get() | 1;
        version.publish(writing);
        hash_word.publish(name);
        len.publish(bytes.len() as u64);
        check.publish(hash(bytes));
        for (word, part) in data.iter().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..part.len()].copy_from_slice(part);
            word.publish(u64::from_ne_bytes(padded));
        }
        if bytes.is_empty() {
            // What was there may have been a key.
            data.iter().for_each(|word| word.publish(0));
        }
        version.publish(writing.wrapping_add(1));
    }
}

/// Never 0. It tells what is whole and what is not; nobody outside chooses what is written.
fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, &byte: &u8| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5)
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64, fold);
    hash.max(1)
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
        assert!(board.write("a", b"one") && board.write("b", &[7; 100]));
        assert_ne!(board.generation(), before);
        assert!(board.write("a", b"another"));
        assert_eq!(board.read("a").as_deref(), Some(&b"another"[..]));
        assert_eq!(board.read("b"), Some(vec![7; 100]));
        assert!(board.write("c", b"") && !board.write("d", b"no room"));
        assert!(!board.write("a", &[7; 105]), "longer than a slot");
        board.remove("b");
        assert_eq!(board.read("b"), None);
        assert!(board.write("d", b"room"));
        board.retain(|hash| hash == Board::hash("a"));
        assert_eq!((board.read("d"), board.read("a").is_some()), (None, true));
    }

    #[test]
    fn what_is_half_written_is_not_there_and_is_mended_by_the_next() {
        let board = board();
        board.write("a", b"whole");
        let slot = &board.words()[HEAD..];
        slot[1].set(slot[1].get() | 1);
        assert_eq!(board.read("a"), None);
        board.write("a", b"again");
        assert_eq!(board.read("a").as_deref(), Some(&b"again"[..]));
        slot[4].set(slot[4].get() ^ 1);
        assert_eq!(board.read("a"), None, "its check does not fit");
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
