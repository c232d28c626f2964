//! Channels come to be; where there are as many as there may be, another one goes.

use crate::index::Full;
use crate::layout::{LIVES, MAX_NAME, Place};
use crate::lock::Locked;
use crate::step::step;

/// Slots that are compared when one must go.
const LOOKED: u32 = 256;

impl Locked<'_> {
    /// The slot of a channel that is written to, made if need be; there may be `most` of them.
    pub fn find_or_create(&self, name: &[u8], most: u32) -> Result<u32, Full> {
        let known = self.find(name);
        let published = known.is_some_and(|index| self.memory.channel(index).number.get() > 0);
        if !published {
            let channels = self.header().real_channels.get();
            if channels >= most {
                return Err(Full);
            }
            if channels as usize >= self.memory.layout.published && !self.forget_a_channel() {
                return Err(Full);
            }
        }
        match known {
            Some(index) => Ok(index),
            None => self.create(name),
        }
    }

    /// A reader's slot. Readers have their own part of the slots: nothing that was published goes for them.
    pub fn find_or_reserve(&self, name: &[u8]) -> Result<u32, Full> {
        if let Some(index) = self.find(name) {
            return Ok(index);
        }
        let header = self.header();
        let readers = header.used_channels.get().saturating_sub(header.real_channels.get());
        let most = self.memory.layout.channels - 1 - self.memory.layout.published;
        match readers as usize >= most && !self.forget_a_reader() {
            true => Err(Full),
            false => self.create(name),
        }
    }

    fn create(&self, name: &[u8]) -> Result<u32, Full> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Full);
        }
        let header = self.header();
        let index = self.free_slot();
        if index as usize >= self.memory.layout.channels {
            return Err(Full);
        }
        let channel = self.memory.channel(index);
        let hash = self.hash(name);
        self.memory.set_name(index, name);
        channel.hash.set(hash);
        channel.ended.set(0);
        channel.first.set(Place::NONE.word());
        channel.last.set(Place::NONE.word());
        for cell in [&channel.last_seq, &channel.bytes, &channel.number, &channel.max_age] {
            cell.set(0);
        }
        for cell in [&channel.marked, &channel.owner] {
            cell.set(0);
        }
        for cell in [&channel.count, &channel.blocks, &channel.max_count, &channel.behind] {
            cell.set(0);
        }
        // What went with an earlier channel of this name may be missed.
        channel.evicted_upto.set(self.forgotten(hash));
        channel.touched.set(self.now());
        self.clear_interest(index);
        channel.generation.add(1);
        let next_free = channel.next.get();
        if index == header.fresh_channel.get() {
            // Before the slot is somebody's: a repair looks at those that were used.
            header.fresh_channel.publish(index + 1);
        } else {
            header.free_channel.set(next_free);
        }
        step("create: before the commit");
        channel.state.publish(LIVES);
        step("create: after the commit");
        self.link(index);
        Ok(index)
    }

    fn free_slot(&self) -> u32 {
        match self.header().free_channel.get() {
            0 => self.header().fresh_channel.get(),
            index => index,
        }
    }

    /// There are as many channels as fit: of the next ones that nobody subscribes to, an empty one goes, else that
    /// which was quiet for longest. `false`: there is none.
    fn forget_a_channel(&self) -> bool {
        let header = self.header();
        let slots = self.memory.channels().end;
        let (mut quietest, mut looked): (Option<u32>, u32) = (None, 0);
        for _ in 0..slots {
            if looked >= LOOKED && quietest.is_some() {
                break;
            }
            let index = header.hand.get() % slots;
            header.hand.set(index + 1);
            if index == 0 || self.memory.channel(index).number.get() == 0 || !self.is_unused(index)
            {
                continue;
            }
            looked += 1;
            let channel = self.memory.channel(index);
            if channel.first.get() == 0 {
                self.remove(index);
                return true;
            }
            let quieter =
                |known: u32| channel.touched.get() < self.memory.channel(known).touched.get();
            if quietest.is_none_or(quieter) {
                quietest = Some(index);
            }
        }
        if let Some(index) = quietest {
            header.displaced.add(1);
            while self.drop_first(self.memory.channel(index)) {}
            self.remove(index);
        }
        quietest.is_some()
    }

    /// Readers have as many slots as they may: one that nobody uses any more goes. `false`: there is none.
    fn forget_a_reader(&self) -> bool {
        let unused = self
            .memory
            .channels()
            .find(|&index| self.memory.channel(index).number.get() == 0 && self.is_unused(index));
        unused.inspect(|&index| self.remove(index)).is_some()
    }
}
