//! Records in place: slices of shared memory whose blocks are pinned while they are written from.

use std::cell::RefCell;
use std::io::IoSlice;
use std::ops::Range;

use crate::flags::END;
use crate::layout::{PINS, Place};
use crate::memory::Memory;
use crate::row::Attachment;
use crate::step::step;

/// Slices of one batch: what one `sendmsg` takes.
pub(crate) const SLICES: usize = 64;

/// How much a batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Records.
    pub records: usize,
    /// Bytes; the first record is begun in any case.
    pub bytes: usize,
    /// Records up to this seq only: of those behind it the reader does not yet know in which of its
    /// channels they are.
    pub upto: u64,
    /// The reader has been told that records up to this seq may be gone: it is not told again, and
    /// gets what there still is.
    pub told: u64,
}

impl ReadLimits {
    /// As much as goes out with one write.
    pub const DEFAULT: ReadLimits =
        ReadLimits { records: SLICES, bytes: 256 << 10, upto: u64::MAX, told: 0 };
}

impl Default for ReadLimits {
    fn default() -> ReadLimits {
        ReadLimits::DEFAULT
    }
}

/// A record in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRef {
    /// Its number in the zone.
    pub seq: u64,
    /// Its number in its channel.
    pub number: u64,
    /// When it was appended, in the zone's milliseconds.
    pub time: u64,
    /// Its flags.
    pub flags: u32,
    /// All its bytes, the head's included.
    pub len: usize,
    /// Bytes of its head.
    pub head: usize,
    /// Which of its bytes the batch has: a long record comes in several batches.
    pub part: Range<usize>,
    /// Which of the batch's slices are its.
    pub slices: Range<usize>,
}

impl RecordRef {
    /// Whether the batch goes up to the record's end.
    pub fn is_whole(&self) -> bool {
        self.part.end == self.len
    }
}

#[derive(Default)]
struct Storage {
    records: Vec<RecordRef>,
    // Only `Batch` sees these, and only as long as their blocks are pinned.
    slices: Vec<IoSlice<'static>>,
}

thread_local! {
    static STORAGE: RefCell<Option<Storage>> = const { RefCell::new(None) };
}

/// Records, pinned in place until this is dropped. A process has one at a time.
pub struct Batch<'a> {
    attachment: &'a Attachment,
    storage: Storage,
}

impl Batch<'_> {
    /// The records, in order. Not empty.
    pub fn records(&self) -> &[RecordRef] {
        &self.storage.records
    }

    /// All bytes, in order.
    pub fn slices(&self) -> &[IoSlice<'_>] {
        &self.storage.slices
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.storage.records.iter().map(|record| record.part.len()).sum()
    }

    /// Never: a batch has a record.
    pub fn is_empty(&self) -> bool {
        self.storage.records.is_empty()
    }

    /// The bytes of one record that the batch has.
    pub fn copy(&self, record: &RecordRef, out: &mut Vec<u8>) {
        for slice in &self.storage.slices[record.slices.clone()] {
            out.extend_from_slice(slice);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let Attachment { zone, row, .. } = self.attachment;
        self.storage.records.clear();
        self.storage.slices.clear();
        step("a batch is given up");
        // Published: whatever was read from the blocks was read before.
        zone.memory.row(*row).pinned.publish(0);
        let storage = std::mem::take(&mut self.storage);
        STORAGE.with(|place| place.replace(Some(storage)));
    }
}

/// What there is behind a cursor.
pub enum Reading<'a> {
    /// Nothing.
    Nothing,
    /// Records.
    Batch(Batch<'a>),
    /// Records that the reader has not seen are gone, up to the seq `upto`.
    Lagged {
        /// The cursor with which one may go on.
        upto: u64,
    },
    /// The record that the reader is in the middle of is gone.
    Torn,
}

/// Puts a batch together: slices, and pins on their blocks.
pub(crate) struct Builder<'a> {
    attachment: &'a Attachment,
    memory: Memory,
    storage: Storage,
    pinned: usize,
    bytes: usize,
}

impl<'a> Builder<'a> {
    /// How many records it has.
    pub fn len(&self) -> usize {
        self.storage.records.len()
    }

    /// The seq of the last record.
    pub fn last_seq(&self) -> Option<u64> {
        self.storage.records.last().map(|record| record.seq)
    }

    /// The caller has the lock, or has pinned what it adds, in this order.
    pub fn new(attachment: &'a Attachment) -> Builder<'a> {
        let storage = STORAGE.with(|place| place.take()).unwrap_or_default();
        Builder { attachment, memory: attachment.zone.memory, storage, pinned: 0, bytes: 0 }
    }

    /// Adds a record, or what fits of the first one. `false`: the batch is full.
    pub fn add(&mut self, at: Place, skip: usize, limits: ReadLimits) -> bool {
        let record = self.memory.record(at);
        let len = record.len.get() as usize;
        let begun = !self.storage.records.is_empty();
        if begun && (self.storage.records.len() >= limits.records || self.bytes >= limits.bytes) {
            return false;
        }
        let row = self.memory.row(self.attachment.row);
        let (slices, pinned) = (self.storage.slices.len(), self.pinned);
        let (mut end, mut full, mut passed) = (skip, false, 0);
        self.memory.pieces(at, len, |block, offset, piece| {
            let from = skip.saturating_sub(passed).min(piece);
            passed += piece;
            if full || from == piece {
                return;
            }
            let known = self.pinned > 0 && row.pins[self.pinned - 1].get() == block;
            if self.storage.slices.len() == SLICES || (!known && self.pinned == PINS) {
                full = true;
                return;
            }
            if !known {
                row.pins[self.pinned].set(block);
                self.pinned += 1;
            }
            // SAFETY: a committed record's bytes, in a block that is pinned already or before the lock is
            // given back, and until the batch, which alone gives the slice out, is dropped.
            let bytes = unsafe { self.memory.bytes(block, offset + from, piece - from) };
            self.storage.slices.push(IoSlice::new(bytes));
            end += bytes.len();
        });
        if full && begun {
            // It goes into the next batch as a whole.
            self.storage.slices.truncate(slices);
            self.pinned = pinned;
            return false;
        }
        self.bytes += end - skip;
        self.storage.records.push(RecordRef {
            seq: record.seq.get(),
            number: record.number.get(),
            time: record.time.get(),
            flags: record.flags.get(),
            len,
            head: record.head.get() as usize,
            part: skip..end,
            slices: slices..self.storage.slices.len(),
        });
        !full && record.flags.get() & END == 0
    }

    pub fn finish(self) -> Reading<'a> {
        let row = self.memory.row(self.attachment.row);
        row.pinned.publish(self.pinned as u32);
        let batch = Batch { attachment: self.attachment, storage: self.storage };
        match batch.is_empty() {
            true => Reading::Nothing,
            false => Reading::Batch(batch),
        }
    }
}
