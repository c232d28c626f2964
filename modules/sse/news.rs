//! News of the zone: which channels, and so which subscribers, have something to come.

use broadcast::{Attachment, ChannelId};

use crate::hub::{Hub, Inner};
use crate::subscriber::Route;

impl Hub {
    /// Learns which channels have news.
    pub fn hear(&self, inner: &mut Inner) {
        let zone = self.attachment.zone();
        if zone.newest() == inner.seen {
            return;
        }
        let seen = inner.seen;
        let heard = zone.news(seen, |channel| inner.mark(&self.attachment, channel));
        inner.seen = heard.unwrap_or_else(|missed| {
            inner.mark_all(&self.attachment);
            missed.upto
        });
    }
}

impl Inner {
    /// A channel has news.
    fn mark(&mut self, attachment: &Attachment, index: u32) {
        if let Some(channel) = self.channels.get_mut(&index) {
            if !channel.singles.is_empty() && !std::mem::replace(&mut channel.dirty, true) {
                self.dirty.push_back(index);
            }
            let (id, members) = (channel.id, std::mem::take(&mut channel.many));
            members.iter().for_each(|&member| self.news_for(member, id));
            if let Some(channel) = self.channels.get_mut(&index) {
                channel.many = members;
            }
        }
        if !self.patterns.is_empty() {
            let patterns = std::mem::take(&mut self.patterns);
            let mut members = Vec::new();
            let id = attachment.zone().channel_of(index, |name| {
                let matching = patterns.iter().filter(|pattern| name.starts_with(&pattern.prefix));
                members.extend(matching.flat_map(|pattern| pattern.members.iter().copied()));
            });
            self.patterns = patterns;
            if let Some(id) = id {
                members.iter().for_each(|&member| self.news_for(member, id));
            }
        }
    }

    fn news_for(&mut self, number: u32, id: ChannelId) {
        if let Some(subscriber) = self.subscriber(number) {
            if let Route::Many(many) = &mut subscriber.route {
                many.pending.insert(id);
            }
            self.wait(number);
        }
    }

    /// Any channel may have news.
    fn mark_all(&mut self, attachment: &Attachment) {
        let all: Vec<u32> = self.channels.keys().copied().collect();
        for index in all {
            if let Some(channel) = self.channels.get_mut(&index)
                && !channel.singles.is_empty()
                && !std::mem::replace(&mut channel.dirty, true)
            {
                self.dirty.push_back(index);
            }
        }
        for number in 0..self.subscribers.len() as u32 {
            if let Some(subscriber) = self.subscriber(number)
                && subscriber.expect_everything(attachment)
            {
                self.wait(number);
            }
        }
    }
}
