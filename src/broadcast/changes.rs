//! What has come since one last looked.

use std::sync::atomic::{Ordering, fence};

use crate::index::ChannelId;
use crate::step::step;
use crate::zone::Zone;

/// More has come than the journal remembers: any channel may have new records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Everything up to this seq is to be looked for.
    pub upto: u64,
}

impl Zone {
    /// Calls `each` with the number ([`ChannelId::index`]) of the channel of every record behind
    /// `seen`, in order; gives the seq of the last. Takes no lock.
    pub fn changes(&self, seen: u64, mut each: impl FnMut(u32)) -> Result<u64, Missed> {
        let newest = self.newest();
        if newest - seen.min(newest) > self.memory.layout.journal as u64 {
            return Err(Missed { upto: newest });
        }
        for seq in seen + 1..=newest {
            let entry = self.memory.journal(seq);
            let before = entry.seq.published();
            step("changes: between the looks");
            let channel = entry.channel.get();
            fence(Ordering::Acquire);
            if before != seq || entry.seq.get() != seq {
                return Err(Missed { upto: newest });
            }
            each(channel);
        }
        Ok(newest)
    }

    /// The living channel of that number, with its name.
    pub fn channel_of(&self, index: u32, name: impl FnOnce(&[u8])) -> Option<ChannelId> {
        let locked = self.lock();
        if index == 0 || index as usize >= self.memory.layout.channels {
            return None;
        }
        if !self.memory.channel(index).lives() {
            return None;
        }
        name(self.memory.name(index));
        Some(locked.id(index))
    }

    /// Which life of its slot a channel of that number lives. Takes no lock.
    pub fn generation(&self, index: u32) -> u32 {
        match (index as usize) < self.memory.layout.channels {
            true => self.memory.channel(index).generation.get(),
            false => 0,
        }
    }

    /// Up to which seq the records of a channel are gone, whatever took them; 0: none is, or the channel is another's by now.
    /// Takes no lock: in the moment in which its slot becomes another's, it may be more.
    pub fn evicted_upto(&self, id: ChannelId) -> u64 {
        match self.generation(id.index) == id.generation {
            true => self.memory.channel(id.index).evicted_upto.published(),
            false => 0,
        }
    }
}
