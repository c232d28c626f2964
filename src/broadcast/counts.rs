//! What readers ask for and nobody has published: names that are waited for, patterns, addresses. None of it has a
//! slot, so none of it takes a history's place; it is counted, for each process in its row, by hash.
//!
//! ```text
//! (kind, bytes, row) ─hash─▶ two buckets of four entries │ hash │ row │ count │   exact, as long as one is free
//!                          └▶ two cells of the row, of which the smaller one counts    once none is
//! ```
//! A row's counts are written by its process alone, and go with it. Where more is asked for than there are entries,
//! the cells may count what others have asked for, too: a figure is too high then, a process woken for nothing, a
//! client kept out who need not be; none is missed. Addresses have a table of their own: names, of which one client
//! may bring hundreds, do not spoil it.

use shm::U32;

use crate::layout::{BUCKET, CountTable, Entry, MAX_NAME};
use crate::lock::Locked;
use crate::memory::Memory;
use crate::step::step;
use crate::zone::Zone;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountKind {
    /// Readers of a channel that does not exist.
    Name,
    /// Readers of all channels whose names begin so.
    Pattern,
    /// Streams of one client.
    Address,
}

/// One thing that is counted over all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub(crate) kind: CountKind,
    hash: u64,
    /// Of the bytes that it was made of.
    pub(crate) len: u8,
}

impl Counted {
    /// Its hash in a row.
    fn of_row(self, row: usize) -> u64 {
        let salted = self.hash ^ ((row as u64 + 1) << 2 | self.kind as u64);
        let product = u128::from(salted).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (product >> 64) as u64 ^ product as u64
    }
}

impl Zone {
    pub(crate) fn counted(&self, kind: CountKind, bytes: &[u8]) -> Counted {
        Counted { kind, hash: self.hash(bytes), len: bytes.len().min(MAX_NAME) as u8 }
    }
}

impl Memory {
    fn counts(&self, kind: CountKind) -> &CountTable {
        match kind {
            CountKind::Name | CountKind::Pattern => &self.layout.asked,
            CountKind::Address => &self.layout.addresses,
        }
    }

    /// The two buckets of entries where a hash may be.
    fn buckets(&self, kind: CountKind, hash: u64) -> [impl Iterator<Item = &Entry>; 2] {
        let counts = self.counts(kind);
        let buckets = counts.entries / BUCKET;
        [hash as usize, (hash >> 32) as usize].map(|bucket| {
            let first = bucket % buckets * BUCKET;
            (first..first + BUCKET).map(|at| self.entry(counts, at))
        })
    }

    fn entry_of(&self, kind: CountKind, hash: u64) -> Option<&Entry> {
        let entries = self.buckets(kind, hash).into_iter().flatten();
        entries.into_iter().find(|entry| entry.count.get() > 0 && entry.hash.get() == hash)
    }

    /// An entry that is nobody's, in the emptier one of the buckets: so more of them are used before one is missing.
    fn free_entry(&self, kind: CountKind, hash: u64) -> Option<&Entry> {
        let free = |entry: &&Entry| entry.count.get() == 0;
        let [one, other] = self.buckets(kind, hash).map(|bucket| bucket.filter(free));
        let [one, other] =
            [one, other].map(|free| free.fold((0, None), |(n, _), e| (n + 1, Some(e))));
        if other.0 > one.0 { other.1 } else { one.1 }
    }

    /// A hash's cells in a row.
    fn cells(&self, kind: CountKind, row: usize, hash: u64) -> [&U32; 2] {
        let counts = self.counts(kind);
        let first = hash as usize % counts.cells;
        let step = 1 + (hash >> 32) as usize % (counts.cells - 1);
        [first, (first + step) % counts.cells].map(|place| self.cell(counts, row, place))
    }

    fn count(&self, what: Counted, row: usize) -> u32 {
        if self.row(row).counted[what.kind as usize].get() == 0 {
            return 0;
        }
        let hash = what.of_row(row);
        let exact = self.entry_of(what.kind, hash).map_or(0, |entry| entry.count.get());
        let [one, other] = self.cells(what.kind, row, hash);
        exact.saturating_add(one.get().min(other.get()))
    }

    pub fn add(&self, what: Counted, row: usize) {
        // First: what is counted in a row is never more than it says.
        self.row(row).counted[what.kind as usize].add(1);
        let hash = what.of_row(row);
        if let Some(entry) = self.entry_of(what.kind, hash) {
            entry.count.add(1);
        } else if let Some(entry) = self.free_entry(what.kind, hash) {
            entry.hash.set(hash);
            entry.row.set(row as u32);
            step("count: before the commit");
            entry.count.publish(1);
        } else {
            self.cells(what.kind, row, hash).into_iter().for_each(|cell| cell.add(1));
        }
    }

    pub fn sub(&self, what: Counted, row: usize, by: u32) {
        let hash = what.of_row(row);
        let mut left = by;
        step("discount: begun");
        if let Some(entry) = self.entry_of(what.kind, hash) {
            let taken = entry.count.get().min(left);
            entry.count.sub(taken);
            left -= taken;
        }
        if left > 0 {
            for cell in self.cells(what.kind, row, hash) {
                cell.set(cell.get().saturating_sub(left));
            }
        }
        step("discount: in the table");
        self.row(row).counted[what.kind as usize].sub(by);
    }

    /// Forgets all that is counted in a row.
    pub fn forget_counts(&self, row: usize) {
        let counted = &self.row(row).counted;
        let [asked, addresses] = [counted[0].get() + counted[1].get(), counted[2].get()];
        // Memory that was never used stays so.
        for (counts, counted) in [(&self.layout.asked, asked), (&self.layout.addresses, addresses)]
        {
            if counted > 0 {
                self.forget_entries(counts, row, counted);
                (0..counts.cells).for_each(|place| self.cell(counts, row, place).set(0));
            }
        }
        counted.iter().for_each(|word| word.set(0));
        self.row(row).pattern_lengths.iter().for_each(|word| word.set(0));
        self.row(row).clients.set(0);
    }

    fn forget_entries(&self, counts: &CountTable, row: usize, counted: u32) {
        let mut left = counted;
        let entries = (0..counts.entries).map(|at| self.entry(counts, at));
        for entry in entries.filter(|entry| entry.row.get() == row as u32) {
            left = left.saturating_sub(entry.count.get());
            entry.count.set(0);
            step("forget: an entry");
            if left == 0 {
                return;
            }
        }
    }
}

impl Locked<'_> {
    /// Calls `each` with every row where this is counted, and how often.
    pub fn counts(&self, what: Counted, mut each: impl FnMut(usize, u32)) {
        for row in self.used_rows() {
            let count = self.memory.count(what, row);
            if count > 0 {
                each(row, count);
            }
        }
    }

    /// How often this is counted in all rows.
    pub fn count(&self, what: Counted) -> u32 {
        let mut sum = 0u32;
        self.counts(what, |_, count| sum = sum.saturating_add(count));
        sum
    }

    /// The rows that were ever used.
    pub fn used_rows(&self) -> std::ops::Range<usize> {
        0..(self.header().rows_used.get() as usize).min(self.memory.layout.rows)
    }
}
