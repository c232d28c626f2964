//! Readers of channels that do not exist: they have no slot, and so nobody's history goes for them. Their worker
//! keeps the name; the zone only counts, so that the first publisher wakes the worker and hears of its readers.

use crate::index::ChannelId;
use shm::U32;

use crate::layout::State;
use crate::lock::Locked;
use crate::memory::Memory;
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

impl Memory {
    /// A name's counters in a row.
    fn waiting_of(&self, row: usize, hash: u64) -> [&U32; 2] {
        let count = self.layout.waiting;
        let first = hash as usize % count;
        let step = 1 + (hash >> 32) as usize % (count - 1);
        [first, (first + step) % count].map(|place| self.waiting(row, place))
    }
}

impl Locked<'_> {
    fn waiting(&self, hash: u64, mut each: impl FnMut(u32, u32)) {
        let used = (self.header().rows_used.get() as usize).min(self.memory.layout.rows);
        for row in 0..used {
            let count = match self.memory.row(row).waits.get() {
                0 => 0,
                _ => {
                    let [one, other] = self.memory.waiting_of(row, hash);
                    one.get().min(other.get())
                }
            };
            if count > 0 {
                each(row as u32, count);
            }
        }
    }

    /// How many wait for a channel of that name.
    pub fn waiting_for(&self, name: &[u8]) -> u32 {
        let mut count = 0;
        self.waiting(self.hash(name), |_, waiting| count += waiting);
        count
    }

    /// Counts those who wait for a channel that begins to be, and notes their rows.
    pub fn wake_waiting(&self, index: u32, wakes: &mut Wakes) -> u32 {
        let channel = self.memory.channel(index);
        let mut count = 0;
        if channel.number.get() <= FIRST {
            self.waiting(channel.hash.get(), |row, waiting| {
                count += waiting;
                wakes.add(row);
            });
        }
        count
    }
}

impl Attachment {
    /// Counts a subscriber of a channel, or of one that may come to be.
    pub fn join(&self, name: &[u8]) -> Joined {
        let locked = self.zone.lock();
        match locked.find(name, State::Channel) {
            Some(index) => {
                let (id, count) = self.subscribe_slot(&locked, index, true);
                Joined::Channel(id, count)
            }
            None => {
                let hash = self.zone.hash(name);
                self.count_waiting(hash, 1);
                let subscribers = locked.waiting_for(name);
                Joined::Waiting { subscribers, gone: locked.forgotten(hash) }
            }
        }
    }

    /// One of those that wait for a channel does so no more.
    pub fn wait_no_more(&self, name: &[u8]) {
        let _locked = self.zone.lock();
        self.count_waiting(self.zone.hash(name), -1);
    }

    /// Up to which seq something may have gone with a channel of that name, which does not exist.
    pub fn forgotten(&self, name: &[u8]) -> u64 {
        let locked = self.zone.lock();
        locked.forgotten(self.zone.hash(name))
    }

    /// Somebody has published to a channel that `count` subscribers of this process wait for: they are counted as
    /// its subscribers. `None`: there is none of that name.
    pub fn bind(&self, name: &[u8], count: u32) -> Option<ChannelId> {
        let locked = self.zone.lock();
        let index = locked.find(name, State::Channel)?;
        self.count_waiting(self.zone.hash(name), -i64::from(count));
        let mut id = None;
        for _ in 0..count {
            id = Some(self.subscribe_slot(&locked, index, true).0);
        }
        id
    }

    fn count_waiting(&self, hash: u64, by: i64) {
        let row = self.zone.memory.row(self.row);
        let cells = self.zone.memory.waiting_of(self.row, hash);
        for cell in cells.into_iter().chain([&row.waits, &row.subscribers]) {
            cell.set(i64::from(cell.get()).saturating_add(by).clamp(0, i64::from(u32::MAX)) as u32);
        }
    }
}
