//! Making a zone whole after somebody died with its lock, or a file was found.
//!
//! What is true: a slot's `state`, its name and interest; a channel's `first`, `evicted_upto`; the
//! `next` of blocks between records; the records whose seq is published. All else is recounted.
//! Nothing here trusts a number that it has not compared: a file may have been cut anywhere.

use crate::flags::{END, MARK};
use crate::keys::key_bits;
use crate::layout::{Place, RECORD};
use crate::lock::Locked;

/// No count reaches this, at a million a second for a hundred thousand years.
const MOST: u64 = 1 << 62;

/// Which blocks are somebody's, and those of the channel at hand in the order of its chain.
struct Reached {
    taken: Vec<bool>,
    chain: Vec<u32>,
}

impl Reached {
    /// Notes a block; `false`: there is no such block, or it is in a chain already.
    fn take(&mut self, block: u32) -> bool {
        match self.taken.get_mut(block as usize) {
            Some(taken) if block != 0 && !*taken => {
                *taken = true;
                self.chain.push(block);
                true
            }
            _ => false,
        }
    }

    /// Of the channel's chain only the part from `first` to `last` is kept; gives its length.
    fn keep(&mut self, first: u32, last: u32) -> u32 {
        let place = |block: u32| self.chain.iter().position(|&known| known == block);
        let kept = match (place(first), place(last)) {
            (Some(from), Some(to)) if from <= to => from..to + 1,
            _ => 0..0,
        };
        for (at, &block) in self.chain.iter().enumerate() {
            self.taken[block as usize] = kept.contains(&at);
        }
        self.chain.clear();
        kept.len() as u32
    }
}

/// The part of a channel's chain that makes sense.
#[derive(Default)]
struct Sound {
    /// The first record that is kept, the last one, and the place behind it.
    first: Place,
    last: Place,
    end: Place,
    count: u32,
    bytes: u64,
    /// Of the last record.
    seq: u64,
    number: u64,
}

impl Locked<'_> {
    /// Rebuilds all that is derived.
    pub fn repair(&self) {
        let header = self.header();
        header.repairs.add(1);
        let blocks = (header.fresh_block.get().max(1) - 1).min(self.memory.layout.blocks as u32);
        header.fresh_block.set(blocks + 1);
        header.fresh_channel.set(self.memory.channels().end);
        let taken = vec![false; blocks as usize + 1];
        let mut reached = Reached { taken, chain: Vec::new() };
        self.empty_index();
        let mut newest = (header.seq.get().min(MOST), 0, Place::NONE);
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            if !channel.lives() {
                channel.next.set(header.free_channel.get());
                header.free_channel.set(index);
                continue;
            }
            let hash = self.hash(self.memory.name(index));
            channel.hash.set(hash);
            self.mend_interest(index);
            let last = self.mend_chain(index, &mut reached);
            self.link(index);
            if channel.last_seq.get() > newest.0 {
                newest = (channel.last_seq.get(), index, last);
            }
        }
        // Only the very last append can have been left between its commit and its accounts.
        if newest.1 != 0 && !newest.2.is_none() {
            self.enter(newest.0, newest.1, newest.2);
        }
        header.seq.publish(newest.0);
        self.bound_evictions(newest.0);
        self.mend_free_list(blocks, &reached);
    }

    /// Nothing is gone that has not been.
    fn bound_evictions(&self, newest: u64) {
        for index in self.memory.channels() {
            let gone = &self.memory.channel(index).evicted_upto;
            gone.set(gone.get().min(newest));
        }
        self.bound_forgotten(newest);
    }

    fn empty_index(&self) {
        let header = self.header();
        for bucket in 0..self.memory.layout.buckets as u64 {
            self.memory.bucket(bucket).set(0);
        }
        for word in [&header.free_channel, &header.used_channels, &header.real_channels] {
            word.set(0);
        }
    }

    fn mend_interest(&self, index: u32) {
        for row in 0..self.memory.layout.rows {
            let interest = self.memory.interest(index, row);
            if self.memory.row(row).pid.get() == 0 {
                interest.set(0);
            }
            let bits = self.memory.interest_bits(index, row / 64);
            let bit = 1 << (row % 64);
            match interest.get() {
                0 => bits.set(bits.get() & !bit),
                _ => bits.set(bits.get() | bit),
            }
        }
    }

    /// Rebuilds a channel's counts and ends from the sound part of its chain, and finishes an
    /// eviction that was begun. Gives the place of the last record.
    fn mend_chain(&self, index: u32, reached: &mut Reached) -> Place {
        let channel = self.memory.channel(index);
        let mut sound = self.sound_part(index, reached);
        if sound.first.is_none() {
            sound.last = Place::NONE;
            sound.end = Place::NONE;
        } else {
            // What stands behind the last sound record is none.
            self.memory.meta(sound.end.block).next.set(0);
            if sound.end.offset as usize + RECORD <= self.memory.layout.block_size {
                self.memory.record(sound.end).seq.set(0);
            }
        }
        channel.blocks.set(reached.keep(sound.first.block, sound.end.block));
        channel.first.set(sound.first.word());
        channel.last.set(sound.end.word());
        channel.count.set(sound.count);
        channel.bytes.set(sound.bytes);
        if sound.seq != 0 {
            channel.last_seq.set(sound.seq);
            channel.number.set(sound.number);
        }
        sound.last
    }

    /// Goes along a channel's chain, and notes its blocks, as far as it makes sense.
    fn sound_part(&self, index: u32, reached: &mut Reached) -> Sound {
        let channel = self.memory.channel(index);
        let mut sound = Sound::default();
        let mut at = Place::from_word(channel.first.get());
        if !at.offset.is_multiple_of(8) || !self.enter_chain(at.block, reached) {
            return sound;
        }
        loop {
            if at.offset as usize + RECORD > self.memory.layout.block_size {
                let next = self.memory.meta(at.block).next.get();
                // The block behind the last record may be another's, or nobody's, after all.
                let goes_on = next != 0 && self.begins_record(next, sound.seq);
                if !goes_on || !self.enter_chain(next, reached) {
                    return sound;
                }
                at = Place { block: next, offset: 0 };
            }
            let record = self.memory.record(at);
            let (seq, number) = (record.seq.get(), record.number.get());
            let stray = record.channel.get() != index || number > MOST;
            if stray || seq <= sound.seq || seq > MOST {
                return sound;
            }
            let Some(after) = self.span(at, record.len.get() as usize, reached) else {
                return sound;
            };
            sound.seq = seq;
            sound.number = number;
            sound.last = at;
            sound.end = after;
            if seq > channel.evicted_upto.get() {
                self.count_in(at, &mut sound);
                channel.ended.set(record.flags.get() & END);
                if record.flags.get() & MARK != 0 {
                    channel.marked.set(seq);
                }
            }
            at = after;
        }
    }

    /// Counts a record that is kept.
    fn count_in(&self, at: Place, sound: &mut Sound) {
        if sound.first.is_none() {
            sound.first = at;
        }
        sound.count += 1;
        sound.bytes += u64::from(self.memory.record(at).len.get());
        let meta = self.memory.meta(at.block);
        if meta.first_seq.get() == 0 {
            meta.first_seq.set(sound.seq);
            meta.first.set(at.offset);
        }
        meta.keys.set(meta.keys.get() | key_bits(self.memory.record(at).key.get()));
    }

    fn begins_record(&self, block: u32, seq: u64) -> bool {
        let known = block >= 1 && block < self.header().fresh_block.get();
        known && self.memory.record(Place { block, offset: 0 }).seq.get() > seq
    }

    fn enter_chain(&self, block: u32, reached: &mut Reached) -> bool {
        let taken = reached.take(block);
        if taken {
            self.memory.meta(block).first_seq.set(0);
            self.memory.meta(block).keys.set(0);
        }
        taken
    }

    /// The place behind a record, whose further blocks are noted. `None`: the chain ends before the
    /// record does.
    fn span(&self, at: Place, len: usize, reached: &mut Reached) -> Option<Place> {
        let size = self.memory.layout.block_size;
        let (mut block, mut offset, mut left) = (at.block, at.offset as usize + RECORD, len);
        while left > size - offset {
            left -= size - offset;
            let next = self.memory.meta(block).next.get();
            if next == 0 || !self.enter_chain(next, reached) {
                return None;
            }
            block = next;
            offset = 0;
        }
        let offset = (offset + left).next_multiple_of(8) as u32;
        Some(Place { block, offset })
    }

    fn mend_free_list(&self, blocks: u32, reached: &Reached) {
        let header = self.header();
        header.free_block.set(0);
        header.limbo.set(0);
        header.free_blocks.set(self.memory.layout.blocks as u32 - blocks);
        for block in (1..=blocks).filter(|&block| !reached.taken[block as usize]) {
            self.give_block(block);
        }
    }
}

#[cfg(test)]
impl Locked<'_> {
    /// Compares all that is derived with what it is derived from. The tests' judge.
    pub fn verify(&self) {
        let header = self.header();
        let mut reached = vec![false; self.memory.layout.blocks + 1];
        let mut newest = 0;
        let (mut used, mut real) = (0, 0);
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            if !channel.lives() {
                continue;
            }
            used += 1;
            real += u32::from(channel.number.get() > 0);
            let name = self.memory.name(index).to_vec();
            assert_eq!(self.find(&name), Some(index));
            let (mut count, mut bytes, mut seq, mut blocks) = (0, 0, 0, 0);
            let mut at = Place::from_word(channel.first.get());
            let mut block = at.block;
            let mut end = at;
            while let Some(found) = self.record_at(at) {
                assert!(found.1.seq.get() > seq, "order");
                assert!(found.1.seq.get() > channel.evicted_upto.get(), "evicted and there");
                seq = found.1.seq.get();
                count += 1;
                bytes += u64::from(found.1.len.get());
                at = self.after(found);
                end = at;
            }
            while block != 0 {
                assert!(!std::mem::replace(&mut reached[block as usize], true), "two owners");
                blocks += 1;
                if block == end.block {
                    assert_eq!(self.memory.meta(block).next.get(), 0, "a tail behind the end");
                }
                block = self.memory.meta(block).next.get();
            }
            assert_eq!(
                (count, bytes, blocks),
                (channel.count.get(), channel.bytes.get(), channel.blocks.get())
            );
            assert_eq!(end.word(), channel.last.get());
            assert!(count == 0 || seq == channel.last_seq.get());
            newest = newest.max(channel.last_seq.get());
        }
        assert_eq!((used, real), (header.used_channels.get(), header.real_channels.get()));
        assert!(newest <= header.seq.get());
        for list in [header.free_block.get(), header.limbo.get()] {
            let mut block = list;
            while block != 0 {
                assert!(!std::mem::replace(&mut reached[block as usize], true), "free and used");
                block = self.memory.meta(block).next.get();
            }
        }
        let known = header.fresh_block.get() as usize - 1;
        assert!(reached[1..=known].iter().all(|&reached| reached), "a block is lost");
        let free = reached.len() - 1 - known;
        let mut listed = 0;
        let mut block = header.free_block.get();
        while block != 0 {
            listed += 1;
            block = self.memory.meta(block).next.get();
        }
        assert_eq!(header.free_blocks.get() as usize, free + listed);
    }
}
