//! A worker that leaves: its subscribers go on getting events, until they leave by themselves or the
//! worker's time is over. Then they are sent away one after the other, not all at once: each comes back
//! to a new worker with its id, and misses nothing.
//!
//! The clock says how many should be gone: a worker that is busy takes larger steps, not longer.

use std::cell::Cell;

use proto::sse;
use proto::websocket::Close;

use crate::hub::Hub;
use crate::subscribe::spread;

/// How often some of them are sent away.
const STEP_MS: u64 = 20;
/// They come back within this time.
const RETURN_MS: u64 = 1000;

/// How far a worker's leaving is.
#[derive(Default)]
pub struct Leaving {
    /// When the last of them should be gone; 0: they are not sent away.
    until: Cell<u64>,
    /// When some were sent away last.
    stepped: Cell<u64>,
    /// Who is next.
    next: Cell<usize>,
}

impl Hub {
    /// The worker leaves, `within` so many milliseconds if that is limited. Said again it may only be
    /// faster.
    pub fn send_away_within(&'static self, within: Option<u64>) {
        let Some(within) = within else { return };
        let leaving = &self.leaving;
        let now = rt::now();
        // The last quarter is for those that are slow.
        let (before, until) = (leaving.until.get(), now + (within * 3 / 4).max(1));
        if before == 0 {
            leaving.stepped.set(now);
            leaving.until.set(until);
            self.step();
        } else if until < before {
            leaving.until.set(until);
        }
    }

    /// Sends those away who should be gone by now; the next follow later.
    fn step(&'static self) {
        // Also when all are gone: some may come by connections that were kept.
        rt::after(STEP_MS, || self.step());
        let leaving = &self.leaving;
        let now = rt::now();
        let (before, until) = (leaving.stepped.replace(now), leaving.until.get());
        let inner = self.inner.borrow();
        let left = inner.subscribers.iter().flatten().filter(|one| !one.closing).count();
        drop(inner);
        let (passed, whole) = (now - before, until.saturating_sub(before));
        let due = match now >= until {
            true => left,
            false => (left as u64 * passed).div_ceil(whole.max(1)) as usize,
        };
        self.send_away(due);
    }

    fn send_away(&self, due: usize) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let (mut at, mut sent) = (self.leaving.next.get(), 0);
        for _ in 0..inner.subscribers.len() {
            if sent >= due {
                break;
            }
            at = if at + 1 < inner.subscribers.len() { at + 1 } else { 0 };
            let Some(subscriber) = inner.subscribers[at].as_mut() else { continue };
            if subscriber.closing {
                continue;
            }
            // A browser keeps what it is told last. One that is told nothing at its return keeps its own
            // time: those who leave one after the other come back one after the other.
            if subscriber.settings.retry > 0 && !subscriber.framing.events_alone {
                let mut block = Vec::new();
                sse::retry(&mut block, 1 + spread(at as u64, RETURN_MS));
                block.push(b'\n');
                subscriber.framing.block(&mut inner.gzip, &block, &mut subscriber.unsent);
            }
            subscriber.end(Close::GoingAway);
            // What it cannot take now, its task sends.
            subscriber.session.conn.wake();
            sent += 1;
        }
        self.leaving.next.set(at);
    }
}
