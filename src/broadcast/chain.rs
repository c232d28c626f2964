//! A channel's chain of blocks: room for a record at its end, its bytes, and what follows from it.

use crate::error::AppendError;
use crate::flags::{END, MARK};
use crate::keys::key_bits;
use crate::layout::{Place, RECORD};
use crate::lock::Locked;
use crate::step::step;

impl Locked<'_> {
    /// How many blocks a record of `len` bytes may take.
    pub fn check_size(&self, len: usize) -> Result<u32, AppendError> {
        let most = (len + RECORD).div_ceil(self.memory.layout.block_size) + 1;
        match most > self.memory.layout.blocks / 2 || u32::try_from(len).is_err() {
            true => Err(AppendError::TooLarge),
            false => Ok(most as u32),
        }
    }

    /// Room for a record of `len` bytes at the channel's end; its chain is linked, nothing is visible.
    pub fn reserve(&self, index: u32, len: usize) -> Result<Place, AppendError> {
        let size = self.memory.layout.block_size;
        let most = self.check_size(len)?;
        if !self.make_room(index, most) {
            return Err(AppendError::Busy);
        }
        let channel = self.memory.channel(index);
        let last = Place::from_word(channel.last.get());
        let goes_on = !last.is_none() && last.offset as usize + RECORD <= size;
        let first = match goes_on {
            true => 0,
            false => self.take_block().ok_or(AppendError::Busy)?,
        };
        let at = match goes_on {
            true => last,
            false => Place { block: first, offset: 0 },
        };
        self.memory.record(at).seq.set(0);
        let room = size - at.offset as usize - RECORD;
        let mut tail = at.block;
        for _ in 0..len.saturating_sub(room).div_ceil(size) {
            // make_room has seen to it.
            let block = self.take_block().ok_or(AppendError::Busy)?;
            step("append: a block is linked");
            self.memory.meta(tail).next.set(block);
            tail = block;
            channel.blocks.add(1);
        }
        if !goes_on {
            channel.blocks.add(1);
            match last.is_none() {
                true => channel.first.publish(at.word()),
                // Readers without the lock follow it: behind it nothing is to be seen yet.
                false => self.memory.meta(last.block).next.publish(first),
            }
            step("append: the first block is linked");
        }
        Ok(at)
    }

    /// Copies the bytes behind the header, and closes the chain behind them.
    pub fn fill<'p>(&self, at: Place, len: usize, parts: impl Iterator<Item = &'p &'p [u8]>) {
        let mut parts = parts.filter(|part| !part.is_empty());
        let mut part: &[u8] = &[];
        let end = self.memory.pieces(at, len, |block, mut offset, mut room| {
            while room > 0 {
                if part.is_empty() {
                    part = parts.next().copied().unwrap_or_default();
                }
                let (now, rest) = part.split_at(part.len().min(room));
                // SAFETY: the lock is held; the chain behind the last record is nobody's yet.
                unsafe { self.memory.write(block, offset, now) };
                part = rest;
                offset += now.len();
                room -= now.len();
            }
            step("append: a piece is copied");
        });
        if end.offset as usize + RECORD <= self.memory.layout.block_size {
            self.memory.record(end).seq.set(0);
        }
    }

    /// What follows from a record that has just been committed.
    pub fn account(&self, index: u32, at: Place, seq: u64) {
        let header = self.header();
        let channel = self.memory.channel(index);
        let record = self.memory.record(at);
        let len = record.len.get() as usize;
        let meta = self.memory.meta(at.block);
        if meta.first_seq.get() == 0 {
            meta.first.set(at.offset);
            step("account: the block's first");
            meta.first_seq.set(seq);
        }
        channel.last.set(self.memory.pieces(at, len, |_, _, _| {}).word());
        meta.keys.set(meta.keys.get() | key_bits(record.key.get()));
        step("account: the end");
        channel.last_seq.set(seq);
        step("account: the last seq");
        channel.count.add(1);
        step("account: the count");
        if channel.number.get() == 0 {
            header.real_channels.add(1);
        }
        channel.number.set(record.number.get());
        channel.bytes.add(len as u64);
        let ended = record.flags.get() & END != 0;
        channel.ended.set(u32::from(ended));
        if record.flags.get() & MARK != 0 {
            channel.marked.set(seq);
        }
        self.enter(seq, index, at);
        step("account: the journal");
        header.published.add(1);
        header.published_bytes.add(len as u64);
        header.seq.publish(seq);
    }

    /// Writes the journal's entry of a record.
    pub fn enter(&self, seq: u64, index: u32, at: Place) {
        let entry = self.memory.journal(seq);
        entry.seq.publish(0);
        // A reader that sees some of what follows sees the 0, too.
        std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
        entry.channel.set(index);
        step("journal: half an entry");
        entry.block.set(at.block);
        entry.offset.set(at.offset);
        entry.stamp.set(self.memory.meta(at.block).stamp.get());
        entry.seq.publish(seq);
    }
}
