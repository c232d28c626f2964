//! A subscriber's place in the zone's counts.

use std::rc::Rc;
use std::slice;

use broadcast::{ChannelId, Full, Joined, Kind};

use crate::channels::Selection;
use crate::hub::Hub;

/// Counts a subscriber in the zone, as long as it is kept. Most have one channel, and cost no memory for it.
pub struct Membership {
    hub: &'static Hub,
    what: What,
    counters: Vec<ChannelId>,
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
    patterns: Vec<ChannelId>,
}

/// How a subscriber finds its channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joining {
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
    pub fn new(hub: &'static Hub, selection: &Selection) -> Result<(Membership, Joining), Full> {
        let mut joining = Joining::default();
        if let ([name], []) = (&selection.names[..], &selection.prefixes[..]) {
            let what = joining.join(hub, name);
            return Ok((Membership { hub, what, counters: Vec::new() }, joining));
        }
        let what = What::Several(Box::default());
        let mut membership = Membership { hub, what, counters: Vec::new() };
        let What::Several(several) = &mut membership.what else { return Err(Full) };
        for name in &selection.names {
            match joining.join(hub, name) {
                What::Channel(id) => several.channels.push(id),
                What::Waiting(name) => several.waiting.push(name),
                What::Several(_) => {}
            }
        }
        for prefix in &selection.prefixes {
            let (id, count) = hub.attachment.subscribe(prefix, Kind::Pattern)?;
            several.patterns.push(id);
            joining.subscribers = joining.subscribers.max(count);
        }
        Ok((membership, joining))
    }

    /// Counts it for something that is no channel, too (a client's address); gives the streams that are
    /// counted so now.
    pub fn count(&mut self, what: &str) -> Result<u32, Full> {
        let (id, count) = self.hub.attachment.subscribe(what.as_bytes(), Kind::Counter)?;
        self.counters.push(id);
        Ok(count)
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

    fn patterns(&self) -> &[ChannelId] {
        match &self.what {
            What::Several(several) => &several.patterns,
            _ => &[],
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let attachment = &self.hub.attachment;
        for id in self.channels().iter().chain(self.patterns()).chain(&self.counters) {
            attachment.unsubscribe(*id);
        }
        self.waiting().iter().for_each(|name| attachment.wait_no_more(name));
    }
}
