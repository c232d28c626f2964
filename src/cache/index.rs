//! What is in the cache: an entry for each file, in memory that all processes share, which outlives them all.
//!
//! ```text
//! key                     tag            value
//! digest                  0              valid until, blocks │ used, version, status, there, uses     an answer
//! digest                  a process's    since │ number                                               it is being fetched there
//! digest, "w"             a process's    how many │ pid                                               those who wait for that
//! digest                  UNKEPT         until │ -                                                    what came was not to be stored
//! "size"                  0              blocks of all │ when many were purged at once
//! "name"                  0              what bells are called by │ changes, whether every file is in the index
//! ```
//! What a process does or waits for is in entries of its own: they go with it, so that a fetch never belongs to the dead. An entry's
//! two words change one after the other; whoever is killed between leaves a size or a time that is a moment old, which
//! costs an answer's being fetched again, and is made good when it is stored again.

use shm::{Entry, Key as TableKey, Locked, Table};

use crate::key::Digest16;
use crate::state::{MOST_USES, State};

/// The tag of what is remembered of answers that were not stored: no process has it.
const UNKEPT: u16 = 0x3fff;
/// Keys of entries that are no answers.
const SIZE: &[u8] = b"size";
const NAME: &[u8] = b"name";
/// The tag of what belongs to no process.
const ALL: u16 = 0;
/// In the second word of the name.
const WHOLE: u64 = 1;
const VARIED: u64 = 2;
const CHANGE: u64 = 4;
/// The number of no claim.
pub(crate) const PURGED: u64 = 0;
/// So many of the oldest are looked at for one that can go.
const LOOKS: usize = 64;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What is known of it.
    pub state: State,
    /// What came lately was not to be stored.
    pub is_unkept: bool,
}

/// The index, as this process sees it.
#[derive(Clone, Copy)]
pub struct Index<'t> {
    pub(crate) table: &'t Table,
    /// The tag of this process.
    pub(crate) own: u16,
}

impl<'t> Index<'t> {
    /// Of a table. `own`: the tag of this process; 0 where it fetches nothing.
    pub fn new(table: &'t Table, own: u16) -> Index<'t> {
        Index { table, own }
    }

    /// What is known of an answer, which is used now. What makes room for what is not known yet is in `gone`.
    pub fn look(&self, digest: &Digest16, now: u32, gone: &mut Vec<Digest16>) -> Option<Look> {
        let locked = self.table.lock();
        let key = self.table.key(digest);
        let entry = match locked.find(key, ALL) {
            Some(entry) => entry,
            None => insert(&locked, key, ALL, State::default().words(), gone)?,
        };
        let mut state = read(&locked, entry);
        state.used = now;
        state.uses = (state.uses + 1).min(MOST_USES);
        write(&locked, entry, state);
        locked.touch(entry);
        Some(Look { state, is_unkept: is_unkept(&locked, key, now) })
    }

    /// What has come of an answer was not to be stored: until that second nobody needs to wait for another.
    pub fn set_unkept(&self, digest: &Digest16, until: u32) {
        let locked = self.table.lock();
        let key = self.table.key(digest);
        match locked.find(key, UNKEPT) {
            Some(entry) => locked.value(entry)[0].set(until.into()),
            None => drop(locked.insert(key, UNKEPT, [until.into(), 0])),
        }
    }

    /// What is known of an answer, if anything is; it is not used by that.
    pub fn peek(&self, digest: &Digest16) -> Option<State> {
        let locked = self.table.lock();
        locked.find(self.table.key(digest), ALL).map(|entry| read(&locked, entry))
    }

    /// What was fetched is in its file: it is an answer from now on, if it was not purged meanwhile. The claim is that of what was
    /// looked for. Gives the blocks of all.
    pub fn store(
        &self,
        claim: (&Digest16, u64, u64),
        digest: &Digest16,
        gone: &mut Vec<Digest16>,
        change: impl FnOnce(&mut State),
    ) -> Option<u64> {
        let locked = self.table.lock();
        let (claimed, number, begun) = claim;
        let is_wanted = self.claim(&locked, claimed, number).is_some() && purged(&locked) < begun;
        is_wanted.then(|| self.change_locked(&locked, digest, gone, change)).flatten()
    }

    /// Changes what is known of an answer, and gives the blocks of all. `None`: there is no room for it.
    pub fn change(
        &self,
        digest: &Digest16,
        gone: &mut Vec<Digest16>,
        change: impl FnOnce(&mut State),
    ) -> Option<u64> {
        self.change_locked(&self.table.lock(), digest, gone, change)
    }

    fn change_locked(
        &self,
        locked: &Locked<'_>,
        digest: &Digest16,
        gone: &mut Vec<Digest16>,
        change: impl FnOnce(&mut State),
    ) -> Option<u64> {
        let key = self.table.key(digest);
        let entry = match locked.find(key, ALL) {
            Some(entry) => entry,
            None => insert(locked, key, ALL, State::default().words(), gone)?,
        };
        let before = read(locked, entry);
        let mut state = before;
        change(&mut state);
        state.version = self.next_version(locked);
        write(locked, entry, state);
        Some(self.account(locked, before, state))
    }

    /// No two changes have the same, for a long time.
    fn next_version(&self, locked: &Locked<'_>) -> u32 {
        let Some(entry) = locked.find(self.table.key(NAME), ALL) else { return 0 };
        let word = locked.value(entry)[1];
        word.add(CHANGE);
        (word.get() / CHANGE) as u32 & 0xff_ffff
    }

    fn account(&self, locked: &Locked<'_>, before: State, now: State) -> u64 {
        let size = |state: State| if state.is_there { u64::from(state.blocks) } else { 0 };
        let key = self.table.key(SIZE);
        let Some(entry) = locked.find(key, ALL).or_else(|| locked.insert(key, ALL, [0; 2])) else {
            return 0;
        };
        let [all, _] = locked.value(entry);
        all.add(size(now));
        all.sub(size(before));
        all.get()
    }

    /// Forgets an answer; whoever is fetching it does not store it. `true`: it had a file.
    pub fn purge(&self, digest: &Digest16) -> bool {
        let locked = self.table.lock();
        let claims = locked.all(self.table.key(digest));
        // The claim stays, and is no one's: those who wait still do.
        let claims = claims.filter(|&entry| is_process(&locked, entry));
        claims.for_each(|entry| locked.value(entry)[1].set(PURGED));
        remove(&locked, digest)
    }

    /// Forgets an answer. `true`: it had a file.
    pub fn remove(&self, digest: &Digest16) -> bool {
        remove(&self.table.lock(), digest)
    }

    /// Forgets the answer that was not used for longest, if `goes` says so. `None`: none does.
    pub fn take_oldest(&self, goes: impl Fn(State, u64) -> bool) -> Option<(Digest16, State)> {
        let locked = self.table.lock();
        for _ in 0..LOOKS {
            let oldest = locked.oldest()?;
            let Some(digest) = answer(&locked, oldest) else {
                pass_over(&locked, oldest);
                continue;
            };
            let state = read(&locked, oldest);
            if !goes(state, blocks(&locked)) {
                return None;
            }
            forget(&locked, oldest);
            return Some((digest, state));
        }
        None
    }

    /// The blocks of all files.
    pub fn blocks(&self) -> u64 {
        blocks(&self.table.lock())
    }

    /// Many answers are purged: what was fetched before is not stored. Times are milliseconds of the monotonic clock.
    pub fn purge_many(&self, now: u64) {
        let locked = self.table.lock();
        let key = self.table.key(SIZE);
        if let Some(entry) = locked.find(key, ALL).or_else(|| locked.insert(key, ALL, [0; 2])) {
            locked.value(entry)[1].set(now);
        }
    }

    /// When that was last.
    pub fn purged(&self) -> u64 {
        purged(&self.table.lock())
    }

    /// What bells are called by, which is found out once, and whether all files are in the index.
    pub fn name(&self, random: u64) -> (u64, bool) {
        let locked = self.table.lock();
        let key = self.table.key(NAME);
        let found = locked.find(key, ALL);
        match found.or_else(|| locked.insert(key, ALL, [random, 0])) {
            Some(entry) => {
                let [name, is_whole] = locked.value(entry).map(shm::U64::get);
                (name, is_whole & WHOLE != 0)
            }
            None => (random, false),
        }
    }

    /// Whether all files are in the index; `None`: somebody has the lock, and is not waited for.
    pub fn is_whole(&self) -> Option<bool> {
        let locked = self.table.try_lock()?;
        Some(self.has(&locked, WHOLE))
    }

    /// All files are in the index.
    pub fn set_whole(&self) {
        self.set(WHOLE);
    }

    /// Some key has several answers, of which an answer itself may not tell.
    pub fn set_varied(&self) {
        self.set(VARIED);
    }

    /// Whether that is so.
    pub fn is_varied(&self) -> bool {
        self.has(&self.table.lock(), VARIED)
    }

    fn has(&self, locked: &Locked<'_>, bit: u64) -> bool {
        let entry = locked.find(self.table.key(NAME), ALL);
        entry.is_some_and(|entry| locked.value(entry)[1].get() & bit != 0)
    }

    fn set(&self, bit: u64) {
        let locked = self.table.lock();
        if let Some(entry) = locked.find(self.table.key(NAME), ALL) {
            let word = locked.value(entry)[1];
            word.set(word.get() | bit);
        }
    }
}

fn purged(locked: &Locked<'_>) -> u64 {
    let entry = locked.find(key(locked, SIZE), ALL);
    entry.map_or(0, |entry| locked.value(entry)[1].get())
}

fn is_unkept(locked: &Locked<'_>, key: TableKey<'_>, now: u32) -> bool {
    let Some(entry) = locked.find(key, UNKEPT) else { return false };
    let is_valid = u64::from(now) < locked.value(entry)[0].get();
    if !is_valid {
        locked.remove(entry);
    }
    is_valid
}

fn blocks(locked: &Locked<'_>) -> u64 {
    let entry = locked.find(key(locked, SIZE), ALL);
    entry.map_or(0, |entry| locked.value(entry)[0].get())
}

fn key<'k>(locked: &Locked<'_>, bytes: &'k [u8]) -> TableKey<'k> {
    locked.table().key(bytes)
}

fn read(locked: &Locked<'_>, entry: Entry) -> State {
    State::of(locked.value(entry).map(shm::U64::get))
}

fn write(locked: &Locked<'_>, entry: Entry, state: State) {
    locked.value(entry).iter().zip(state.words()).for_each(|(word, value)| word.set(value));
}

/// The digest of an entry that is an answer's.
fn answer(locked: &Locked<'_>, entry: Entry) -> Option<Digest16> {
    (locked.tag(entry) == ALL).then(|| locked.key(entry).try_into().ok()).flatten()
}

/// Whether an entry is a process's.
pub(crate) fn is_process(locked: &Locked<'_>, entry: Entry) -> bool {
    !matches!(locked.tag(entry), ALL | UNKEPT)
}

fn remove(locked: &Locked<'_>, digest: &Digest16) -> bool {
    let Some(entry) = locked.find(key(locked, digest), ALL) else { return false };
    let state = read(locked, entry);
    forget(locked, entry);
    state.is_there
}

/// Takes an answer out, with its blocks.
fn forget(locked: &Locked<'_>, entry: Entry) {
    let state = read(locked, entry);
    locked.remove(entry);
    if let Some(size) = locked.find(key(locked, SIZE), ALL).filter(|_| state.is_there) {
        locked.value(size)[0].sub(u64::from(state.blocks));
    }
}

/// Adds an entry; of answers those that were not used for longest make room, and are in `gone` if they have files.
pub(crate) fn insert(
    locked: &Locked<'_>,
    key: TableKey<'_>,
    tag: u16,
    value: [u64; 2],
    gone: &mut Vec<Digest16>,
) -> Option<Entry> {
    for _ in 0..LOOKS {
        if let Some(entry) = locked.insert(key, tag, value) {
            return Some(entry);
        }
        let oldest = locked.oldest()?;
        match answer(locked, oldest) {
            Some(digest) => {
                if read(locked, oldest).is_there {
                    gone.push(digest);
                }
                forget(locked, oldest);
            }
            None => pass_over(locked, oldest),
        }
    }
    None
}

/// What is no answer stays, but for what is only remembered for a while.
fn pass_over(locked: &Locked<'_>, oldest: Entry) {
    match locked.tag(oldest) {
        UNKEPT => locked.remove(oldest),
        _ => locked.touch(oldest),
    }
}

#[cfg(test)]
mod tests;
