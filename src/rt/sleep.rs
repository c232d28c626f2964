//! Waiting for a time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use sys::socket::Peer;

use crate::conn::Conn;
use crate::slot::SlotState;
use crate::socket::free;
use crate::worker::{after, now, worker};

/// Waits for a time.
#[must_use = "a future does nothing before it is awaited"]
#[derive(Debug)]
pub struct Sleep(Clock);

/// What tells that the time is over.
#[derive(Debug)]
enum Clock {
    /// The deadline of a slot: it goes when nobody waits any more.
    Slot(Conn),
    /// Where all slots are taken: an alarm, which is set when it is first waited for, and rings also when nobody does.
    Alarm { due: u64, waiting: Option<Rc<RefCell<Option<Waker>>>> },
}

/// Waits for `ms` milliseconds, which begin now.
pub fn sleep(ms: u64) -> Sleep {
    match worker().take_further(-1, Peer::Unknown, SlotState::Owned) {
        Some(token) => {
            let conn = Conn::new(token);
            conn.set_timeout(ms);
            Sleep(Clock::Slot(conn))
        }
        None => Sleep(Clock::Alarm { due: now().saturating_add(ms), waiting: None }),
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Clock::Slot(conn) if conn.timed_out() => return Poll::Ready(()),
            Clock::Slot(conn) => conn.wakes(cx),
            Clock::Alarm { due, .. } if *due <= now() => return Poll::Ready(()),
            Clock::Alarm { due, waiting } => {
                let left = *due - now();
                let waker = waiting.get_or_insert_with(|| alarm(left));
                waker.replace(Some(cx.waker().clone()));
            }
        }
        Poll::Pending
    }
}

/// Wakes whoever waits in `ms` milliseconds.
fn alarm(ms: u64) -> Rc<RefCell<Option<Waker>>> {
    let waiting = Rc::<RefCell<Option<Waker>>>::default();
    let theirs = waiting.clone();
    after(ms, move || theirs.take().into_iter().for_each(Waker::wake));
    waiting
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Clock::Slot(conn) = &self.0 {
            free(conn.token());
        }
    }
}
