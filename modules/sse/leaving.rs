//! A worker that leaves: its subscribers go on getting events, until they leave by themselves or the
//! worker's time is over. Then they are sent away one after the other, not all at once: each comes back
//! to a new worker with its id, and misses nothing.

use proto::sse;

use crate::hub::Hub;
use crate::subscribe::spread;
use crate::websocket::Close;

/// How often some of them are sent away.
const STEP_MS: u64 = 20;
/// They come back within this time.
const RETURN_MS: u64 = 1000;

impl Hub {
    /// The worker leaves, `within` so many milliseconds if that is limited.
    pub fn drain(&'static self, within: Option<u64>) {
        if self.is_draining() {
            return;
        }
        self.set_draining();
        if let Some(within) = within {
            // The last quarter is for those that are slow.
            let steps = (within * 3 / 4 / STEP_MS).max(1);
            let each = self.inner.borrow().subscribers.len().div_ceil(steps as usize).max(1);
            self.send_away(0, each);
        }
    }

    /// Sends the next `each` of the subscribers away, and then the others.
    fn send_away(&'static self, from: usize, each: usize) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let (mut at, mut sent) = (from, 0);
        while sent < each && at < inner.subscribers.len() {
            if let Some(subscriber) = inner.subscribers[at].as_mut()
                && !subscriber.closing
            {
                let mut block = Vec::new();
                sse::retry(&mut block, 1 + spread(at as u64, RETURN_MS));
                block.push(b'\n');
                subscriber.framing.block(&mut inner.gzip, &block, &mut subscriber.unsent);
                subscriber.end(Close::GoingAway);
                // What it cannot take now, its task sends.
                subscriber.session.conn.wake();
                sent += 1;
            }
            at += 1;
        }
        if at < inner.subscribers.len() {
            rt::after(STEP_MS, move || self.send_away(at, each));
        } else {
            // Who came meanwhile, by a connection that was kept.
            rt::after(STEP_MS * 10, move || self.send_away(0, each));
        }
    }
}
