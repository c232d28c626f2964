//! What changes in a hub: which readers there are, and where changes of the zone find them.
//!
//! ```text
//! bell or own append ─▶ changes: which channels? ─▶ dirty channels ─▶ one batch to all who are up to date
//!                                             └▶ those behind, or with several channels: one by one
//! ```
//! Invariant: a reader that is not up to date is in the queue, or its connection has something to send before, or its
//! channel is dirty or due. Lists of readers stay where they are while they are walked over: a panic loses nobody.

use std::rc::Rc;

use broadcast::{Attachment, ChannelId};
use rustc_hash::FxHashMap;

use crate::channels::Channels;
use crate::clients::Clients;
use crate::membership::Route;
use crate::outlet::Outlet;
use crate::protocol::Protocol;
use crate::reader::Reader;

pub(crate) struct Inner<P: Protocol> {
    /// Changes up to this seq are known.
    pub seen: u64,
    pub channels: Channels<P::Channel>,
    pub clients: Clients<P>,
    /// What is to be looked at again, in so many milliseconds.
    pub alarms: Vec<(Alarm, u64)>,
    /// Channels on which workers talk to each other, and who listens.
    pub listeners: FxHashMap<u32, Rc<dyn Fn()>>,
    /// The channel that is being delivered: see [`Clients::serving`].
    pub delivering: Option<u32>,
}

/// What an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// A channel becomes dirty.
    Channel(u32),
    /// A reader is served.
    Reader(u32),
}

impl<P: Protocol> Inner<P> {
    pub fn new(seen: u64, worker: P::Worker) -> Inner<P> {
        Inner {
            seen,
            channels: Channels::new(),
            clients: Clients::new(worker),
            alarms: Vec::new(),
            listeners: FxHashMap::default(),
            delivering: None,
        }
    }

    /// Takes a reader in, on a connection, and puts its number where changes are looked up.
    pub fn add(&mut self, mut reader: Reader<P::Reader>, outlet: u32, newest: u64) -> u32 {
        let number = self.clients.readers.vacant_key() as u32;
        for name in reader.membership.waiting() {
            self.channels.awaited.entry(name.clone()).or_default().push(number);
        }
        match reader.membership.route {
            Route::Channel { id, .. } => self.add_single(&mut reader, number, id, newest),
            Route::Waiting(_) => {}
            Route::Several(_) => {
                for id in reader.membership.channels() {
                    self.channels.entry(*id, newest).shared.push(number);
                }
                for prefix in reader.membership.patterns() {
                    self.channels.patterns.add(prefix, number);
                }
            }
        }
        self.clients.add(reader, outlet)
    }

    fn add_single(
        &mut self,
        reader: &mut Reader<P::Reader>,
        number: u32,
        id: ChannelId,
        newest: u64,
    ) {
        let channel = self.channels.entry(id, newest);
        if P::join(&mut channel.own, &reader.own) && channel.singles.is_empty() {
            channel.cursor = reader.cursor;
        }
        if channel.singles.is_empty() {
            // All whom the walk was about are gone.
            channel.walk = None;
        }
        let at = channel.singles.len() as u32;
        reader.membership.route = Route::Channel { id, at };
        channel.singles.push(number);
    }

    /// Takes a reader out.
    pub fn remove(&mut self, number: u32) -> Option<Reader<P::Reader>> {
        let gone = self.clients.remove(number)?;
        for name in gone.membership.waiting() {
            if let Some(members) = self.channels.awaited.get_mut(name) {
                members.retain(|&member| member != number);
                if members.is_empty() {
                    self.channels.awaited.remove(name);
                }
            }
        }
        match &gone.membership.route {
            Route::Channel { id, at } => self.remove_single(*id, *at as usize),
            Route::Waiting(_) => {}
            Route::Several(_) => {
                for id in gone.membership.channels() {
                    if let Some(channel) = self.channels.all.get_mut(&id.index()) {
                        channel.shared.retain(|&member| member != number);
                        self.channels.forget_if_empty(id.index());
                    }
                }
                for prefix in gone.membership.patterns() {
                    self.channels.patterns.remove(prefix, number);
                }
            }
        }
        Some(gone)
    }

    fn remove_single(&mut self, id: ChannelId, at: usize) {
        let Some(channel) = self.channels.all.get_mut(&id.index()) else { return };
        if at >= channel.singles.len() {
            return;
        }
        channel.singles.swap_remove(at);
        if let Some(&moved) = channel.singles.get(at) {
            if let Some(reader) = self.clients.readers.get_mut(moved as usize) {
                reader.membership.route = Route::Channel { id, at: at as u32 };
            }
            // The one that has taken its place may have missed its turn in a walk.
            if channel.walk.is_some_and(|(next, _)| at < next) {
                self.clients.wait(moved);
            }
        }
        self.channels.forget_if_empty(id.index());
    }

    /// Takes a connection and its readers out.
    pub fn remove_outlet(&mut self, number: u32) -> Option<Outlet<P::Link>> {
        while let Some(reader) = self.clients.first(number) {
            self.remove(reader)?;
        }
        self.clients.outlets.try_remove(number as usize)
    }

    /// A channel is to be delivered, or a reader to be served, in `ms` milliseconds.
    pub fn defer(&mut self, what: Alarm, ms: u64) {
        let due = match what {
            Alarm::Channel(index) => self.channels.all.get_mut(&index).map(|found| &mut found.due),
            Alarm::Reader(number) => {
                self.clients.readers.get_mut(number as usize).map(|found| &mut found.due)
            }
        };
        if let Some(due) = due
            && !std::mem::replace(due, true)
        {
            self.alarms.push((what, ms.max(1)));
        }
    }

    /// It is time for what was deferred.
    pub fn ring(&mut self, what: Alarm) {
        match what {
            Alarm::Channel(index) => {
                if let Some(channel) = self.channels.all.get_mut(&index) {
                    channel.due = false;
                }
                self.channels.make_dirty(index);
            }
            Alarm::Reader(number) => {
                if let Some(reader) = self.clients.readers.get_mut(number as usize) {
                    reader.due = false;
                }
                self.clients.wait(number);
            }
        }
    }

    /// Publishes how far the slowest of each channel's readers is behind. Gives how many connections take nothing.
    pub fn tell_who_is_behind(&self, attachment: &Attachment) -> u32 {
        let is_blocked = |outlet: u32| {
            let outlet = self.clients.outlets.get(outlet as usize);
            outlet.is_some_and(|outlet| outlet.blocked_since().is_some())
        };
        for channel in self.channels.all.values() {
            let readers =
                channel.singles.iter().filter_map(|&at| self.clients.readers.get(at as usize));
            let slow = readers.filter(|reader| is_blocked(reader.outlet));
            let slowest = slow.map(|reader| reader.cursor).min();
            let behind = slowest.map_or(0, |cursor| attachment.behind(&[channel.id], cursor));
            attachment.set_behind(channel.id, behind.min(u64::from(u32::MAX)) as u32);
        }
        let outlets = self.clients.outlets.iter();
        outlets.filter(|(_, outlet)| outlet.blocked_since().is_some()).count() as u32
    }
}
