//! A worker's part of a zone: who reads it, and how.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use broadcast::{Attachment, ChannelId, From};
use rt::Pulse;

use crate::disk::Disk;
use crate::drain::{Drain, STEP_MS};
use crate::file::Sync;
use crate::inner::{Alarm, Inner};
use crate::membership::{Joining, Membership};
use crate::outlet::Outlet;
use crate::protocol::{Protocol, To};
use crate::reader::Reader;

/// A worker's part of a zone. One for each zone of a process, to its end.
pub struct Hub<P: Protocol> {
    /// The zone, and this process's place in it.
    pub attachment: &'static Attachment,
    /// What waits for the zone's file.
    pub disk: Disk,
    inner: RefCell<Inner<P>>,
    drain: Drain,
}

impl<P: Protocol> Hub<P> {
    /// Begins to listen; `sync`: the zone is kept in a file, which is synced so.
    pub fn start(attachment: Attachment, sync: Option<Sync>) -> io::Result<&'static Hub<P>> {
        let attachment: &'static Attachment = Box::leak(Box::new(attachment));
        let zone = attachment.zone();
        let inner = Inner::new(zone.newest(), P::worker(attachment));
        let hub: &'static Hub<P> = Box::leak(Box::new(Hub {
            attachment,
            disk: Disk::new(zone, sync),
            inner: RefCell::new(inner),
            drain: Drain::default(),
        }));
        rt::on_readable(hub.attachment.bell_fd(), || {
            hub.attachment.silence();
        })?;
        rt::add_pulse(hub);
        hub.tick();
        Ok(hub)
    }
}

/// What a protocol does with it.
impl<P: Protocol> Hub<P> {
    /// Takes a connection in; gives its number.
    pub fn add_outlet(&self, outlet: Outlet<P::Link>) -> u32 {
        self.inner.borrow_mut().clients.outlets.insert(outlet) as u32
    }

    /// Forgets a connection and its readers. Gives what it was.
    pub fn remove_outlet(&self, number: u32) -> Option<Outlet<P::Link>> {
        self.inner.borrow_mut().remove_outlet(number)
    }

    /// Changes a connection.
    pub fn with_outlet<T>(
        &self,
        number: u32,
        change: impl FnOnce(&mut Outlet<P::Link>) -> T,
    ) -> Option<T> {
        self.inner.borrow_mut().clients.outlets.get_mut(number as usize).map(change)
    }

    /// Changes all connections.
    pub fn each_outlet(&self, mut change: impl FnMut(u32, &mut Outlet<P::Link>)) {
        let mut inner = self.inner.borrow_mut();
        let outlets = inner.clients.outlets.iter_mut();
        outlets.for_each(|(number, outlet)| change(number as u32, outlet));
    }

    /// Takes a reader in, on a connection; it is served a little later. Of several channels it gets what is behind `from`.
    pub fn add_reader(&self, outlet: u32, mut reader: Reader<P::Reader>, from: From) -> u32 {
        reader.membership.expect_everything(from);
        let mut inner = self.inner.borrow_mut();
        let number = inner.add(reader, outlet, self.attachment.zone().newest());
        inner.look_again(self.attachment, number);
        inner.clients.wait(number);
        number
    }

    /// Forgets a reader. Gives what it was.
    pub fn remove_reader(&self, number: u32) -> Option<Reader<P::Reader>> {
        self.inner.borrow_mut().remove(number)
    }

    /// Changes a reader.
    pub fn with_reader<T>(
        &self,
        number: u32,
        change: impl FnOnce(&mut Reader<P::Reader>) -> T,
    ) -> Option<T> {
        self.inner.borrow_mut().clients.readers.get_mut(number as usize).map(change)
    }

    /// Changes a reader and what belongs to it.
    pub fn with<T>(&self, reader: u32, change: impl FnOnce(&mut To<'_, P>) -> T) -> Option<T> {
        let none = P::Channel::default();
        let mut inner = self.inner.borrow_mut();
        inner.clients.to(self.attachment, reader, &none).map(|mut to| change(&mut to))
    }

    /// Changes what the worker has.
    pub fn with_worker<T>(&self, change: impl FnOnce(&mut P::Worker) -> T) -> T {
        change(&mut self.inner.borrow_mut().clients.worker)
    }

    /// Counts a client as a reader of channels by name, and of all whose names begin with one of `prefixes`.
    pub fn join(&self, names: &[Vec<u8>], prefixes: &[Vec<u8>]) -> (Membership, Joining) {
        let inner = self.inner.borrow();
        let mut shared = |name: &[u8]| inner.channels.shared_name(name);
        Membership::of_client(self.attachment, names, prefixes, &mut shared)
    }

    /// Serves the readers of a connection at once, as far as it takes something.
    pub fn serve(&self, outlet: u32) {
        let mut inner = self.inner.borrow_mut();
        let mut next = inner.clients.first(outlet);
        while let Some(number) = next {
            inner.serve(self.attachment, number);
            next = inner.clients.following(number);
        }
    }

    /// A connection's task: there may be room to write. `false`: the connection is over.
    pub fn attend(&self, number: u32) -> bool {
        let mut inner = self.inner.borrow_mut();
        let Some(outlet) = inner.clients.outlets.get_mut(number as usize) else { return false };
        let is_clear = outlet.is_clear();
        outlet.look_for_room();
        let has_readers = outlet.first_reader().is_some();
        if !has_readers {
            outlet.flush();
        }
        let (over, is_blocked) = (outlet.is_over(), outlet.blocked_since().is_some());
        drop(inner);
        if !is_clear && !is_blocked && has_readers {
            self.serve(number);
            return self.with_outlet(number, |outlet| !outlet.is_over()).unwrap_or(false);
        }
        !over
    }

    /// Calls `listener`, a little later, when there is something on a channel. This process is woken for that only if it has
    /// [subscribed](Attachment::subscribe); what it appends itself it hears of in any case.
    pub fn listen(&self, channel: ChannelId, listener: Rc<dyn Fn()>) {
        self.inner.borrow_mut().listeners.insert(channel.index(), listener);
    }

    /// Calls nobody any more for that channel.
    pub fn unlisten(&self, channel: ChannelId) {
        self.inner.borrow_mut().listeners.remove(&channel.index());
    }

    /// The worker drains, `within` so many milliseconds if that is limited. A second call can only make it faster.
    pub(crate) fn drain(&'static self, within: Option<u64>) {
        if let Some(within) = within
            && self.drain.begin(rt::now(), within)
        {
            self.step();
        }
    }
}

impl<P: Protocol> Hub<P> {
    /// Sends those away who should be gone by now; the next follow later.
    fn step(&'static self) {
        // Also when all are gone: some may arrive on connections that were kept.
        rt::after(STEP_MS, || self.step());
        let mut inner = self.inner.borrow_mut();
        let clients = &mut inner.clients;
        let outlets = clients.outlets.iter();
        let left = outlets.filter(|(_, outlet)| !outlet.is_closing()).count();
        let mut due = self.drain.due(rt::now(), left, P::DRAINS_GRADUALLY);
        let (count, mut at) = (clients.outlets.capacity() as u32, self.drain.next.get());
        for _ in 0..count {
            if due == 0 {
                break;
            }
            at = if at + 1 < count { at + 1 } else { 0 };
            let Some(outlet) = clients.outlets.get_mut(at as usize) else { continue };
            if !outlet.is_closing() {
                P::send_away(outlet, &mut clients.worker, at);
                due -= 1;
            }
        }
        self.drain.next.set(at);
    }

    fn tick(&'static self) {
        // First: whatever becomes of this one.
        rt::after(P::TICK_MS, || self.tick());
        self.attachment.zone().expire();
        self.disk.sync_for_others();
        let inner = &mut *self.inner.borrow_mut();
        let counts = std::mem::take(&mut inner.clients.counts);
        self.attachment.count(counts.records, counts.bytes, counts.lagged);
        self.attachment.set_row_behind(inner.tell_who_is_behind(self.attachment));
        let is_idle = inner.clients.outlets.is_empty();
        let channels = inner.channels.all.values_mut();
        let channels = channels.map(|channel| (channel.id, &mut channel.own));
        P::tick(self.attachment, &mut inner.clients.worker, channels, is_idle);
    }

    /// Another zone has this one's place: nothing comes here any more.
    fn retire(&'static self) {
        self.attachment.zone().let_go();
        self.drain(Some(P::RETIRED_MS));
    }

    fn set_alarm(&'static self, what: Alarm, ms: u64) {
        rt::after(ms, move || self.inner.borrow_mut().ring(what));
    }
}

impl<P: Protocol> Pulse for Hub<P> {
    fn beat(&'static self) {
        if self.attachment.zone().is_retired() && !self.drain.is_retired.replace(true) {
            self.retire();
        }
        let mut inner = self.inner.borrow_mut();
        // They borrow the hub themselves.
        for listener in inner.hear(self.attachment) {
            rt::after(0, move || listener());
        }
        inner.deliver(self.attachment);
        while let Some((what, ms)) = inner.alarms.pop() {
            self.set_alarm(what, ms);
        }
    }

    fn may_sleep(&'static self) -> bool {
        let inner = self.inner.borrow();
        !inner.is_busy() && self.attachment.may_sleep(inner.seen)
    }

    fn awake(&'static self) {
        self.attachment.awake();
    }
}
