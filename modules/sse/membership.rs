//! A subscriber's place in the zone's counts.

use std::rc::Rc;
use std::slice;

use broadcast::{ChannelId, Counted, Joined};

use crate::channels::Selection;
use crate::hub::Hub;

/// Counts a subscriber in the zone, as long as it is kept. Most have one channel, and cost no memory for it.
pub struct Membership {
    hub: &'static Hub,
    what: What,
    /// Its client's address, if that is counted.
    address: Option<Counted>,
}

enum What {
    Channel(ChannelId),
    /// One that does not exist: nobody has published to it.
    Waiting(Rc<[u8]>),
    Several(Box<Several>),
}

#[derive(Default)]
struct Several {
    channels: Vec<ChannelId>,
    waiting: Vec<Rc<[u8]>>,
    patterns: Vec<Counted>,
}

/// How a subscriber finds its channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joining {
    /// Streams of the zone.
    pub streams: u32,
    /// The largest number of subscribers that one of the channels has now.
    pub subscribers: u32,
    /// With channels of these names, which do not exist now, something has gone up to this seq.
    pub gone: u64,
}

impl Joining {
    fn join(&mut self, hub: &'static Hub, name: &[u8]) -> What {
        let (what, subscribers) = match hub.attachment.join(name) {
            Joined::Channel(id, count) => (What::Channel(id), count),
            Joined::Waiting { subscribers, gone } => {
                self.gone = self.gone.max(gone);
                (What::Waiting(hub.inner.borrow().shared(name)), subscribers)
            }
        };
        self.subscribers = self.subscribers.max(subscribers);
        what
    }
}

impl Membership {
    /// Counts a subscriber.
    pub fn new(hub: &'static Hub, selection: &Selection) -> (Membership, Joining) {
        let mut joining = Joining { streams: hub.attachment.count_client(), ..Joining::default() };
        if let ([name], []) = (&selection.names[..], &selection.prefixes[..]) {
            let what = joining.join(hub, name);
            return (Membership { hub, what, address: None }, joining);
        }
        let mut several = Box::<Several>::default();
        for name in &selection.names {
            match joining.join(hub, name) {
                What::Channel(id) => several.channels.push(id),
                What::Waiting(name) => several.waiting.push(name),
                What::Several(_) => {}
            }
        }
        for prefix in &selection.prefixes {
            let (pattern, count) = hub.attachment.join_pattern(prefix);
            several.patterns.push(pattern);
            joining.subscribers = joining.subscribers.max(count);
        }
        (Membership { hub, what: What::Several(several), address: None }, joining)
    }

    /// Counts it for its client's address, too; gives the streams of that address.
    pub fn count_address(&mut self, address: &str) -> u32 {
        let (address, count) = self.hub.attachment.count_address(address.as_bytes());
        self.address = Some(address);
        count
    }

    /// The channels that exist.
    pub fn channels(&self) -> &[ChannelId] {
        match &self.what {
            What::Channel(id) => slice::from_ref(id),
            What::Waiting(_) => &[],
            What::Several(several) => &several.channels,
        }
    }

    /// The names of the others.
    pub fn waiting(&self) -> &[Rc<[u8]>] {
        match &self.what {
            What::Channel(_) => &[],
            What::Waiting(name) => slice::from_ref(name),
            What::Several(several) => &several.waiting,
        }
    }

    /// A channel that it waited for exists now, and it is counted there.
    pub fn bound(&mut self, name: &[u8], id: ChannelId) {
        match &mut self.what {
            What::Several(several) => {
                several.waiting.retain(|waiting| **waiting != *name);
                several.channels.push(id);
            }
            what => *what = What::Channel(id),
        }
    }

    fn patterns(&self) -> &[Counted] {
        match &self.what {
            What::Several(several) => &several.patterns,
            _ => &[],
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let attachment = &self.hub.attachment;
        self.channels().iter().for_each(|id| attachment.unsubscribe(*id));
        self.waiting().iter().for_each(|name| attachment.wait_no_more(name));
        self.patterns().iter().for_each(|pattern| attachment.leave_pattern(*pattern));
        if let Some(address) = self.address {
            attachment.discount_address(address);
        }
        attachment.discount_client();
    }
}
