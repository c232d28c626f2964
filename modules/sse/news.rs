//! News of the zone: which channels, and so which subscribers, have something to come.

use std::rc::Rc;

use broadcast::{Attachment, ChannelId, From};

use crate::hub::{Hub, Inner, entry};
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
        if !self.patterns.is_empty() || !self.waiting_for.is_empty() {
            self.mark_by_name(attachment, index);
        }
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
    }

    /// The subscribers of patterns that the channel matches, and those who have waited for it.
    fn mark_by_name(&mut self, attachment: &Attachment, index: u32) {
        let mut patterns = std::mem::take(&mut self.patterns);
        let mut awaited = None;
        let named = |name: &[u8], _| {
            awaited = self.waiting_for.contains_key(name).then(|| name.to_vec());
        };
        let mut members = Vec::new();
        let lives =
            patterns.of(attachment.zone(), index, named, |member, id| members.push((member, id)));
        self.patterns = patterns;
        members.into_iter().for_each(|(member, id)| self.news_for(member, id));
        match awaited {
            Some(name) => self.bind(attachment, &name),
            // Whatever it was is gone already: perhaps somebody has waited for it.
            None if !lives => self.look_for_the_forgotten(attachment),
            None => {}
        }
    }

    /// Those who wait for a channel of that name are its subscribers, if it exists now.
    fn bind(&mut self, attachment: &Attachment, name: &[u8]) {
        let Some((name, members)) = self.waiting_for.remove_entry(name) else { return };
        let Some(id) = attachment.bind(&name, members.len() as u32) else {
            self.waiting_for.insert(name, members);
            return;
        };
        for number in members {
            let seen = self.seen;
            let Some(subscriber) = self.subscriber(number) else { continue };
            subscriber.membership.bound(&name, id);
            match &mut subscriber.route {
                Route::Waiting => {
                    let channel = entry(&mut self.channels, id, seen);
                    if channel.singles.is_empty() {
                        channel.cursor = seen;
                    }
                    let at = channel.singles.len() as u32;
                    channel.singles.push(number);
                    if let Some(subscriber) = self.subscriber(number) {
                        subscriber.route = Route::Single { id, at };
                    }
                    self.wait(number);
                }
                Route::Many(many) => {
                    many.channels.push(id);
                    many.waiting -= 1;
                    entry(&mut self.channels, id, seen).many.push(number);
                    self.news_for(number, id);
                }
                Route::Single { .. } => {}
            }
        }
    }

    /// What a newcomer waits for may have come to be, and may have gone again, since it has asked: the answer's head
    /// may have had to wait for room.
    pub fn look_again(&mut self, attachment: &Attachment, number: u32) {
        let Some(subscriber) = self.subscriber(number) else { return };
        if attachment.zone().newest() <= subscriber.cursor {
            return;
        }
        for name in subscriber.membership.waiting().to_vec() {
            self.bind(attachment, &name);
            self.tell_of_the_forgotten(attachment, &name);
        }
    }

    /// Channels that are waited for may have come and gone again before anybody here has looked.
    fn look_for_the_forgotten(&mut self, attachment: &Attachment) {
        let names: Vec<Rc<[u8]>> = self.waiting_for.keys().cloned().collect();
        names.iter().for_each(|name| self.tell_of_the_forgotten(attachment, name));
    }

    fn tell_of_the_forgotten(&mut self, attachment: &Attachment, name: &[u8]) {
        let Some(members) = self.waiting_for.get(name).cloned() else { return };
        let upto = attachment.forgotten(name);
        for number in members {
            if let Some(subscriber) = self.subscribers[number as usize].as_mut()
                && upto > subscriber.cursor.max(subscriber.told)
            {
                subscriber.lag(attachment, upto, &mut self.gzip);
                self.wait(number);
            }
        }
    }

    fn news_for(&mut self, number: u32, id: ChannelId) {
        if let Some(subscriber) = self.subscriber(number) {
            if let Route::Many(many) = &mut subscriber.route {
                many.pending.add(id, From::Cursor);
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
        let names: Vec<Rc<[u8]>> = self.waiting_for.keys().cloned().collect();
        names.iter().for_each(|name| self.bind(attachment, name));
        self.look_for_the_forgotten(attachment);
        for number in 0..self.subscribers.len() as u32 {
            if let Some(subscriber) = self.subscriber(number)
                && subscriber.expect_everything(attachment, From::Cursor)
            {
                self.wait(number);
            }
        }
    }
}
