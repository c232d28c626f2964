//! Figures of a zone and its channels.

use crate::lock::Locked;
use crate::zone::Zone;

/// A channel's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub name: Vec<u8>,
    /// Subscribers in all processes, those of patterns not counted.
    pub subscribers: u32,
    /// Records that a newcomer can get.
    pub records: u32,
    /// Their bytes, and those of records that are kept a moment longer.
    pub bytes: u64,
    /// Records ever.
    pub published: u64,
    /// Seq of the first record that is kept, 0: none is.
    pub oldest: u64,
    /// Seq of the last record, 0: there was none.
    pub newest: u64,
    /// Whether it has ended.
    pub ended: bool,
    /// Records that the slowest subscriber has not got yet.
    pub behind: u32,
}

/// A zone's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneInfo {
    /// Bytes.
    pub size: u64,
    /// Bytes of one block.
    pub block_size: u32,
    /// Blocks.
    pub blocks: u32,
    /// Blocks that are free.
    pub free_blocks: u32,
    /// Channels.
    pub channels: u32,
    /// Channels that fit.
    pub max_channels: u32,
    /// Subscribers in all processes, those of patterns counted.
    pub subscribers: u32,
    /// Subscribers that have not got all there is.
    pub behind: u32,
    /// Records ever, and their bytes.
    pub published: u64,
    /// See `published`.
    pub published_bytes: u64,
    /// Records taken away for age, number or room.
    pub evicted: u64,
    /// Records written to subscribers, and their bytes, by the processes that are attached.
    pub delivered: u64,
    /// See `delivered`.
    pub delivered_bytes: u64,
    /// How often a reader was told that records are gone.
    pub lapped: u64,
    /// Channels that were forgotten with what they kept, for want of a slot.
    pub displaced: u64,
    /// How often a dead process left the lock behind.
    pub repairs: u64,
    /// Processes that are attached.
    pub processes: u32,
}

impl Zone {
    /// Figures of the channel of that name; of one that does not exist, if somebody waits for it.
    pub fn channel_info(&self, name: &[u8]) -> Option<ChannelInfo> {
        let locked = self.lock();
        match locked.find(name) {
            Some(index) => Some(locked.info(index)),
            None => {
                let subscribers = locked.waiting_for(name);
                let info = ChannelInfo { name: name.to_vec(), subscribers, ..Default::default() };
                (subscribers > 0).then_some(info)
            }
        }
    }

    /// Figures of at most `limit` channels whose names begin with `prefix`.
    pub fn channels(&self, prefix: &[u8], limit: usize) -> Vec<ChannelInfo> {
        let locked = self.lock();
        let chosen = self.memory.channels().filter(|&index| {
            self.memory.channel(index).lives() && self.memory.name(index).starts_with(prefix)
        });
        chosen.take(limit).map(|index| locked.info(index)).collect()
    }

    /// Subscribers of a channel in all processes.
    pub fn count_of(&self, name: &[u8]) -> u32 {
        let locked = self.lock();
        locked.find(name).map_or(0, |index| locked.subscribers(index))
    }

    /// Channels that were forgotten with what they kept, for want of a slot. Takes no lock.
    pub fn displaced(&self) -> u64 {
        self.header().displaced.get()
    }

    /// Channels that fit.
    pub fn most_channels(&self) -> u32 {
        self.memory.layout.published as u32
    }

    /// Figures of the zone.
    pub fn info(&self) -> ZoneInfo {
        let _locked = self.lock();
        let header = self.header();
        let layout = &self.memory.layout;
        let mut info = ZoneInfo {
            size: layout.size as u64,
            block_size: layout.block_size as u32,
            blocks: layout.blocks as u32,
            free_blocks: header.free_blocks.get(),
            channels: header.real_channels.get(),
            max_channels: layout.published as u32,
            published: header.published.get(),
            published_bytes: header.published_bytes.get(),
            evicted: header.evicted.get(),
            repairs: header.repairs.get(),
            displaced: header.displaced.get(),
            ..ZoneInfo::default()
        };
        for row in (0..layout.rows).map(|row| self.memory.row(row)) {
            info.subscribers += row.subscribers.get();
            info.behind += row.behind.get();
            info.delivered += row.delivered.get();
            info.delivered_bytes += row.delivered_bytes.get();
            info.lapped += row.lapped.get();
            info.processes += u32::from(row.pid.get() != 0);
        }
        info
    }
}

impl Locked<'_> {
    fn info(&self, index: u32) -> ChannelInfo {
        let channel = self.memory.channel(index);
        ChannelInfo {
            name: self.memory.name(index).to_vec(),
            subscribers: self.subscribers(index) + self.waiting_for(self.memory.name(index)),
            records: channel.count.get().min(channel.max_count.get()),
            bytes: channel.bytes.get(),
            published: channel.number.get(),
            oldest: self.first(channel).map_or(0, |(_, record)| record.seq.get()),
            newest: channel.last_seq.get(),
            ended: channel.ended.get() != 0,
            behind: channel.behind.get(),
        }
    }
}
