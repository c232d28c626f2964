//! The connections of one worker, and their readers.

use std::collections::VecDeque;

use broadcast::{Attachment, ChannelId, From};
use slab::Slab;

use crate::membership::Route;
use crate::outlet::{NONE, Outlet};
use crate::protocol::{Delivered, Protocol, To};
use crate::reader::Reader;

/// All clients. Numbers are kept in 32 bits: a reader is small.
pub(crate) struct Clients<P: Protocol> {
    pub readers: Slab<Reader<P::Reader>>,
    pub outlets: Slab<Outlet<P::Link>>,
    /// Readers that are to be served one by one.
    pub queue: VecDeque<u32>,
    pub worker: P::Worker,
    pub counts: Delivered,
    /// Readers that are to be served again in so many milliseconds.
    pub later: Vec<(u32, u64)>,
    /// The reader that is being written to: if that panics, it is given up, and the others go on.
    pub serving: Option<u32>,
}

impl<P: Protocol> Clients<P> {
    pub fn new(worker: P::Worker) -> Clients<P> {
        Clients {
            readers: Slab::default(),
            outlets: Slab::default(),
            queue: VecDeque::new(),
            worker,
            counts: Delivered::default(),
            later: Vec::new(),
            serving: None,
        }
    }

    /// Takes a reader in, on a connection.
    pub fn add(&mut self, mut reader: Reader<P::Reader>, outlet: u32) -> u32 {
        let number = self.readers.vacant_key() as u32;
        reader.outlet = outlet;
        if let Some(outlet) = self.outlets.get_mut(outlet as usize) {
            reader.next = std::mem::replace(&mut outlet.first, number);
        }
        self.readers.insert(reader) as u32
    }

    /// Takes a reader out.
    pub fn remove(&mut self, number: u32) -> Option<Reader<P::Reader>> {
        let reader = self.readers.try_remove(number as usize)?;
        if self.serving == Some(number) {
            self.serving = None;
        }
        let Some(outlet) = self.outlets.get_mut(reader.outlet as usize) else {
            return Some(reader);
        };
        if outlet.first == number {
            outlet.first = reader.next;
            return Some(reader);
        }
        let mut at = outlet.first;
        while let Some(before) = self.readers.get_mut(at as usize) {
            if before.next == number {
                before.next = reader.next;
                break;
            }
            at = before.next;
        }
        Some(reader)
    }

    /// The reader behind another one of the same connection, or a connection's first.
    pub fn following(&self, number: u32) -> Option<u32> {
        self.readers.get(number as usize).map(|reader| reader.next).filter(|&next| next != NONE)
    }

    /// A connection's first reader.
    pub fn first(&self, outlet: u32) -> Option<u32> {
        self.outlets.get(outlet as usize).and_then(Outlet::first_reader)
    }

    /// A reader is to be served by itself.
    pub fn wait(&mut self, number: u32) {
        let Some(reader) = self.readers.get_mut(number as usize) else { return };
        // One whose connection takes nothing is served when there is room again.
        let outlet = self.outlets.get(reader.outlet as usize);
        let is_blocked = outlet.is_some_and(|outlet| outlet.blocked_since().is_some());
        if !is_blocked && !std::mem::replace(&mut reader.waiting, true) {
            self.queue.push_back(number);
        }
    }

    /// A channel has something new for a reader of several.
    pub fn expect(&mut self, number: u32, id: ChannelId) {
        if let Some(reader) = self.readers.get_mut(number as usize)
            && let Route::Several(several) = &mut reader.membership.route
        {
            several.pending.add(id, From::Cursor);
            self.wait(number);
        }
    }

    /// A reader, and what belongs to it.
    pub fn to<'a>(
        &'a mut self,
        attachment: &'static Attachment,
        number: u32,
        channel: &'a P::Channel,
    ) -> Option<To<'a, P>> {
        let reader = self.readers.get_mut(number as usize)?;
        let outlet = self.outlets.get_mut(reader.outlet as usize)?;
        let (worker, counts, serving) = (&mut self.worker, &mut self.counts, &mut self.serving);
        Some(To { attachment, number, reader, outlet, worker, counts, channel, serving })
    }

    /// A reader has lost what followed its cursor, up to `upto`.
    pub fn lag(&mut self, attachment: &'static Attachment, number: u32, upto: u64) {
        let none = P::Channel::default();
        if let Some(mut to) = self.to(attachment, number, &none) {
            P::lagged(&mut to, upto);
            self.wait(number);
        }
    }

    /// A write to a reader has panicked: whatever it was about, that reader is not tried again.
    pub fn give_up_after_panic(&mut self) -> bool {
        let Some(number) = self.serving.take() else { return false };
        let outlet = self.readers.get(number as usize).map(|reader| reader.outlet);
        if let Some(outlet) = outlet.and_then(|outlet| self.outlets.get_mut(outlet as usize)) {
            outlet.give_up();
        }
        true
    }
}
