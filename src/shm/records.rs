//! Records of words in shared memory, found by key, each with a count of every process.
//!
//! ```text
//! words  0     │ 1     │ 2          │ 3    │ 4         │ 8 … 15 │ 64 …      │ …       │ …
//!        magic │ shape │ generation │ used │ processes │ lock   │ processes │ records │ counts, a row for each process
//! ```
//! A record begins with its key, of two words, and the generation that has asked for it last: those that neither this
//! configuration nor the one before has named make room for others. Records stay where they are as long as they are used: whoever
//! has a record's number needs no key any more.
//!
//! *Counts* belong to processes, and go with them: a count that all shared could not be given back by whoever is killed. What
//! belongs together is changed under the lock, which outlives its owner; nothing in a record may depend on being whole.

use std::io;
use std::sync::Arc;

use crate::{Acquired, BoundedLock, Holder, Origin, Region, U64};

/// "RSERVERC": another region is recognised.
const MAGIC: u64 = u64::from_le_bytes(*b"RSERVERC");
/// Where things are in the head.
const SHAPE: usize = 1;
const GENERATION: usize = 2;
const USED: usize = 3;
const ROWS: usize = 4;
const LOCK: usize = 8;
const HEAD: usize = 64;
/// Words of a record before those of its owner.
const RECORD_HEAD: usize = 3;

/// How a region is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordShape {
    /// The most records.
    pub records: usize,
    /// Words of each, beside its key.
    pub words: usize,
    /// The most processes that count at the same time.
    pub processes: usize,
}

impl RecordShape {
    /// Bytes of a region. What nobody touches of it costs nothing.
    pub const fn size(&self) -> usize {
        (self.counts_at() + self.processes * self.records) * size_of::<u64>()
    }

    const fn record(&self) -> usize {
        RECORD_HEAD + self.words
    }

    const fn records_at(&self) -> usize {
        HEAD + self.processes
    }

    const fn counts_at(&self) -> usize {
        self.records_at() + self.records * self.record()
    }

    fn word(&self) -> u64 {
        (self.records as u64) << 32 | (self.words as u64) << 16 | self.processes as u64
    }
}

/// Records in a region, as this process sees them.
pub struct Records {
    region: Arc<Region>,
    shape: RecordShape,
}

/// The records, with their lock.
pub struct RecordsLock<'r>(&'r Records);

impl Records {
    /// The records of a region: made if the region is new, shared if another process has it.
    pub fn of(region: Arc<Region>, shape: RecordShape) -> io::Result<Records> {
        if region.len() != shape.size() {
            return Err(io::Error::other("the memory has another size"));
        }
        let claimed = region.claim();
        let records = Records { region, shape };
        match claimed {
            Origin::Fresh => {
                // SAFETY: the region is fresh: nobody else knows it.
                unsafe { records.bounded().init() };
                records.word(SHAPE).set(shape.word());
                records.word(0).publish(MAGIC);
                Ok(records)
            }
            Origin::Shared => {
                let known = (records.word(0).published(), records.word(SHAPE).get());
                match known == (MAGIC, shape.word()) {
                    true => Ok(records),
                    false => Err(io::Error::other("the memory is that of something else")),
                }
            }
        }
    }

    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> RecordsLock<'_> {
        if self.bounded().lock() == Acquired::OwnerDied {
            self.bounded().mended();
        }
        RecordsLock(self)
    }

    /// Takes the lock if nobody has it: for those whom nobody may keep waiting.
    pub fn try_lock(&self) -> Option<RecordsLock<'_>> {
        match self.bounded().try_lock() {
            Acquired::Busy => None,
            Acquired::OwnerDied => {
                self.bounded().mended();
                Some(RecordsLock(self))
            }
            Acquired::Clean => Some(RecordsLock(self)),
        }
    }

    /// Looks who has the lock, at a time in milliseconds ([`Holder::look`]).
    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        holder.look(self.bounded(), now, patience)
    }

    /// The words of a record.
    #[inline]
    pub fn words(&self, record: usize) -> &[U64] {
        &self.record(record)[RECORD_HEAD..]
    }

    /// How many records have ever been used.
    pub fn used(&self) -> usize {
        (self.word(USED).published() as usize).min(self.shape.records)
    }

    /// What a process counts of a record: `row` is that process's, and it alone writes.
    #[inline]
    pub fn count(&self, row: usize, record: usize) -> &U64 {
        assert!(row < self.shape.processes && record < self.shape.records, "no such count");
        self.word(self.shape.counts_at() + row * self.shape.records + record)
    }

    /// What all processes together count of a record.
    #[inline]
    pub fn total(&self, record: usize) -> u64 {
        let rows = (self.word(ROWS).published() as usize).min(self.shape.processes);
        (0..rows).map(|row| self.count(row, record).get()).sum()
    }

    /// Gives this process a row. `None`: as many as there may be have one.
    pub fn attach(&self) -> Option<usize> {
        let lock = self.lock();
        let own = sys::process::pid();
        // Whoever had this number before, and was not swept, has ended.
        let gone = |pid: i32| pid != 0 && (pid == own || !sys::process::exists(pid));
        let gone: Vec<i32> = self.rows().filter(|&pid| gone(pid)).collect();
        gone.into_iter().for_each(|pid| lock.sweep(pid));
        let row = self.rows().position(|pid| pid == 0)?;
        let highest = self.word(ROWS).get().max(row as u64 + 1);
        self.word(ROWS).publish(highest);
        self.word(HEAD + row).publish(own as u64);
        Some(row)
    }

    /// A process has ended: what it counted goes. `false`: somebody has the lock, and the caller comes again.
    pub fn sweep(&self, pid: i32) -> bool {
        self.try_lock().map(|lock| lock.sweep(pid)).is_some()
    }

    /// The processes that have a row.
    pub fn processes(&self) -> Vec<i32> {
        self.rows().filter(|&pid| pid != 0).collect()
    }

    /// How many more processes can have one.
    pub fn free_rows(&self) -> usize {
        self.shape.processes - self.processes().len()
    }

    fn rows(&self) -> impl Iterator<Item = i32> {
        (0..self.shape.processes).map(|row| self.word(HEAD + row).published() as i32)
    }

    #[inline]
    fn word(&self, at: usize) -> &U64 {
        &self.region.words()[at]
    }

    #[inline]
    fn record(&self, at: usize) -> &[U64] {
        assert!(at < self.shape.records, "no such record");
        let from = self.shape.records_at() + at * self.shape.record();
        &self.region.words()[from..from + self.shape.record()]
    }

    fn bounded(&self) -> &BoundedLock {
        const { assert!(size_of::<BoundedLock>() <= (HEAD - LOCK) * size_of::<u64>()) };
        // SAFETY: the place is in the region, is aligned as words are, is as long as a lock, and is nothing else; the lock was
        // made by whoever made the region.
        unsafe { self.region.base().cast::<U64>().add(LOCK).cast::<BoundedLock>().as_ref() }
    }
}

impl RecordsLock<'_> {
    /// A new configuration names its records from here on.
    pub fn begin(&self) {
        self.0.word(GENERATION).add(1);
    }

    /// The record of a key, which is made if there is none: all of its words are zero then. `None`: there is no room, even
    /// without those that nobody has named lately.
    pub fn place(&self, key: u128) -> Option<usize> {
        // Nobody's key is that of what is free.
        let key = key.max(1);
        let generation = self.0.word(GENERATION).get();
        let used = self.0.used();
        let found = (0..used).find(|&at| self.key(at) == key);
        let at = found.or_else(|| self.take(used, generation))?;
        let record = self.0.record(at);
        record[2].set(generation);
        if found.is_none() {
            self.0.words(at).iter().for_each(|word| word.set(0));
            record[1].set((key >> 64) as u64);
            // Whoever is killed before leaves a free one.
            record[0].publish(key as u64);
            self.0.word(USED).publish(used.max(at + 1) as u64);
        }
        Some(at)
    }

    fn key(&self, at: usize) -> u128 {
        let record = self.0.record(at);
        u128::from(record[1].get()) << 64 | u128::from(record[0].get())
    }

    /// One that is free, or that nobody needs: its low half is 0 then.
    fn take(&self, used: usize, generation: u64) -> Option<usize> {
        if used < self.0.shape.records {
            return Some(used);
        }
        let is_old = |at: usize| {
            let named = self.0.record(at)[2].get();
            named.saturating_add(1) < generation && self.0.total(at) == 0
        };
        let at = (0..used).find(|&at| is_old(at))?;
        self.0.record(at)[0].publish(0);
        Some(at)
    }

    fn sweep(&self, pid: i32) {
        for row in 0..self.0.shape.processes {
            let word = self.0.word(HEAD + row);
            if pid == 0 || word.get() as i32 != pid {
                continue;
            }
            (0..self.0.used()).for_each(|record| {
                let count = self.0.count(row, record);
                if count.get() != 0 {
                    count.set(0);
                }
            });
            // At last: who is killed before leaves it to be swept once more.
            word.publish(0);
        }
    }
}

impl Drop for RecordsLock<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.bounded().unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: RecordShape = RecordShape { records: 4, words: 2, processes: 3 };

    fn records() -> Records {
        let region = Arc::new(Region::create("records-test", SHAPE.size()).expect("a region"));
        Records::of(region, SHAPE).expect("records")
    }

    fn child(work: impl FnOnce()) -> i32 {
        // SAFETY: the child works on its own memory and on shared words, and exits.
        match unsafe { libc::fork() } {
            0 => {
                work();
                // SAFETY: ends the child.
                unsafe { libc::_exit(0) }
            }
            pid => {
                let mut status = 0;
                // SAFETY: `status` is valid for the call.
                unsafe { libc::waitpid(pid, &mut status, 0) };
                pid
            }
        }
    }

    #[test]
    fn a_record_stays_where_it_is() {
        let records = records();
        let [a, b] = [7, 1 << 100].map(|key| records.lock().place(key).expect("room"));
        records.words(b)[1].set(5);
        assert_ne!(a, b);
        let again = Records::of(records.region.clone(), SHAPE).expect("the same");
        assert_eq!(again.lock().place(1 << 100), Some(b));
        assert_eq!(again.words(b)[1].get(), 5);
        let other = RecordShape { words: 6, records: 3, processes: 2 };
        assert_eq!(other.size(), SHAPE.size(), "the size alone tells nothing");
        assert!(Records::of(records.region.clone(), other).is_err());
    }

    #[test]
    fn those_that_nobody_names_make_room() {
        let records = records();
        let lock = records.lock();
        lock.begin();
        (1..=4).for_each(|key| assert!(lock.place(key).is_some(), "{key}"));
        records.words(0)[0].set(9);
        assert_eq!(lock.place(5), None, "all are named");
        lock.begin();
        (2..=4).for_each(|key| assert!(lock.place(key).is_some(), "{key}"));
        assert_eq!(lock.place(5), None, "the configuration before may still serve");
        lock.begin();
        (2..=4).for_each(|key| assert!(lock.place(key).is_some(), "{key}"));
        records.count(0, 0).set(1);
        records.word(ROWS).set(1);
        assert_eq!(lock.place(5), None, "somebody counts");
        records.count(0, 0).set(0);
        assert_eq!(lock.place(5), Some(0));
        assert_eq!(records.words(0)[0].get(), 0, "it begins anew");
        drop(lock);
    }

    #[test]
    fn counts_go_with_their_process() {
        let records = records();
        let at = records.lock().place(1).expect("room");
        let own = records.attach().expect("a row");
        records.count(own, at).add(2);
        let pid = child(|| {
            let row = records.attach().expect("a row");
            records.count(row, at).add(40);
        });
        assert_eq!(records.total(at), 42);
        assert!(records.processes().contains(&pid));
        assert!(records.sweep(pid));
        assert_eq!((records.total(at), records.free_rows()), (2, 2));
    }

    #[test]
    fn whoever_dies_with_the_lock_keeps_nobody_waiting() {
        let records = records();
        child(|| std::mem::forget(records.lock()));
        assert!(records.try_lock().is_some());
        let pid = child(|| {
            let row = records.attach().expect("a row");
            let at = records.lock().place(1).expect("room");
            records.count(row, at).add(1);
            std::mem::forget(records.lock());
        });
        assert!(records.sweep(pid));
        assert_eq!(records.total(0), 0);
    }
}
