//! Reading on at a known place without the lock: what a worker does for each event of a channel that it follows.
//!
//! A block's stamp changes when it leaves its chain, before it is looked whether somebody has pinned it. So whoever
//! pins a block first, and then finds its stamp as it was, has it for certain; and as a chain loses its blocks from
//! the beginning on, the blocks behind one that is in its chain are in it, too. A record's seq is published when the
//! record is complete, and its bytes do not change as long as it is there. Whatever is not as it should be is the
//! business of who has the lock.

use std::sync::atomic::{Ordering, fence};

use crate::batch::{Builder, ReadLimits, Reading};
use crate::hint::Hint;
use crate::index::ChannelId;
use crate::layout::{PINS, Place, RECORD};
use crate::memory::Memory;
use crate::row::Attachment;
use crate::step::step;

/// The blocks that this process has pinned for a reading; all but the last are full.
struct Pinned<'a> {
    memory: Memory,
    attachment: &'a Attachment,
    count: usize,
    last: u32,
    stamp: u32,
}

impl<'a> Pinned<'a> {
    /// `None`: the block is not as the hint knew it.
    fn begin(attachment: &'a Attachment, hint: &Hint) -> Option<Pinned<'a>> {
        let memory = attachment.zone.memory;
        let mut pinned = Pinned { memory, attachment, count: 0, last: 0, stamp: hint.stamp };
        pinned.pin(hint.block)?;
        (memory.meta(hint.block).stamp.published() == hint.stamp).then_some(pinned)
    }

    /// `None`: it has as many as it may have.
    fn pin(&mut self, block: u32) -> Option<()> {
        let row = self.memory.row(self.attachment.row);
        if self.count == PINS {
            return None;
        }
        row.pins[self.count].set(block);
        self.count += 1;
        row.pinned.publish(self.count as u32);
        self.last = block;
        fence(Ordering::SeqCst);
        step("unlocked: pinned");
        Some(())
    }

    /// The block behind the last one; 0: there is none. `None`: it has as many as it may have, or the chain has changed.
    fn next(&mut self) -> Option<u32> {
        let (block, meta) = (self.last, self.memory.meta(self.last));
        let next = meta.next.published();
        if next == 0 {
            return Some(0);
        }
        step("unlocked: the next is known");
        // A number that makes no sense is a change that is being made.
        ((next as usize) <= self.memory.layout.blocks).then_some(())?;
        self.pin(next)?;
        let stamp = self.memory.meta(next).stamp.published();
        // Still in its chain, and still before that one: then that one is in the chain as well.
        let same = self.memory.meta(block).stamp.published() == self.stamp
            && self.memory.meta(block).next.published() == next;
        self.stamp = stamp;
        same.then_some(next)
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.memory.row(self.attachment.row).pinned.publish(0);
    }
}

impl Attachment {
    /// Reads on at a hint. `None`: the place is not known, or something there is being changed.
    pub(crate) fn read_unlocked(
        &self,
        id: ChannelId,
        cursor: u64,
        hint: &mut Hint,
        limits: ReadLimits,
    ) -> Option<Reading<'_>> {
        if hint.cursor != cursor || hint.block == 0 {
            return None;
        }
        let memory = self.zone.memory;
        let mut pinned = Pinned::begin(self, hint)?;
        let channel = memory.channel(id.index);
        if channel.evicted_upto.published() > cursor.max(limits.told) {
            return None;
        }
        let mut builder = Builder::new(self);
        let mut at = Place { block: hint.block, offset: hint.offset };
        let (mut last, mut end) = (cursor, None);
        loop {
            if at.offset as usize + RECORD > memory.layout.block_size {
                match pinned.next() {
                    Some(0) => break,
                    Some(next) => at = Place { block: next, offset: 0 },
                    None if end.is_some() => break,
                    None => return None,
                }
            }
            let record = memory.record(at);
            let seq = record.seq.published();
            if seq == 0 || seq > limits.upto {
                break;
            }
            let count = builder.len();
            let whole = seq > last && record.channel.get() == id.index;
            if !whole || !pin_all(&mut pinned, at, record.len.get() as usize) {
                // What was added is right; the rest is for who has the lock.
                if end.is_some() { break } else { return None }
            }
            let goes_on = builder.add(at, 0, limits);
            if builder.len() == count {
                break;
            }
            last = seq;
            at = memory.pieces(at, record.len.get() as usize, |_, _, _| {});
            end = Some((at, pinned.stamp));
            if !goes_on {
                break;
            }
        }
        if let Some((end, stamp)) = end {
            *hint = Hint { cursor: last, block: end.block, offset: end.offset, stamp };
        }
        // From here on the batch has the pins.
        std::mem::forget(pinned);
        Some(builder.finish())
    }
}

/// Pins the other blocks of a record that begins in the last one.
fn pin_all(pinned: &mut Pinned<'_>, at: Place, len: usize) -> bool {
    let size = pinned.memory.layout.block_size;
    let rest = len.saturating_sub(size - at.offset as usize - RECORD);
    (0..rest.div_ceil(size)).all(|_| pinned.next().is_some_and(|next| next != 0))
}
