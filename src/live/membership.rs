//! What a reader listens to, and its place in the zone's counts.

use std::rc::Rc;
use std::slice;

use broadcast::{Attachment, ChannelId, Counted, From, Full, Joined, Merge};

/// A reader's channels. Counts it in the zone as long as it is kept. Most have one channel, and cost no memory for it.
pub struct Membership {
    attachment: &'static Attachment,
    pub(crate) route: Route,
    client: Client,
}

/// How a reader gets its records.
pub(crate) enum Route {
    /// Of one channel: the batches that are read for all of its readers.
    Channel {
        id: ChannelId,
        /// Its place in the channel's list.
        at: u32,
    },
    /// Of one that nobody has published to: the hub has its name.
    Waiting(Rc<[u8]>),
    /// Of several, or of patterns.
    Several(Box<Several>),
}

#[derive(Default)]
pub(crate) struct Several {
    pub channels: Vec<ChannelId>,
    /// Names of others, which do not exist.
    pub waiting: Vec<Rc<[u8]>>,
    pub patterns: Vec<(Rc<[u8]>, Counted)>,
    /// Every record that the reader has not got is in one of these.
    pub pending: Merge,
    /// `pending` is complete for records up to this seq, and for those that the hub has heard of since.
    pub complete: u64,
}

/// Whether the reader is counted as one of the zone's clients, and at which address.
enum Client {
    Uncounted,
    Counted,
    CountedAt(Counted),
}

/// How a reader finds its channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joining {
    /// Clients of the zone.
    pub clients: u32,
    /// The largest number of readers that one of the channels has now.
    pub readers: u32,
    /// With channels of these names, which do not exist now, something has gone up to this seq.
    pub gone: u64,
}

impl Joining {
    fn join(
        &mut self,
        attachment: &Attachment,
        name: &[u8],
        shared: &mut dyn FnMut(&[u8]) -> Rc<[u8]>,
    ) -> Route {
        let (route, readers) = match attachment.join(name) {
            Joined::Channel(id, count) => (Route::Channel { id, at: 0 }, count),
            Joined::Waiting { subscribers, gone } => {
                self.gone = self.gone.max(gone);
                (Route::Waiting(shared(name)), subscribers)
            }
        };
        self.readers = self.readers.max(readers);
        route
    }
}

impl Membership {
    /// Of a channel that is made if it does not exist.
    pub fn of_channel(
        attachment: &'static Attachment,
        name: &[u8],
    ) -> Result<(Membership, u32), Full> {
        let (id, readers) = attachment.subscribe(name)?;
        let route = Route::Channel { id, at: 0 };
        Ok((Membership { attachment, route, client: Client::Uncounted }, readers))
    }

    /// Of channels by name, and of all whose names begin with one of `prefixes`; the client is counted. `shared` gives a
    /// name that all who wait for it have together.
    pub(crate) fn of_client(
        attachment: &'static Attachment,
        names: &[Vec<u8>],
        prefixes: &[Vec<u8>],
        shared: &mut dyn FnMut(&[u8]) -> Rc<[u8]>,
    ) -> (Membership, Joining) {
        let mut joining = Joining { clients: attachment.count_client(), ..Joining::default() };
        let client = Client::Counted;
        if let ([name], []) = (names, prefixes) {
            let route = joining.join(attachment, name, shared);
            return (Membership { attachment, route, client }, joining);
        }
        let mut several = Box::<Several>::default();
        for name in names {
            match joining.join(attachment, name, shared) {
                Route::Channel { id, .. } => several.channels.push(id),
                Route::Waiting(name) => several.waiting.push(name),
                Route::Several(_) => {}
            }
        }
        for prefix in prefixes {
            let (pattern, count) = attachment.join_pattern(prefix);
            several.patterns.push((prefix[..].into(), pattern));
            joining.readers = joining.readers.max(count);
        }
        (Membership { attachment, route: Route::Several(several), client }, joining)
    }

    /// Counts the reader for its client's address, too; gives the readers of that address.
    pub fn count_address(&mut self, address: &str) -> u32 {
        let (address, count) = self.attachment.count_address(address.as_bytes());
        self.client = Client::CountedAt(address);
        count
    }

    /// The channels that exist.
    pub fn channels(&self) -> &[ChannelId] {
        match &self.route {
            Route::Channel { id, .. } => slice::from_ref(id),
            Route::Waiting(_) => &[],
            Route::Several(several) => &several.channels,
        }
    }

    /// The names of those that do not.
    pub fn waiting(&self) -> &[Rc<[u8]>] {
        match &self.route {
            Route::Channel { .. } => &[],
            Route::Waiting(name) => slice::from_ref(name),
            Route::Several(several) => &several.waiting,
        }
    }

    /// Whether there is, and ever will be, one channel alone, and which.
    pub fn single(&self) -> Option<ChannelId> {
        match self.route {
            Route::Channel { id, .. } => Some(id),
            Route::Waiting(_) | Route::Several(_) => None,
        }
    }

    /// Whether channels may be added to these later: some are awaited, or there are patterns.
    pub fn may_grow(&self) -> bool {
        !self.waiting().is_empty() || self.patterns().next().is_some()
    }

    /// Whether nothing can be read: its channel does not exist.
    pub fn is_waiting(&self) -> bool {
        matches!(self.route, Route::Waiting(_))
    }

    /// The beginnings of the names that it listens to.
    pub fn patterns(&self) -> impl Iterator<Item = &[u8]> {
        let patterns = match &self.route {
            Route::Several(several) => &several.patterns[..],
            _ => &[],
        };
        patterns.iter().map(|(prefix, _)| &**prefix)
    }

    /// The newest channels of its patterns, and those it has by name.
    pub fn newest(&self, each: u32) -> Vec<ChannelId> {
        let prefixes: Vec<Vec<u8>> = self.patterns().map(<[u8]>::to_vec).collect();
        let mut channels = self.attachment.newest_of(&prefixes, each as usize);
        channels.extend_from_slice(self.channels());
        channels
    }

    /// A channel that it waited for exists now, and it is counted there.
    pub(crate) fn bind(&mut self, name: &[u8], id: ChannelId) {
        match &mut self.route {
            Route::Several(several) => {
                several.waiting.retain(|waiting| **waiting != *name);
                several.channels.push(id);
            }
            route => *route = Route::Channel { id, at: 0 },
        }
    }

    /// Of several channels, any may have records behind `from`. `false`: it is no reader of several.
    pub(crate) fn expect_everything(&mut self, from: From) -> bool {
        let Route::Several(several) = &mut self.route else { return false };
        // Before the look, not after it.
        several.complete = self.attachment.zone().newest();
        several.channels.iter().for_each(|&id| several.pending.add(id, from));
        let prefixes: Vec<Vec<u8>> =
            several.patterns.iter().map(|(prefix, _)| prefix.to_vec()).collect();
        several.pending.search(&prefixes, from);
        true
    }

    /// The channel of the record that is read next.
    pub(crate) fn channel_of(&self, seq: u64) -> Option<ChannelId> {
        match &self.route {
            Route::Channel { id, .. } => Some(*id),
            Route::Waiting(_) => None,
            Route::Several(several) => several.pending.channel_of(seq),
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let attachment = self.attachment;
        self.channels().iter().for_each(|id| attachment.unsubscribe(*id));
        self.waiting().iter().for_each(|name| attachment.wait_no_more(name));
        if let Route::Several(several) = &self.route {
            several.patterns.iter().for_each(|(_, pattern)| attachment.leave_pattern(*pattern));
        }
        match self.client {
            Client::Uncounted => return,
            Client::Counted => {}
            Client::CountedAt(address) => attachment.discount_address(address),
        }
        attachment.discount_client();
    }
}
