//! Readers of channels that do not exist: they have no slot, and so nobody's history goes for them. Their worker
//! keeps the name; the zone only counts, so that the first publisher wakes the worker and hears of its readers.

use crate::counts::CountKind;
use crate::index::ChannelId;
use crate::lock::Locked;
use crate::row::{Attachment, Wakes};

/// Records of a new channel for which the workers that wait are woken: one of them is surely enough, the others
/// are for the figures of publishers who are faster than a worker that subscribes.
const FIRST: u64 = 32;

/// What a reader joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// A channel; its subscribers in all processes.
    Channel(ChannelId, u32),
    /// Nobody has published to it.
    Waiting {
        /// Those that wait for it, in all processes.
        subscribers: u32,
        /// Something may have gone with one of that name, up to this seq.
        gone: u64,
    },
}

impl Locked<'_> {
    /// How many wait for a channel of that name.
    pub fn waiting_for(&self, name: &[u8]) -> u32 {
        self.count(self.counted(CountKind::Name, name))
    }

    /// Counts those who wait for a channel that begins to be, and notes their rows.
    pub fn wake_waiting(&self, index: u32, wakes: &mut Wakes) -> u32 {
        let mut readers = 0u32;
        if self.memory.channel(index).number.get() <= FIRST {
            let name = self.counted(CountKind::Name, self.memory.name(index));
            self.counts(name, |row, count| {
                readers = readers.saturating_add(count);
                wakes.add(row as u32);
            });
        }
        readers
    }
}

impl Attachment {
    /// Counts a subscriber of a channel, or of one that may come to be.
    pub fn join(&self, name: &[u8]) -> Joined {
        let locked = self.zone.lock();
        match locked.find(name) {
            Some(index) => {
                let (id, count) = self.subscribe_slot(&locked, index);
                // Some have waited for it, and their worker has not looked yet.
                Joined::Channel(id, count.saturating_add(locked.waiting_for(name)))
            }
            None => {
                let subscribers = self.count_one(&locked, self.zone.counted(CountKind::Name, name));
                Joined::Waiting { subscribers, gone: locked.forgotten(self.zone.hash(name)) }
            }
        }
    }

    /// One of those that wait for a channel does so no more.
    pub fn wait_no_more(&self, name: &[u8]) {
        self.count_less(&self.zone.lock(), self.zone.counted(CountKind::Name, name), 1);
    }

    /// Up to which seq something may have gone with a channel of that name, which does not exist.
    pub fn forgotten(&self, name: &[u8]) -> u64 {
        let locked = self.zone.lock();
        locked.forgotten(self.zone.hash(name))
    }

    /// Up to which seq something behind `cursor` may have gone with channels whose names begin so, which are
    /// forgotten; 0: nothing. In turns, between which the lock is free.
    pub fn forgotten_of(&self, prefixes: &[Vec<u8>], cursor: u64) -> u64 {
        self.zone.forgotten_of(prefixes, cursor)
    }

    /// Somebody has published to a channel that `count` subscribers of this process wait for: they are counted as
    /// its subscribers. `None`: there is none of that name.
    pub fn bind(&self, name: &[u8], count: u32) -> Option<ChannelId> {
        let locked = self.zone.lock();
        let index = locked.find(name)?;
        self.count_less(&locked, self.zone.counted(CountKind::Name, name), count);
        let mut id = None;
        for _ in 0..count {
            id = Some(self.subscribe_slot(&locked, index).0);
        }
        id
    }
}
