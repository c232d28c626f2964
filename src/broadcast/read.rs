//! Reading: what there is behind a cursor.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::batch::{Builder, ReadLimits, Reading};
use crate::flags::MARK;
use crate::hint::Hint;
use crate::index::ChannelId;
use crate::layout::Place;
use crate::lock::Locked;
use crate::row::Attachment;

/// Where a new reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Behind the newest record.
    Newest,
    /// With all that a newcomer gets.
    Oldest,
    /// With so many of the newest.
    Last(u32),
    /// With the newest marked record; behind the newest, if there is none.
    Marked,
    /// With the newest marked record that was there at a time of the zone; before all, if there is none.
    MarkedBefore(u64),
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
        mut hint: Option<&mut Hint>,
        limits: ReadLimits,
    ) -> Reading<'_> {
        assert!(self.zone.memory.row(self.row).pinned.get() == 0, "one batch at a time");
        if let ([id], Some(hint)) = (channels, hint.as_deref_mut())
            && let Some(reading) = self.read_unlocked(*id, cursor, hint, limits)
        {
            return reading;
        }
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
        let mut builder = Builder::new(self);
        let mut end = None;
        while let Some(Reverse((seq, word))) = next.pop() {
            if seq > limits.upto {
                break;
            }
            let at = Place::from_word(word);
            let count = builder.len();
            let goes_on = builder.add(at, 0, limits);
            if builder.len() == count {
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
        if let (Some(hint), Some(end), Some(last)) = (hint, end, builder.last_seq()) {
            *hint = locked.hint(last, end);
        }
        builder.finish()
    }

    /// Reads on in the middle of the record `seq`, of one of these channels.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn read_rest(&self, channels: &[ChannelId], seq: u64, skip: usize) -> Reading<'_> {
        assert!(self.zone.memory.row(self.row).pinned.get() == 0, "one batch at a time");
        let locked = self.zone.lock();
        for &id in channels.iter().filter(|&&id| locked.channel(id).is_some()) {
            let place = locked.locate(id.index, seq - 1);
            if let Some((at, record)) = locked.record_at(place)
                && record.seq.get() == seq
            {
                let mut builder = Builder::new(self);
                builder.add(at, skip, ReadLimits { records: 1, ..ReadLimits::default() });
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
            Start::Marked => living()
                .map(|id| self.zone.memory.channel(id.index))
                .filter(|channel| channel.marked.get() > channel.evicted_upto.get())
                .map(|channel| channel.marked.get() - 1)
                .max()
                .unwrap_or(newest),
            Start::MarkedBefore(time) => {
                living().filter_map(|id| locked.marked_before(id.index, time)).min().unwrap_or(told)
            }
            Start::Last(count) => {
                // Who asks for more than a newcomer gets has what is kept still, unless that is for nobody.
                let keeps =
                    |id: &&ChannelId| self.zone.memory.channel(id.index).max_count.get() > 0;
                let mut seqs: Vec<u64> =
                    living().filter(keeps).flat_map(|id| locked.newest(id.index, count)).collect();
                seqs.sort_unstable();
                let from = seqs.len().saturating_sub(count as usize);
                seqs.get(from).map_or(newest, |&seq| seq - 1)
            }
        };
        (cursor, told)
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
    /// The cursor before the newest marked record that is not younger than `time`.
    fn marked_before(&self, index: u32, time: u64) -> Option<u64> {
        let mut at = Place::from_word(self.memory.channel(index).first.get());
        let mut marked = None;
        while let Some(found) = self.record_at(at)
            && found.1.time.get() <= time
        {
            if found.1.flags.get() & MARK != 0 {
                marked = Some(found.1.seq.get() - 1);
            }
            at = self.after(found);
        }
        marked
    }

    /// The place of the first of the newest `count` records of a channel.
    pub fn newest_place(&self, index: u32, count: u32) -> Place {
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
        while let Some(found) = self.record_at(at)
            && found.1.number.get() < first
        {
            at = self.after(found);
        }
        at
    }

    /// The seqs of the newest `count` records of a channel, oldest first.
    fn newest(&self, index: u32, count: u32) -> Vec<u64> {
        let mut seqs = Vec::new();
        let mut at = self.newest_place(index, count);
        while let Some(found) = self.record_at(at) {
            seqs.push(found.1.seq.get());
            at = self.after(found);
        }
        seqs
    }
}
