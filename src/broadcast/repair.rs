//! Making a zone whole after somebody died with its lock, or a file was found.
//!
//! What is true: a slot's `state`, its name and interest; a channel's `first`, `evicted_upto`; the
//! `next` of blocks between records; the records whose seq is published. All else is counted anew.
//! Nothing here trusts a number that it has not compared: a file may have been cut anywhere.

use crate::append::END;
use crate::layout::{Place, RECORD, State};
use crate::zone::Locked;

/// What is in which block's chain.
struct Reached(Vec<bool>);

impl Reached {
    /// Notes a block; `false`: there is no such block, or it is another's.
    fn take(&mut self, block: u32) -> bool {
        match self.0.get_mut(block as usize) {
            Some(taken) if block != 0 && !*taken => {
                *taken = true;
                true
            }
            _ => false,
        }
    }
}

impl Locked<'_> {
    /// Makes all that is derived anew.
    pub fn repair(&self) {
        let header = self.header();
        header.repairs.add(1);
        let blocks = (header.fresh_block.get().max(1) - 1).min(self.memory.layout.blocks as u32);
        header.fresh_block.set(blocks + 1);
        header.fresh_channel.set(self.memory.channels().end);
        let mut reached = Reached(vec![false; blocks as usize + 1]);
        self.empty_index();
        let mut newest = (header.seq.get(), 0, Place::NONE);
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            let state = State::of(channel.state.get());
            if state == State::Free {
                channel.state.set(State::Free as u32);
                channel.next.set(header.free_channel.get());
                header.free_channel.set(index);
                continue;
            }
            let hash = self.hash(self.memory.name(index));
            channel.hash.set(hash);
            self.link(index);
            self.mend_interest(index);
            let last = self.mend_chain(index, &mut reached);
            if channel.last_seq.get() > newest.0 {
                newest = (channel.last_seq.get(), index, last);
            }
        }
        // Only the very last append can have been left between its commit and its accounts.
        if newest.1 != 0 && !newest.2.is_none() {
            self.enter(newest.0, newest.1, newest.2);
        }
        header.seq.publish(newest.0);
        self.mend_free_list(blocks, &reached);
    }

    fn empty_index(&self) {
        let header = self.header();
        for bucket in 0..self.memory.layout.buckets as u64 {
            self.memory.bucket(bucket).set(0);
        }
        for word in [&header.patterns, &header.free_channel, &header.used_channels] {
            word.set(0);
        }
        header.real_channels.set(0);
    }

    fn mend_interest(&self, index: u32) {
        for row in 0..self.memory.layout.rows {
            let interest = self.memory.interest(index, row);
            if self.memory.row(row).pid.get() == 0 {
                interest.subscribers.set(0);
            }
            let bits = self.memory.interest_bits(index, row / 64);
            let bit = 1 << (row % 64);
            match interest.subscribers.get() {
                0 => bits.set(bits.get() & !bit),
                _ => bits.set(bits.get() | bit),
            }
        }
    }

    /// Goes along a channel's chain as far as it is sound, finishes an eviction that was begun, and
    /// counts. Gives the place of the last record.
    fn mend_chain(&self, index: u32, reached: &mut Reached) -> Place {
        let channel = self.memory.channel(index);
        let size = self.memory.layout.block_size;
        let mut at = Place::from_word(channel.first.get());
        let (mut first, mut last, mut end) = (Place::NONE, Place::NONE, Place::NONE);
        let (mut count, mut bytes, mut blocks, mut seq, mut previous) = (0, 0, 0, 0, 0);
        let mut whole = at.offset.is_multiple_of(8) && self.enter_chain(at.block, reached);
        blocks += u32::from(whole);
        while whole {
            if at.offset as usize + RECORD > size {
                let next = self.memory.meta(at.block).next.get();
                // The block behind the last record may be another's, or nobody's, after all.
                if next == 0 || !self.begins_record(next, seq) || !self.enter_chain(next, reached) {
                    break;
                }
                blocks += 1;
                at = Place { block: next, offset: 0 };
            }
            let record = self.memory.record(at);
            let len = record.len.get() as usize;
            if record.seq.get() <= seq {
                break;
            }
            let Some((after, spanned)) = self.span(at, len, reached) else { break };
            blocks += spanned;
            seq = record.seq.get();
            previous = record.number.get();
            if seq > channel.evicted_upto.get() {
                if first.is_none() {
                    first = at;
                }
                count += 1;
                bytes += len as u64;
                let meta = self.memory.meta(at.block);
                if meta.first_seq.get() == 0 {
                    meta.first_seq.set(seq);
                    meta.first.set(at.offset);
                }
                channel.ended.set(record.flags.get() & END);
            }
            last = at;
            end = after;
            whole = true;
            at = after;
        }
        if first.is_none() {
            // What was reached has no records: it is freed with all that nobody reaches.
            self.release_chain(Place::from_word(channel.first.get()).block, 0, reached);
            end = Place::NONE;
            blocks = 0;
        } else {
            self.memory.meta(end.block).next.set(0);
            let old = Place::from_word(channel.first.get()).block;
            blocks -= self.release_chain(old, first.block, reached);
        }
        channel.first.set(first.word());
        channel.last.set(end.word());
        channel.count.set(count);
        channel.bytes.set(bytes);
        channel.blocks.set(blocks);
        if seq != 0 {
            channel.last_seq.set(seq);
            channel.number.set(previous);
        }
        if first.is_none() { Place::NONE } else { last }
    }

    fn begins_record(&self, block: u32, seq: u64) -> bool {
        let known = block >= 1 && block < self.header().fresh_block.get();
        known && self.memory.record(Place { block, offset: 0 }).seq.get() > seq
    }

    fn enter_chain(&self, block: u32, reached: &mut Reached) -> bool {
        let taken = reached.take(block);
        if taken {
            self.memory.meta(block).first_seq.set(0);
        }
        taken
    }

    /// The place behind a record, whose further blocks are noted; how many those are. `None`: the
    /// chain ends before the record does.
    fn span(&self, at: Place, len: usize, reached: &mut Reached) -> Option<(Place, u32)> {
        let size = self.memory.layout.block_size;
        let (mut block, mut offset, mut left) = (at.block, at.offset as usize + RECORD, len);
        let mut spanned = 0;
        while left > size - offset {
            left -= size - offset;
            let next = self.memory.meta(block).next.get();
            if next == 0 || !self.enter_chain(next, reached) {
                return None;
            }
            spanned += 1;
            block = next;
            offset = 0;
        }
        let offset = (offset + left).next_multiple_of(8) as u32;
        Some((Place { block, offset }, spanned))
    }

    /// Forgets the blocks from `block` up to `end`; gives their number.
    fn release_chain(&self, mut block: u32, end: u32, reached: &mut Reached) -> u32 {
        let mut released = 0;
        while block != end && reached.0.get(block as usize) == Some(&true) {
            reached.0[block as usize] = false;
            released += 1;
            block = self.memory.meta(block).next.get();
        }
        released
    }

    fn mend_free_list(&self, blocks: u32, reached: &Reached) {
        let header = self.header();
        header.free_block.set(0);
        header.limbo.set(0);
        header.free_blocks.set(self.memory.layout.blocks as u32 - blocks);
        for block in (1..=blocks).filter(|&block| !reached.0[block as usize]) {
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
            if channel.state.get() == 0 {
                continue;
            }
            used += 1;
            real += u32::from(channel.state.get() == State::Channel as u32);
            let name = self.memory.name(index).to_vec();
            assert_eq!(self.find(&name, State::of(channel.state.get())), Some(index));
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
