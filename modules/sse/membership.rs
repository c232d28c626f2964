//! A subscriber's place in the zone's counts.

use broadcast::{ChannelId, Full, Joined, Kind};

use crate::channels::Selection;
use crate::hub::Hub;

/// Counts a subscriber in the zone, as long as it is kept.
pub struct Membership {
    hub: &'static Hub,
    channels: Vec<ChannelId>,
    /// Channels that do not exist: nobody has published to them.
    waiting: Vec<Vec<u8>>,
    patterns: Vec<ChannelId>,
    counters: Vec<ChannelId>,
}

/// How a subscriber finds its channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joining {
    /// The largest number of subscribers that one of the channels has now.
    pub subscribers: u32,
    /// With channels of these names, which do not exist now, something has gone up to this seq.
    pub gone: u64,
}

impl Membership {
    /// Counts a subscriber.
    pub fn new(hub: &'static Hub, selection: &Selection) -> Result<(Membership, Joining), Full> {
        let mut membership = Membership {
            hub,
            channels: Vec::with_capacity(selection.names.len()),
            waiting: Vec::new(),
            patterns: Vec::with_capacity(selection.prefixes.len()),
            counters: Vec::new(),
        };
        let mut joining = Joining::default();
        for name in &selection.names {
            let subscribers = match hub.attachment.join(name) {
                Joined::Channel(id, count) => {
                    membership.channels.push(id);
                    count
                }
                Joined::Waiting { subscribers, gone } => {
                    membership.waiting.push(name.clone());
                    joining.gone = joining.gone.max(gone);
                    subscribers
                }
            };
            joining.subscribers = joining.subscribers.max(subscribers);
        }
        for prefix in &selection.prefixes {
            let (id, count) = hub.attachment.subscribe(prefix, Kind::Pattern)?;
            membership.patterns.push(id);
            joining.subscribers = joining.subscribers.max(count);
        }
        Ok((membership, joining))
    }

    /// Counts it for something that is no channel, too (a client's address); gives the streams that are
    /// counted so now.
    pub fn count(&mut self, what: &str) -> Result<u32, Full> {
        let attachment = &self.hub.attachment;
        let (id, count) = attachment.subscribe(what.as_bytes(), Kind::Counter)?;
        self.counters.push(id);
        Ok(count)
    }

    /// The channels that exist.
    pub fn channels(&self) -> &[ChannelId] {
        &self.channels
    }

    /// The names of the others.
    pub fn waiting(&self) -> &[Vec<u8>] {
        &self.waiting
    }

    /// A channel that it waited for exists now, and it is counted there.
    pub fn bound(&mut self, name: &[u8], id: ChannelId) {
        self.waiting.retain(|waiting| waiting != name);
        self.channels.push(id);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let attachment = &self.hub.attachment;
        for id in self.channels.iter().chain(&self.patterns).chain(&self.counters) {
            attachment.unsubscribe(*id);
        }
        self.waiting.iter().for_each(|name| attachment.wait_no_more(name));
    }
}
