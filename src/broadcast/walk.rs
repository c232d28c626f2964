//! Going along a channel's records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::hint::Hint;
use crate::layout::{Channel, Place, RECORD, Record};
use crate::lock::Locked;
use crate::memory::Memory;
use crate::stored::StoredRecord;

/// Records begin at multiples of this.
const ALIGN: usize = 8;

impl Memory {
    /// Calls `each` with the pieces of a record's bytes, in order; gives the place behind them.
    pub fn pieces(&self, at: Place, len: usize, mut each: impl FnMut(u32, usize, usize)) -> Place {
        let size = self.layout.block_size;
        let (mut block, mut offset, mut left) = (at.block, at.offset as usize + RECORD, len);
        loop {
            let piece = left.min(size - offset);
            if piece > 0 {
                each(block, offset, piece);
            }
            offset += piece;
            left -= piece;
            if left == 0 {
                let offset = offset.next_multiple_of(ALIGN) as u32;
                return Place { block, offset };
            }
            block = self.meta(block).next.get();
            offset = 0;
        }
    }

    /// The place itself, or the beginning of the next block if no record can begin there; none if
    /// there is no next block.
    pub fn settle(&self, at: Place) -> Place {
        match at.offset as usize + RECORD <= self.layout.block_size {
            true => at,
            false => Place { block: self.meta(at.block).next.get(), offset: 0 },
        }
    }
}

/// Entries of the journal that are looked at for a place.
const AHEAD: u64 = 256;

/// Where each channel goes on, the next record of all first: its seq, the channel, the place and its block's stamp.
pub(crate) struct Heads(BinaryHeap<Reverse<(u64, u32, u64, u32)>>);

impl Locked<'_> {
    /// That what is behind `cursor` begins at this place.
    pub fn hint(&self, cursor: u64, at: Place) -> Hint {
        let stamp = if at.is_none() { 0 } else { self.memory.meta(at.block).stamp.get() };
        Hint { cursor, block: at.block, offset: at.offset, stamp }
    }

    /// The place behind a cursor: the hint's, if that still holds.
    pub fn hinted(&self, index: u32, cursor: u64, hint: &Hint) -> Place {
        let fits = hint.cursor == cursor && hint.block != 0;
        match fits && self.memory.meta(hint.block).stamp.get() == hint.stamp {
            true => Place { block: hint.block, offset: hint.offset },
            false => self.locate(index, cursor),
        }
    }

    /// Where the channels go on behind `cursor`.
    pub fn heads(&self, cursor: u64) -> Heads {
        let mut heads = Heads(BinaryHeap::new());
        for index in self.memory.channels().filter(|&index| self.is_channel(index)) {
            self.add_head(&mut heads, index, self.locate(index, cursor));
        }
        heads
    }

    fn is_channel(&self, index: u32) -> bool {
        self.memory.channel(index).lives()
    }

    fn add_head(&self, heads: &mut Heads, index: u32, at: Place) {
        if let Some((at, record)) = self.record_at(at) {
            let stamp = self.memory.meta(at.block).stamp.get();
            heads.0.push(Reverse((record.seq.get(), index, at.word(), stamp)));
        }
    }

    /// Calls `each` with the records up to the seq `upto`, in the order of seqs, till `most` bytes are handed out.
    /// `false`: those were all. The lock may be given back in between: what goes then is left out.
    pub fn go_along(
        &self,
        heads: &mut Heads,
        upto: u64,
        most: usize,
        mut each: impl FnMut(&StoredRecord<'_>),
    ) -> bool {
        let (mut bytes, mut given) = (Vec::new(), 0);
        while let Some(Reverse((seq, index, word, stamp))) = heads.0.pop() {
            if seq > upto {
                return false;
            }
            let (cursor, place) = (seq - 1, Place::from_word(word));
            let hint = Hint { cursor, block: place.block, offset: place.offset, stamp };
            let at = if self.is_channel(index) {
                self.hinted(index, cursor, &hint)
            } else {
                Place::NONE
            };
            let Some(found) = self.record_at(at).filter(|(_, record)| record.seq.get() == seq)
            else {
                self.add_head(heads, index, at);
                continue;
            };
            let record = found.1;
            let channel = self.memory.channel(index);
            bytes.clear();
            self.memory.pieces(found.0, record.len.get() as usize, |block, offset, len| {
                // SAFETY: a committed record's bytes; the lock is held.
                bytes.extend_from_slice(unsafe { self.memory.bytes(block, offset, len) });
            });
            each(&StoredRecord {
                channel: self.memory.name(index),
                seq,
                number: record.number.get(),
                time: record.time.get(),
                key: record.key.get(),
                place: record.place.get(),
                flags: record.flags.get(),
                head: record.head.get(),
                max_count: channel.max_count.get(),
                max_age: channel.max_age.get(),
                bytes: &bytes,
            });
            self.add_head(heads, index, self.after(found));
            given += RECORD + bytes.len();
            if given >= most {
                return true;
            }
        }
        false
    }

    /// Calls `each` with every record behind `cursor`, in the order of seqs.
    pub fn records(&self, cursor: u64, each: impl FnMut(&StoredRecord<'_>)) {
        self.go_along(&mut self.heads(cursor), u64::MAX, usize::MAX, each);
    }
}

/// A record's header and place.
pub(crate) type Found<'z> = (Place, &'z Record);

impl Locked<'_> {
    /// The committed record at a place, if there is one.
    pub fn record_at(&self, at: Place) -> Option<Found<'_>> {
        if at.is_none() {
            return None;
        }
        let at = self.memory.settle(at);
        if at.is_none() {
            return None;
        }
        let record = self.memory.record(at);
        (record.seq.published() != 0).then_some((at, record))
    }

    /// The place behind a record.
    pub fn after(&self, (at, record): Found<'_>) -> Place {
        self.memory.pieces(at, record.len.get() as usize, |_, _, _| {})
    }

    /// The channel's first record.
    pub fn first(&self, channel: &Channel) -> Option<Found<'_>> {
        self.record_at(Place::from_word(channel.first.get()))
    }

    /// The first record behind `cursor`, and the place where to look for it later if there is none.
    pub fn locate(&self, index: u32, cursor: u64) -> Place {
        let channel = self.memory.channel(index);
        if cursor >= channel.last_seq.get() {
            return Place::from_word(channel.last.get());
        }
        let mut at = self.known(index, cursor).unwrap_or_else(|| self.best_block(channel, cursor));
        if at.is_none() {
            return at;
        }
        while let Some(found) = self.record_at(at)
            && found.1.seq.get() <= cursor
        {
            at = self.after(found);
        }
        at
    }

    /// Where the channel's first record from `cursor` on is, if it is among the next that the journal
    /// knows: a cursor is another channel's as often as not.
    fn known(&self, index: u32, cursor: u64) -> Option<Place> {
        let newest = self.header().seq.get().min(cursor.saturating_add(AHEAD));
        let mut entries = (cursor..=newest).map(|seq| (seq, self.memory.journal(seq)));
        let (_, entry) = entries
            .by_ref()
            .take_while(|(seq, entry)| entry.seq.get() == *seq || *seq == cursor)
            .find(|(seq, entry)| entry.seq.get() == *seq && entry.channel.get() == index)?;
        let place = Place { block: entry.block.get(), offset: entry.offset.get() };
        let lives = self.memory.meta(place.block).stamp.get() == entry.stamp.get();
        lives.then_some(place)
    }

    /// The last block whose first record is not behind `cursor`.
    fn best_block(&self, channel: &Channel, cursor: u64) -> Place {
        let mut best = Place::from_word(channel.first.get());
        let mut block = best.block;
        while block != 0 {
            let meta = self.memory.meta(block);
            let first = meta.first_seq.get();
            if first > cursor {
                break;
            }
            // The channel's first block may begin with records that are gone.
            if first != 0 && block != best.block {
                best = Place { block, offset: meta.first.get() };
            }
            block = meta.next.get();
        }
        best
    }
}
