//! Channels that have readers in this worker.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use broadcast::{ChannelId, Hint};
use rustc_hash::FxHashMap;

use crate::patterns::Patterns;

/// A channel and its readers here.
pub(crate) struct Channel<C> {
    /// Its name in the zone.
    pub id: ChannelId,
    /// All who are up to date have got everything up to here.
    pub cursor: u64,
    /// Where that is.
    pub hint: Hint,
    /// Those who have this channel alone.
    pub singles: Vec<u32>,
    /// Those who have others, too.
    pub shared: Vec<u32>,
    /// It is in the queue.
    pub dirty: bool,
    /// An alarm is set that will make it dirty.
    pub due: bool,
    /// A walk over `singles` that is not done: the next of them, and the batch's last record.
    pub walk: Option<(usize, u64)>,
    /// What the protocol knows of it.
    pub own: C,
}

/// All channels that anybody here listens to, in whichever way.
pub(crate) struct Channels<C> {
    /// By their numbers in the zone.
    pub all: FxHashMap<u32, Channel<C>>,
    /// Those that have changed.
    pub queue: VecDeque<u32>,
    /// Readers of patterns, by the beginning of the names.
    pub patterns: Patterns,
    /// Readers of channels that do not exist, by name.
    pub awaited: HashMap<Rc<[u8]>, Vec<u32>>,
}

impl<C: Default> Channels<C> {
    pub fn new() -> Channels<C> {
        Channels {
            all: FxHashMap::default(),
            queue: VecDeque::new(),
            patterns: Patterns::default(),
            awaited: HashMap::new(),
        }
    }

    /// A channel, whose readers, if it has none yet, have got everything up to `cursor`.
    pub fn entry(&mut self, id: ChannelId, cursor: u64) -> &mut Channel<C> {
        let channel = self.all.entry(id.index()).or_insert_with(|| Channel {
            id,
            cursor,
            hint: Hint::default(),
            singles: Vec::new(),
            shared: Vec::new(),
            dirty: false,
            due: false,
            walk: None,
            own: C::default(),
        });
        if channel.singles.is_empty() {
            // Nobody has had anything of it since.
            channel.cursor = cursor;
        }
        channel
    }

    /// A channel is to be delivered.
    pub fn make_dirty(&mut self, index: u32) {
        if let Some(channel) = self.all.get_mut(&index)
            && !channel.singles.is_empty()
            && !std::mem::replace(&mut channel.dirty, true)
        {
            self.queue.push_back(index);
        }
    }

    /// Forgets a channel that has no readers.
    pub fn forget_if_empty(&mut self, index: u32) {
        let is_empty =
            |channel: &Channel<C>| channel.singles.is_empty() && channel.shared.is_empty();
        if self.all.get(&index).is_some_and(is_empty) {
            self.all.remove(&index);
        }
    }

    /// The name of a channel that does not exist: those who wait for it have it together.
    pub fn shared_name(&self, name: &[u8]) -> Rc<[u8]> {
        let known = self.awaited.get_key_value(name);
        known.map_or_else(|| name.into(), |(name, _)| name.clone())
    }
}
