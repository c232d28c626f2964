//! One turn of the loop after another.

use std::io;
use std::time::Duration;

use crate::listener::ListenerId;
use crate::offload;
use crate::slot::{QUEUED, SlotState, TIMED_OUT};
use crate::token::{INBOX, LISTENERS, MAX_SLOTS, SOURCES, Token};
use crate::worker::{Worker, worker};

/// Events taken from the kernel at once.
const EVENTS: usize = 512;
/// So many panics of pulses end the loop: its clients are better off with another worker.
const MOST_BROKEN: u32 = 16;
/// How often a worker that drains looks whether other threads are done.
const UNDONE_MS: u64 = 20;
/// Slots served before the poll set is asked again.
const BUDGET: usize = 1024;

/// Runs this thread's loop until `stop`, or until it drains and its last connection has ended.
pub fn run() -> io::Result<()> {
    let worker = worker();
    let mut events = mio::Events::with_capacity(EVENTS);
    while !worker.ended() {
        worker.turn(&mut events)?;
        if worker.broken.get() >= MOST_BROKEN {
            return Err(io::Error::other("what is live cannot be delivered any more: it panics"));
        }
    }
    Ok(())
}

/// After the loop has ended: it goes on, without connections, which have no turn any more, until nothing is held, or for so many
/// milliseconds.
pub fn finish(ms: u64) -> io::Result<()> {
    let worker = worker();
    let mut events = mio::Events::with_capacity(EVENTS);
    let until = sys::clock::monotonic_ms().saturating_add(ms);
    worker.finishing.set(true);
    while worker.holds.get() > 0 && sys::clock::monotonic_ms() < until {
        worker.turn(&mut events)?;
    }
    Ok(())
}

impl Worker {
    fn ended(&self) -> bool {
        // Who is about to have a turn may be about to connect.
        let is_over = || {
            let waited_for = self.connections.get() + self.sockets.get() + self.holds.get();
            waited_for == 0 && self.queue.borrow().is_empty()
        };
        self.stop.get() || self.draining.get() && is_over() && offload::is_done()
    }

    fn turn(&self, events: &mut mio::Events) -> io::Result<()> {
        let mut timeout = self.timeout();
        let sleeps = timeout != Some(Duration::ZERO) && self.may_sleep();
        if !sleeps {
            timeout = Some(Duration::ZERO);
        }
        let polled = self.poll.borrow_mut().poll(events, timeout);
        if sleeps {
            self.awake();
        }
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        self.next_moment();
        self.now.set(sys::clock::monotonic_ms());
        self.wall.set(sys::clock::wall());
        let mut listeners = 0u64;
        for event in events.iter() {
            let token = Token::from(event.token());
            match token.index() {
                ..MAX_SLOTS => self.note(token, event),
                INBOX => self.inbox.take().into_iter().for_each(|n| self.wake(Token::from_word(n))),
                LISTENERS..SOURCES => listeners |= 1 << (token.index() - LISTENERS).min(63),
                _ => self.call_source((token.index() - SOURCES) as usize),
            }
        }
        self.accept_from(listeners);
        self.run_queue();
        self.beat();
        self.ring_alarms();
        self.wheel.expire(&self.slots, self.now.get(), |index| self.fire(index));
        Ok(())
    }

    /// How long the poll may sleep.
    fn timeout(&self) -> Option<Duration> {
        if !self.queue.borrow().is_empty() {
            return Some(Duration::ZERO);
        }
        let now = self.now.get();
        let alarm = self.alarms.borrow().peek().map(|alarm| alarm.due.saturating_sub(now));
        // Work whose client has gone wakes nobody when it is done.
        let undone = self.finishing.get() || self.draining.get() && !offload::is_done();
        let undone = undone.then_some(UNDONE_MS);
        let all = [self.wheel.next(now), alarm, undone];
        all.into_iter().flatten().min().map(Duration::from_millis)
    }

    fn call_source(&self, at: usize) {
        let callback = self.sources.borrow().get(at).cloned();
        if let Some(callback) = callback {
            self.guarded(|| callback());
        }
    }

    /// The 64th listener and those after it share a bit: they are asked together.
    fn accept_from(&self, mut listeners: u64) {
        if self.finishing.get() {
            return;
        }
        while listeners != 0 {
            let bit = listeners.trailing_zeros();
            listeners &= listeners - 1;
            let last = if bit == 63 { self.acceptors.borrow().len() as u32 } else { bit + 1 };
            (bit..last).for_each(|id| self.accept(ListenerId(id)));
        }
    }

    fn run_queue(&self) {
        // Those that are queued meanwhile, by others or by themselves, have their turn in the next one.
        let waiting = self.queue.borrow().len().min(BUDGET);
        for _ in 0..waiting {
            let Some(token) = self.queue.borrow_mut().pop_front() else { return };
            let Some(slot) = self.slot(token) else { continue };
            slot.clear(QUEUED);
            if self.finishing.get() && slot.is_connection() {
                continue;
            }
            match slot.state.get() {
                SlotState::Task => self.poll_task(token),
                SlotState::Idle if slot.is_readable() => {
                    if let Some(service) = slot.service.get() {
                        self.step(token, |conn| service.ready(conn));
                    }
                }
                SlotState::Idle | SlotState::Free | SlotState::Running | SlotState::Owned => {}
            }
        }
    }

    /// A slot's deadline has passed.
    fn fire(&self, index: u32) {
        let slot = self.slots.at(index);
        match slot.state.get() {
            SlotState::Idle => self.expire(index),
            SlotState::Task => {
                slot.raise(TIMED_OUT);
                self.enqueue(self.token(index));
            }
            SlotState::Owned => {
                slot.raise(TIMED_OUT);
                slot.wake_owner();
            }
            SlotState::Free | SlotState::Running => {}
        }
    }

    fn ring_alarms(&self) {
        let now = self.now.get();
        let mut due = Vec::new();
        let mut alarms = self.alarms.borrow_mut();
        while alarms.peek().is_some_and(|alarm| alarm.due <= now) {
            due.extend(alarms.pop());
        }
        drop(alarms);
        for alarm in due {
            self.guarded(alarm.ring);
        }
    }
}
