//! Waiting for an answer that another one fetches.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::claims::Waits;
use crate::key::Digest16;
use crate::zone::Zone;

/// Waits until an answer that another fetches has come, or does not: at once if nobody does.
pub struct Wait {
    zone: Rc<Zone>,
    /// And its number.
    key: (Digest16, u64),
    /// Who has been at it for so many milliseconds is not waited for.
    alone: u64,
    is_counted: bool,
    has_waited: bool,
}

impl Wait {
    /// For that answer.
    pub fn new(zone: Rc<Zone>, digest: Digest16, alone: u64) -> Wait {
        let key = zone.waiting.next(digest);
        Wait { zone, key, alone, is_counted: false, has_waited: false }
    }

    fn stop(&mut self) {
        if std::mem::take(&mut self.is_counted)
            && let Some(index) = self.zone.index()
        {
            index.unwait(&self.key.0);
        }
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let zone = self.zone.clone();
        if zone.waiting.renew(&self.key, cx.waker()) {
            return Poll::Pending;
        }
        self.stop();
        let Some(index) = zone.index() else { return Poll::Ready(()) };
        let (now, mut gone) = (sys::clock::monotonic_ms(), Vec::new());
        if std::mem::replace(&mut self.has_waited, true) {
            // Woken: whoever waits looks what there is.
            return Poll::Ready(());
        }
        let waits = index.wait(&self.key.0, now, self.alone, &mut gone);
        zone.delete(&gone);
        self.is_counted = waits == Waits::Counted;
        if waits == Waits::ForNobody {
            return Poll::Ready(());
        }
        zone.waiting.add(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.zone.waiting.remove(&self.key);
        self.stop();
    }
}
