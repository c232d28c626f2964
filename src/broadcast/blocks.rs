//! The free blocks, and those that wait until nobody reads them any more.

use std::sync::atomic::{Ordering, fence};

use crate::layout::PINS;
use crate::lock::Locked;
use crate::step::step;

impl Locked<'_> {
    /// Takes a free block, alone in its chain. `None`: there is none.
    pub fn take_block(&self) -> Option<u32> {
        let header = self.header();
        let mut block = header.free_block.get();
        if block != 0 {
            header.free_block.set(self.memory.meta(block).next.get());
        } else {
            // Memory that was never used is touched when it is needed, not before.
            block = header.fresh_block.get();
            if block as usize > self.memory.layout.blocks {
                return None;
            }
            header.fresh_block.set(block + 1);
        }
        let meta = self.memory.meta(block);
        header.free_blocks.sub(1);
        step("a block is out of the list");
        meta.next.set(0);
        meta.first_seq.set(0);
        meta.keys.set(0);
        self.stamp(block);
        Some(block)
    }

    /// Gives a block back. One that somebody reads waits in limbo.
    pub fn give_block(&self, block: u32) {
        let header = self.header();
        let meta = self.memory.meta(block);
        self.stamp(block);
        meta.first_seq.set(0);
        // A reader without the lock pins first, and then looks at the stamp: one of us sees the other's.
        fence(Ordering::SeqCst);
        if self.is_pinned(block) {
            meta.next.set(header.limbo.get());
            header.limbo.set(block);
        } else {
            meta.next.set(header.free_block.get());
            step("a block points to the list");
            header.free_block.set(block);
            step("a block is in the list");
            header.free_blocks.add(1);
        }
    }

    /// Frees the blocks in limbo that nobody reads any more. `true`: there were some.
    pub fn reclaim_limbo(&self) -> bool {
        let header = self.header();
        let before = header.free_blocks.get();
        let mut block = header.limbo.get();
        header.limbo.set(0);
        while block != 0 {
            let next = self.memory.meta(block).next.get();
            self.give_block(block);
            block = next;
        }
        header.free_blocks.get() > before
    }

    /// Whatever knew the block by its old stamp does not know it any more.
    fn stamp(&self, block: u32) {
        let header = self.header();
        header.stamp.add(1);
        self.memory.meta(block).stamp.set(header.stamp.get());
    }

    /// Pins are set under the lock and cleared without it: none that counts is overlooked.
    pub fn is_pinned(&self, block: u32) -> bool {
        let used = (self.header().rows_used.get() as usize).min(self.memory.layout.rows);
        (0..used).any(|row| {
            let row = self.memory.row(row);
            let pinned = (row.pinned.published() as usize).min(PINS);
            pinned > 0 && row.pins[..pinned].iter().any(|pin| pin.get() == block)
        })
    }
}
