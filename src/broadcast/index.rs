//! Channels by name.

use crate::layout::{Channel, LIVES, MAX_NAME, Place};
use crate::lock::Locked;
use crate::step::step;
use crate::zone::Zone;

/// Names a channel, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl ChannelId {
    /// A number that no other living channel of the zone has.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Which life of its slot it lives.
    pub fn generation(self) -> u32 {
        self.generation
    }
}

/// Slots that are compared when one must go.
const LOOKED: u32 = 256;

/// There are as many channels as there may be, or the name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Zone {
    /// A hash that nobody outside can foresee; the same in every process.
    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        shm::hash(&self.header().secret, bytes)
    }
}

impl Locked<'_> {
    pub fn id(&self, index: u32) -> ChannelId {
        ChannelId { index, generation: self.memory.channel(index).generation.get() }
    }

    /// The channel, if it lives still.
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        if id.index == 0 || id.index as usize >= self.memory.layout.channels {
            return None;
        }
        let channel = self.memory.channel(id.index);
        let lives = channel.generation.get() == id.generation && channel.lives();
        lives.then_some(channel)
    }

    /// The slot of that name.
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        let hash = self.hash(name);
        let mut index = self.memory.bucket(hash).get();
        while index != 0 {
            let channel = self.memory.channel(index);
            if channel.hash.get() == hash && self.memory.name(index) == name {
                return Some(index);
            }
            index = channel.next.get();
        }
        None
    }

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

    /// Whether a slot is somebody's that nobody subscribes to and nobody owns.
    pub fn is_unused(&self, index: u32) -> bool {
        let channel = self.memory.channel(index);
        channel.lives() && channel.owner.get() == 0 && self.subscribers(index) == 0
    }

    fn clear_interest(&self, index: u32) {
        for row in 0..self.memory.layout.rows {
            let interest = self.memory.interest(index, row);
            interest.set(0);
        }
        for word in 0..self.memory.layout.rows.div_ceil(64) {
            self.memory.interest_bits(index, word).set(0);
        }
    }

    /// Enters a living slot into the index and the counts.
    pub fn link(&self, index: u32) {
        let header = self.header();
        let channel = self.memory.channel(index);
        let bucket = self.memory.bucket(channel.hash.get());
        channel.next.set(bucket.get());
        step("link: not in its bucket yet");
        bucket.set(index);
        header.used_channels.add(1);
        if channel.number.get() > 0 {
            header.real_channels.add(1);
        }
    }

    /// Frees a slot that has no records and no subscribers.
    pub fn remove(&self, index: u32) {
        let header = self.header();
        let channel = self.memory.channel(index);
        if channel.number.get() > 0 {
            let gone = channel.last_seq.get().max(channel.evicted_upto.get());
            self.bury(channel.hash.get(), self.memory.name(index), gone);
        }
        step("remove: before the commit");
        channel.state.publish(0);
        step("remove: after the commit");
        let bucket = self.memory.bucket(channel.hash.get());
        self.unlink(bucket, index, |channel| &channel.next);
        if channel.number.get() > 0 {
            header.real_channels.sub(1);
        }
        step("remove: out of its lists");
        header.used_channels.sub(1);
        channel.next.set(header.free_channel.get());
        header.free_channel.set(index);
    }

    /// Takes `index` out of a list of slots.
    fn unlink(&self, head: &shm::U32, index: u32, next: impl Fn(&Channel) -> &shm::U32) {
        let after = next(self.memory.channel(index)).get();
        if head.get() == index {
            return head.set(after);
        }
        let mut at = head.get();
        while at != 0 {
            let link = next(self.memory.channel(at));
            if link.get() == index {
                return link.set(after);
            }
            at = link.get();
        }
    }
}
