//! Reading: records in place, pinned while they are being written from.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::IoSlice;
use std::ops::Range;

use crate::append::END;
use crate::index::ChannelId;
use crate::layout::{PINS, Place};
use crate::row::Attachment;
use crate::step::step;
use crate::zone::Locked;

/// Slices of one batch: what one `sendmsg` takes.
const SLICES: usize = 64;

/// How much a batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
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

impl Default for Limits {
    fn default() -> Limits {
        Limits { records: SLICES, bytes: 256 << 10, upto: u64::MAX, told: 0 }
    }
}

/// Where a new reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Behind the newest record.
    Newest,
    /// With all that a newcomer gets.
    Oldest,
    /// With so many of the newest.
    Last(u32),
}

/// Where in a channel one has read to: spares looking for the place. A stale one is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    cursor: u64,
    block: u32,
    offset: u32,
    stamp: u32,
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

impl Attachment {
    /// Reads what these channels have behind `cursor`, in one order. `hint` is for a single channel.
    ///
    /// # Panics
    /// If another batch of this thread is still held.
    pub fn read(
        &self,
        channels: &[ChannelId],
        cursor: u64,
        hint: Option<&mut Hint>,
        limits: Limits,
    ) -> Reading<'_> {
        let locked = self.zone.lock();
        let gone = channels.iter().filter_map(|&id| locked.channel(id));
        let upto = gone.map(|channel| channel.evicted_upto.get()).max().unwrap_or(0);
        if upto > cursor.max(limits.told) {
            return Reading::Lagged { upto };
        }
        let mut next = BinaryHeap::with_capacity(channels.len());
        for &id in channels {
            let place = match &hint {
                Some(hint) if channels.len() == 1 => locked.hinted(id.index, cursor, hint),
                _ if locked.channel(id).is_some() => locked.locate(id.index, cursor),
                _ => continue,
            };
            if let Some((at, record)) = locked.record_at(place) {
                next.push(Reverse((record.seq.get(), at.word())));
            }
        }
        let mut builder = Builder::new(self, &locked);
        let mut end = None;
        while let Some(Reverse((seq, word))) = next.pop() {
            if seq > limits.upto {
                break;
            }
            let at = Place::from_word(word);
            let count = builder.storage.records.len();
            let goes_on = builder.add(at, 0, limits);
            if builder.storage.records.len() == count {
                break;
            }
            let after = locked.after((at, locked.memory.record(at)));
            end = Some(after);
            if !goes_on {
                break;
            }
            if let Some((at, record)) = locked.record_at(after) {
                next.push(Reverse((record.seq.get(), at.word())));
            }
        }
        if let (Some(hint), Some(end), Some(last)) = (hint, end, builder.storage.records.last()) {
            let stamp = locked.memory.meta(end.block).stamp.get();
            *hint = Hint { cursor: last.seq, block: end.block, offset: end.offset, stamp };
        }
        builder.finish()
    }

    /// Reads on in the middle of the record `seq`, of one of these channels.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn read_rest(&self, channels: &[ChannelId], seq: u64, skip: usize) -> Reading<'_> {
        let locked = self.zone.lock();
        for &id in channels.iter().filter(|&&id| locked.channel(id).is_some()) {
            let place = locked.locate(id.index, seq - 1);
            if let Some((at, record)) = locked.record_at(place)
                && record.seq.get() == seq
            {
                let mut builder = Builder::new(self, &locked);
                builder.add(at, skip, Limits { records: 1, ..Limits::default() });
                return builder.finish();
            }
        }
        Reading::Torn
    }

    /// Where a new reader of these channels begins: its cursor, and up to which seq it does not ask for
    /// what is gone.
    pub fn start(&self, channels: &[ChannelId], start: Start) -> (u64, u64) {
        let locked = self.zone.lock();
        let living = || channels.iter().filter(|&&id| locked.channel(id).is_some());
        let gone = |id: &ChannelId| self.zone.memory.channel(id.index).evicted_upto.get();
        let told = living().map(gone).max().unwrap_or(0);
        let newest = self.zone.newest();
        let cursor = match start {
            Start::Newest | Start::Last(0) => newest,
            // What a newcomer gets of each; of one that has less, everything.
            Start::Oldest => living()
                .filter_map(|id| {
                    let most = self.zone.memory.channel(id.index).max_count.get();
                    locked.newest(id.index, most).first().map(|&seq| seq - 1)
                })
                .min()
                .unwrap_or(newest),
            Start::Last(count) => {
                let mut seqs: Vec<u64> =
                    living().flat_map(|id| locked.newest(id.index, count)).collect();
                seqs.sort_unstable();
                let from = seqs.len().saturating_sub(count as usize);
                seqs.get(from).map_or(newest, |&seq| seq - 1)
            }
        };
        (cursor, told)
    }

    /// The newest seq that went with a whole channel: for readers of patterns.
    pub fn removed_upto(&self) -> u64 {
        let _locked = self.zone.lock();
        self.zone.header().removed_upto.get()
    }

    /// Whether all of these channels have ended, and `cursor` has seen the ends.
    pub fn is_over(&self, channels: &[ChannelId], cursor: u64) -> bool {
        let locked = self.zone.lock();
        !channels.is_empty()
            && channels.iter().all(|&id| {
                let channel = locked.channel(id);
                channel.is_some_and(|c| c.ended.get() != 0 && cursor >= c.last_seq.get())
            })
    }

    /// Records that a cursor has not seen.
    pub fn behind(&self, channels: &[ChannelId], cursor: u64) -> u64 {
        let locked = self.zone.lock();
        let mut behind = 0;
        for id in channels {
            let Some(channel) = locked.channel(*id) else { continue };
            let place = locked.locate(id.index, cursor);
            if let Some((_, record)) = locked.record_at(place) {
                behind += (channel.number.get() + 1).saturating_sub(record.number.get());
            }
        }
        behind
    }
}

impl Locked<'_> {
    fn hinted(&self, index: u32, cursor: u64, hint: &Hint) -> Place {
        let fits = hint.cursor == cursor && hint.block != 0;
        match fits && self.memory.meta(hint.block).stamp.get() == hint.stamp {
            true => Place { block: hint.block, offset: hint.offset },
            false => self.locate(index, cursor),
        }
    }

    /// The seqs of the newest `count` records of a channel, oldest first.
    fn newest(&self, index: u32, count: u32) -> Vec<u64> {
        let channel = self.memory.channel(index);
        let first = (channel.number.get() + 1).saturating_sub(u64::from(count));
        let mut at = Place::from_word(channel.first.get());
        // Whole blocks are skipped by the number of their first record.
        let mut block = at.block;
        while block != 0 {
            let meta = self.memory.meta(block);
            if block != at.block && meta.first_seq.get() != 0 {
                let place = Place { block, offset: meta.first.get() };
                if self.memory.record(place).number.get() > first {
                    break;
                }
                at = place;
            }
            block = meta.next.get();
        }
        let mut seqs = Vec::new();
        while let Some(found) = self.record_at(at) {
            if found.1.number.get() >= first {
                seqs.push(found.1.seq.get());
            }
            at = self.after(found);
        }
        seqs
    }
}

/// Puts a batch together: slices, and pins on their blocks.
struct Builder<'a, 'l> {
    attachment: &'a Attachment,
    locked: &'l Locked<'a>,
    storage: Storage,
    pinned: usize,
    bytes: usize,
}

impl<'a, 'l> Builder<'a, 'l> {
    fn new(attachment: &'a Attachment, locked: &'l Locked<'a>) -> Builder<'a, 'l> {
        let pinned = locked.memory.row(attachment.row).pinned.get();
        assert!(pinned == 0, "one batch at a time");
        let storage = STORAGE.with(|place| place.take()).unwrap_or_default();
        Builder { attachment, locked, storage, pinned: 0, bytes: 0 }
    }

    /// Adds a record, or what fits of the first one. `false`: the batch is full.
    fn add(&mut self, at: Place, skip: usize, limits: Limits) -> bool {
        let record = self.locked.memory.record(at);
        let len = record.len.get() as usize;
        let begun = !self.storage.records.is_empty();
        if begun && (self.storage.records.len() >= limits.records || self.bytes >= limits.bytes) {
            return false;
        }
        let row = self.locked.memory.row(self.attachment.row);
        let (slices, pinned) = (self.storage.slices.len(), self.pinned);
        let (mut end, mut full, mut passed) = (skip, false, 0);
        self.locked.memory.pieces(at, len, |block, offset, piece| {
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
            // SAFETY: a committed record's bytes, in a block that is pinned before the lock is given
            // back, and until the batch, which alone gives the slice out, is dropped.
            let bytes = unsafe { self.locked.memory.bytes(block, offset + from, piece - from) };
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

    fn finish(self) -> Reading<'a> {
        let row = self.locked.memory.row(self.attachment.row);
        row.pinned.publish(self.pinned as u32);
        let batch = Batch { attachment: self.attachment, storage: self.storage };
        match batch.is_empty() {
            true => Reading::Nothing,
            false => Reading::Batch(batch),
        }
    }
}
