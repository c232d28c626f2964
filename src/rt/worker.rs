//! The loop of this thread: what there is one of.

use std::cell::{Cell, RefCell};
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mio::Interest;
use mio::unix::SourceFd;

use crate::alarm::Alarm;
use crate::conn::Conn;
use crate::inbox::Inbox;
use crate::listener::Acceptor;
use crate::pulse::Pulse;
use crate::service::Task;
use crate::slot::{
    BROKEN, HANGUP, LAYERED, QUEUED, READABLE, REGISTERED, Slot, SlotState, WOKEN, WRITABLE,
};
use crate::table::Table;
use crate::timer::Wheel;
use crate::token::{INBOX, SOURCES, Token};

/// The size of a loop.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Slots for accepted connections, and as many sockets of tasks' own (`worker_connections`).
    pub slots: u32,
    /// Accept all that wait at every wake-up instead of a few (`multi_accept`).
    pub multi_accept: bool,
}

pub(crate) type Callback = Rc<dyn Fn()>;

pub(crate) struct Worker {
    pub config: Config,
    pub ring: u8,
    pub poll: RefCell<mio::Poll>,
    pub registry: mio::Registry,
    pub inbox: Arc<Inbox>,
    pub slots: Table,
    /// Accepted connections.
    pub connections: Cell<u32>,
    /// Of these, what has been counted.
    pub counters: Counters,
    /// Sockets of tasks' own.
    pub sockets: Cell<u32>,
    /// Tasks for which there was no slot: each begins when one is given back.
    pub waiting: RefCell<VecDeque<Task>>,
    pub queue: RefCell<VecDeque<Token>>,
    pub wheel: Wheel,
    pub now: Cell<u64>,
    pub wall: Cell<Duration>,
    pub acceptors: RefCell<Vec<Acceptor>>,
    /// Listeners are out of the poll set because there is no free slot.
    pub full: Cell<bool>,
    /// The second in which the log was told of too few slots.
    pub warned: Cell<u64>,
    /// The same of a panic.
    pub told: Cell<u64>,
    /// Beats of pulses that have panicked.
    pub broken: Cell<u32>,
    pub sources: RefCell<Vec<Callback>>,
    pub alarms: RefCell<BinaryHeap<Alarm>>,
    pub alarms_set: Cell<u64>,
    pub pulses: RefCell<Vec<&'static dyn Pulse>>,
    pub serial: Cell<u64>,
    pub moment: Cell<u64>,
    pub draining: Cell<bool>,
    /// The loop has ended, but for what is held.
    pub finishing: Cell<bool>,
    /// How many hold it.
    pub holds: Cell<u32>,
    pub stop: Cell<bool>,
}

thread_local! {
    static HERE: Cell<Option<&'static Worker>> = const { Cell::new(None) };
}

pub(crate) fn here() -> Option<&'static Worker> {
    HERE.get()
}

/// The loop of this thread. Using a connection outside its loop is a fault of the program.
pub(crate) fn worker() -> &'static Worker {
    here().expect("this thread has an event loop: rt::create was called")
}

/// Makes this thread's loop. It lives as long as its process.
pub fn create(config: Config) -> io::Result<()> {
    let poll = mio::Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let (ring, inbox) = Inbox::open(&registry, Token::new(0, INBOX, 0).into())?;
    let now = sys::clock::monotonic_ms();
    let worker = Worker {
        config,
        ring,
        poll: RefCell::new(poll),
        registry,
        inbox,
        slots: Table::new(config.slots),
        connections: Cell::new(0),
        counters: Counters::default(),
        sockets: Cell::new(0),
        waiting: RefCell::new(VecDeque::new()),
        queue: RefCell::new(VecDeque::with_capacity(1024)),
        wheel: Wheel::new(now),
        now: Cell::new(now),
        wall: Cell::new(sys::clock::wall()),
        acceptors: RefCell::new(Vec::new()),
        full: Cell::new(false),
        warned: Cell::new(0),
        told: Cell::new(0),
        broken: Cell::new(0),
        sources: RefCell::new(Vec::new()),
        alarms: RefCell::new(BinaryHeap::new()),
        alarms_set: Cell::new(0),
        pulses: RefCell::new(Vec::new()),
        serial: Cell::new(0),
        moment: Cell::new(0),
        draining: Cell::new(false),
        finishing: Cell::new(false),
        holds: Cell::new(0),
        stop: Cell::new(false),
    };
    // A loop ends with its process (or its test's thread): leaking it makes every handle 'static.
    HERE.set(Some(Box::leak(Box::new(worker))));
    Ok(())
}

impl Worker {
    /// What was known is to be looked at again.
    pub fn next_moment(&self) {
        self.moment.set(self.moment.get() + 1);
    }

    /// The slot that `token` names, unless it has gone to another since.
    pub fn slot(&self, token: Token) -> Option<&Slot> {
        let slot = self.slots.get(token.index())?;
        (slot.generation.get() == token.generation()).then_some(slot)
    }

    pub fn token(&self, index: u32) -> Token {
        Token::new(self.ring, index, self.slots.at(index).generation.get())
    }

    /// Puts the slot's descriptor into the poll set, for everything, once.
    pub fn register(&self, token: Token) -> io::Result<()> {
        let Some(slot) = self.slot(token) else { return Ok(()) };
        if slot.fd.get() >= 0 && !slot.has(REGISTERED) {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.registry.register(&mut SourceFd(&slot.fd.get()), token.into(), interest)?;
            slot.raise(REGISTERED);
        }
        Ok(())
    }

    /// Puts the slot into the run queue, once.
    pub fn enqueue(&self, token: Token) {
        if let Some(slot) = self.slot(token)
            && !slot.has(QUEUED)
        {
            slot.raise(QUEUED);
            self.queue.borrow_mut().push_back(token);
        }
    }

    /// Wakes the slot's task for another reason than readiness.
    pub fn wake(&self, token: Token) {
        if let Some(slot) = self.slot(token) {
            slot.raise(WOKEN);
            if slot.fd.get() < 0 && slot.has(LAYERED) {
                // What woke it is all that is known of its readiness.
                slot.raise(READABLE | WRITABLE);
            }
            self.enqueue(token);
        }
    }

    /// Calls what belongs to no connection. `None`: it has panicked, which ends this call, not the worker.
    pub fn guarded<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(call)).ok();
        let second = self.now.get() / 1000;
        if result.is_none() && self.told.replace(second) != second {
            sys::log!(Alert, "a panic ended a call that belongs to no connection");
        }
        result
    }

    /// Notes what epoll says of a connection.
    pub fn note(&self, token: Token, event: &mio::event::Event) {
        let Some(slot) = self.slot(token) else { return };
        if event.is_readable() {
            slot.raise(READABLE);
        }
        if event.is_writable() {
            slot.raise(WRITABLE);
        }
        if event.is_read_closed() || event.is_error() {
            slot.raise(READABLE | HANGUP);
        }
        if event.is_write_closed() || event.is_error() {
            slot.raise(WRITABLE | BROKEN);
        }
        match slot.state.get() {
            SlotState::Owned => slot.wake_owner(),
            SlotState::Task => {
                slot.prefetch_task();
                self.enqueue(token);
            }
            SlotState::Idle | SlotState::Running | SlotState::Free => self.enqueue(token),
        }
    }
}

/// Milliseconds of the monotonic clock, read once per turn of the loop.
pub fn now() -> u64 {
    worker().now.get()
}

/// Time since 1970, read once per turn of the loop.
pub fn wall() -> Duration {
    worker().wall.get()
}

/// A number that is another in each turn of the loop, and for each connection that is accepted. What was
/// looked at in the same moment needs no second look: whoever asks in it has not asked after a change
/// that the first look has missed.
pub fn moment() -> u64 {
    worker().moment.get()
}

/// Accepted connections that are open in this loop.
pub fn connections() -> u32 {
    here().map_or(0, |worker| worker.connections.get())
}

/// What the loop counts of its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Accepted so far.
    pub accepted: u64,
    /// Requests that have begun, as far as services tell ([`began_request`]).
    pub requests: u64,
    /// Open.
    pub open: u32,
    /// Of these, those that wait for a request.
    pub idle: u32,
    /// ... and those whose request has begun to come ([`Io::set_expendable`](crate::Io::set_expendable)).
    pub beginning: u32,
}

/// What is counted while it happens.
#[derive(Default)]
pub(crate) struct Counters {
    pub accepted: Cell<u64>,
    pub requests: Cell<u64>,
    pub idle: Cell<u32>,
    pub beginning: Cell<u32>,
}

/// A request has begun, on whichever connection.
pub fn began_request() {
    worker().counters.requests.update(|count| count + 1);
}

/// What this loop has counted.
pub fn figures() -> Figures {
    here().map_or(Figures::default(), |worker| Figures {
        accepted: worker.counters.accepted.get(),
        requests: worker.counters.requests.get(),
        open: worker.connections.get(),
        idle: worker.counters.idle.get(),
        beginning: worker.counters.beginning.get(),
    })
}

/// How many connections this loop may have (`worker_connections`).
pub fn slots() -> u32 {
    worker().config.slots
}

/// Whether the loop ends when its last connection has.
pub fn draining() -> bool {
    worker().draining.get()
}

/// Calls `ring` after `ms` milliseconds, once.
pub fn after(ms: u64, ring: impl FnOnce() + 'static) {
    let worker = worker();
    let due = worker.now.get().saturating_add(ms);
    let number = worker.alarms_set.get();
    worker.alarms_set.set(number + 1);
    worker.alarms.borrow_mut().push(Alarm { due, number, ring: Box::new(ring) });
}

/// Calls `callback` whenever `fd` has become readable, before the connections of that turn are
/// served. The descriptor must stay open as long as the loop; it is watched edge-triggered, so the
/// callback reads all there is.
pub fn on_readable(fd: RawFd, callback: impl Fn() + 'static) -> io::Result<()> {
    let worker = worker();
    let mut sources = worker.sources.borrow_mut();
    let token = Token::new(worker.ring, SOURCES + sources.len() as u32, 0);
    worker.registry.register(&mut SourceFd(&fd), token.into(), Interest::READABLE)?;
    sources.push(Rc::new(callback));
    Ok(())
}

/// Ends the loop when the last connection has ended. Idle ones stay for as long as their service wants
/// them; tasks are woken so that they see it.
pub fn drain() {
    let worker = worker();
    worker.draining.set(true);
    worker.slots.each(|index, slot| {
        let token = worker.token(index);
        match (slot.state.get(), slot.service.get()) {
            (SlotState::Idle, Some(service)) => {
                let delay = worker.guarded(|| service.drain_delay(Conn::new(token))).unwrap_or(0);
                worker.wheel.set(
                    &worker.slots,
                    index,
                    worker.now.get().saturating_add(delay).max(1),
                );
            }
            (SlotState::Task, _) => worker.wake(token),
            _ => {}
        }
    });
}

/// Wakes every task: something that all of them look at has changed.
pub fn wake_all() {
    let worker = worker();
    worker.slots.each(|index, slot| {
        if slot.state.get() == SlotState::Task {
            worker.wake(worker.token(index));
        }
    });
}

/// Ends the loop after this turn, whatever is still open.
pub fn stop() {
    worker().stop.set(true);
}
