//! What is new in the zone: which channels, and so which readers, have something to come.

use std::rc::Rc;

use broadcast::{Attachment, From};

use crate::inner::{Alarm, Inner};
use crate::membership::Route;
use crate::protocol::Protocol;

impl<P: Protocol> Inner<P> {
    /// Learns which channels have new records. Gives the listeners of those on which workers talk to each other.
    pub fn hear(&mut self, attachment: &'static Attachment) -> Vec<Rc<dyn Fn()>> {
        let (zone, seen, mut called) = (attachment.zone(), self.seen, Vec::new());
        if zone.newest() == seen {
            return called;
        }
        let heard = zone.changes(seen, |index| {
            self.mark(attachment, index);
            if let Some(listener) = self.listeners.get(&index) {
                called.push(listener.clone());
            }
        });
        self.seen = heard.unwrap_or_else(|missed| {
            self.mark_all(attachment);
            called.extend(self.listeners.values().cloned());
            missed.upto
        });
        called.dedup_by(|a, b| Rc::ptr_eq(a, b));
        called
    }

    /// A channel has changed.
    fn mark(&mut self, attachment: &'static Attachment, index: u32) {
        if !self.channels.patterns.is_empty() || !self.channels.awaited.is_empty() {
            self.mark_by_name(attachment, index);
        }
        let Some(channel) = self.channels.all.get_mut(&index) else { return };
        channel.shared.iter().for_each(|&member| self.clients.expect(member, channel.id));
        if !channel.singles.is_empty() {
            self.mark_singles(index);
        }
    }

    /// A channel is dirty at once, or when its records have been collected.
    fn mark_singles(&mut self, index: u32) {
        let collects = self.channels.all.get(&index).map_or(0, |found| P::collects(&found.own));
        match collects {
            0 => self.channels.make_dirty(index),
            ms => self.defer(Alarm::Channel(index), ms),
        }
    }

    /// The readers of patterns that the channel matches, and those who have waited for it.
    fn mark_by_name(&mut self, attachment: &'static Attachment, index: u32) {
        let (channels, clients) = (&mut self.channels, &mut self.clients);
        let mut awaited = None;
        let named = |name: &[u8], _| {
            awaited = channels.awaited.contains_key(name).then(|| name.to_vec());
        };
        let expect = |member, id| clients.expect(member, id);
        let lives = channels.patterns.of(attachment.zone(), index, named, expect);
        match awaited {
            Some(name) => self.bind(attachment, &name),
            // Whatever it was is gone already: perhaps somebody has waited for it.
            None if !lives => self.look_for_the_forgotten(attachment),
            None => {}
        }
    }

    /// Those who wait for a channel of that name are its readers, if it exists now.
    fn bind(&mut self, attachment: &'static Attachment, name: &[u8]) {
        let Some(members) = self.channels.awaited.get(name) else { return };
        let Some(id) = attachment.bind(name, members.len() as u32) else { return };
        let members = self.channels.awaited.remove(name).unwrap_or_default();
        for number in members {
            let Some(reader) = self.clients.readers.get_mut(number as usize) else { continue };
            reader.membership.bind(name, id);
            let channel = self.channels.entry(id, self.seen);
            match &mut reader.membership.route {
                Route::Channel { at, .. } => {
                    let _ = P::join(&mut channel.own, &reader.own);
                    *at = channel.singles.len() as u32;
                    channel.singles.push(number);
                    self.clients.wait(number);
                }
                Route::Several(_) => {
                    channel.shared.push(number);
                    self.clients.expect(number, id);
                }
                Route::Waiting(_) => {}
            }
        }
    }

    /// What a newcomer waits for may have come to be, and may have gone again, since it has asked: the answer's head
    /// may have had to wait for room.
    pub fn look_again(&mut self, attachment: &'static Attachment, number: u32) {
        let Some(reader) = self.clients.readers.get(number as usize) else { return };
        if attachment.zone().newest() <= reader.cursor {
            return;
        }
        for name in reader.membership.waiting().to_vec() {
            self.bind(attachment, &name);
            self.tell_of_the_forgotten(attachment, &name);
        }
    }

    /// Channels that are waited for may have come and gone again before anybody here has looked.
    fn look_for_the_forgotten(&mut self, attachment: &'static Attachment) {
        let names: Vec<Rc<[u8]>> = self.channels.awaited.keys().cloned().collect();
        names.iter().for_each(|name| self.tell_of_the_forgotten(attachment, name));
    }

    fn tell_of_the_forgotten(&mut self, attachment: &'static Attachment, name: &[u8]) {
        let Some(members) = self.channels.awaited.get(name) else { return };
        let upto = attachment.forgotten(name);
        for &number in members {
            let reader = self.clients.readers.get(number as usize);
            if reader.is_some_and(|reader| upto > reader.cursor.max(reader.told)) {
                self.clients.lag(attachment, number, upto);
            }
        }
    }

    /// Any channel may have changed.
    fn mark_all(&mut self, attachment: &'static Attachment) {
        let all: Vec<u32> = self.channels.all.keys().copied().collect();
        all.into_iter().for_each(|index| self.mark_singles(index));
        let names: Vec<Rc<[u8]>> = self.channels.awaited.keys().cloned().collect();
        names.iter().for_each(|name| self.bind(attachment, name));
        self.look_for_the_forgotten(attachment);
        let readers = self.clients.readers.iter_mut();
        let readers = readers.filter_map(|(number, reader)| {
            reader.membership.expect_everything(From::Cursor).then_some(number as u32)
        });
        let expecting: Vec<u32> = readers.collect();
        expecting.into_iter().for_each(|number| self.clients.wait(number));
    }
}
