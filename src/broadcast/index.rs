//! Channels by name.

use crate::layout::Channel;
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

    /// Whether a slot is somebody's that nobody subscribes to and nobody owns.
    pub fn is_unused(&self, index: u32) -> bool {
        let channel = self.memory.channel(index);
        channel.lives() && channel.owner.get() == 0 && self.subscribers(index) == 0
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
