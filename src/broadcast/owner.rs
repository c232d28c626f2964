//! Channels with one writer: a live stream has one publisher, whichever worker it is connected to.

use crate::error::AppendError;
use crate::index::ChannelId;
use crate::lock::Locked;
use crate::zone::Zone;

/// A writer: a process, and a number that it has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process.
    pub pid: i32,
    /// Which of the process's writers; not 0.
    pub number: u32,
}

impl Owner {
    pub(crate) fn word(self) -> u64 {
        u64::from(self.pid as u32) << 32 | u64::from(self.number)
    }

    fn of(word: u64) -> Option<Owner> {
        (word != 0).then_some(Owner { pid: (word >> 32) as i32, number: word as u32 })
    }
}

impl Zone {
    /// Makes `owner` the channel's one writer; the channel is made if need be, there may be `most`.
    /// Another writer that lives keeps it, unless it is taken by `force`: then its next append fails.
    pub fn claim(
        &self,
        name: &[u8],
        owner: Owner,
        force: bool,
        most: u32,
    ) -> Result<ChannelId, AppendError> {
        let locked = self.lock();
        let index = locked.find_or_create(name, most)?;
        let channel = self.memory.channel(index);
        let known = Owner::of(channel.owner.get());
        let busy = |known: Owner| known != owner && sys::process::exists(known.pid);
        if !force && known.is_some_and(busy) {
            return Err(AppendError::NotOwner);
        }
        channel.owner.set(owner.word());
        channel.touched.set(self.now());
        Ok(locked.id(index))
    }

    /// Gives a channel up. `false`: it was another's.
    pub fn release(&self, id: ChannelId, owner: Owner) -> bool {
        let locked = self.lock();
        let Some(channel) = locked.channel(id) else { return false };
        let own = channel.owner.get() == owner.word();
        if own {
            channel.owner.set(0);
            channel.touched.set(self.now());
        }
        own
    }

    /// The channels with this beginning of their names that nobody writes, though they are not ended.
    pub fn unowned(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        self.lock().open(prefix, |owner| owner == 0)
    }

    /// The channels with this beginning of their names that are not ended, whoever writes them.
    pub fn unended(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        self.lock().open(prefix, |_| true)
    }

    /// Who writes the channel.
    pub fn owner(&self, id: ChannelId) -> Option<Owner> {
        let locked = self.lock();
        locked.channel(id).and_then(|channel| Owner::of(channel.owner.get()))
    }
}

impl Locked<'_> {
    fn open(&self, prefix: &[u8], has: impl Fn(u64) -> bool) -> Vec<Vec<u8>> {
        let channels = self.memory.channels().filter(|&index| {
            let channel = self.memory.channel(index);
            let open = channel.lives() && channel.ended.get() == 0 && has(channel.owner.get());
            open && self.memory.name(index).starts_with(prefix)
        });
        channels.map(|index| self.memory.name(index).to_vec()).collect()
    }

    /// A process has ended: its channels have no owner any more. Gives their names.
    pub fn disown(&self, pid: i32) -> Vec<Vec<u8>> {
        let mut orphans = Vec::new();
        for index in self.memory.channels() {
            let channel = self.memory.channel(index);
            let owner = Owner::of(channel.owner.get());
            if channel.lives() && owner.is_some_and(|owner| owner.pid == pid) {
                channel.owner.set(0);
                orphans.push(self.memory.name(index).to_vec());
            }
        }
        orphans
    }
}
