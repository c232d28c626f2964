//! A subscriber's place in the zone's counts.

use broadcast::{ChannelId, Full, Kind};

use crate::hub::Hub;

/// Counts a subscriber in the zone, as long as it is kept.
pub struct Membership {
    hub: &'static Hub,
    /// Its channels; then its patterns.
    ids: Box<[ChannelId]>,
    channels: usize,
    counters: Vec<ChannelId>,
}

impl Membership {
    /// Counts a subscriber of these channels and patterns. Gives the largest number of subscribers
    /// that one of the channels has now.
    pub fn new(
        hub: &'static Hub,
        names: &[Vec<u8>],
        prefixes: &[Vec<u8>],
        most: u32,
    ) -> Result<(Membership, u32), Full> {
        let mut membership =
            Membership { hub, ids: Box::default(), channels: names.len(), counters: Vec::new() };
        let mut ids = Vec::with_capacity(names.len() + prefixes.len());
        let mut subscribers = 0;
        let names = names.iter().map(|name| (name, Kind::Channel));
        for (name, kind) in names.chain(prefixes.iter().map(|prefix| (prefix, Kind::Pattern))) {
            match hub.attachment.subscribe(name, kind, most) {
                Ok((id, count)) => {
                    ids.push(id);
                    subscribers = subscribers.max(count);
                }
                Err(full) => {
                    membership.ids = ids.into();
                    return Err(full);
                }
            }
        }
        membership.ids = ids.into();
        Ok((membership, subscribers))
    }

    /// Counts it for something that is no channel, too (a client's address); gives the streams that are
    /// counted so now.
    pub fn count(&mut self, what: &str) -> Result<u32, Full> {
        let attachment = &self.hub.attachment;
        let (id, count) = attachment.subscribe(what.as_bytes(), Kind::Counter, u32::MAX)?;
        self.counters.push(id);
        Ok(count)
    }

    /// The channels.
    pub fn channels(&self) -> &[ChannelId] {
        &self.ids[..self.channels.min(self.ids.len())]
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        for id in self.ids.iter().chain(&self.counters) {
            self.hub.attachment.unsubscribe(*id);
        }
    }
}
