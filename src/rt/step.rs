//! A slot has its turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use crate::conn::Conn;
use crate::service::Next;
use crate::slot::{Slot, SlotState, TIMED_OUT, WOKEN, Work};
use crate::token::Token;
use crate::waker::waker;
use crate::worker::Worker;

impl Worker {
    /// Polls the slot's task.
    pub fn poll_task(&self, token: Token) {
        let Some(mut task) = self.slot(token).and_then(Slot::take_task) else { return };
        self.step(token, |_| match task.as_mut().poll(&mut Context::from_waker(&waker(token))) {
            // One that goes on with another: that one has not looked at anything yet.
            Poll::Ready(next @ Next::Task(_)) => {
                self.wake(token);
                next
            }
            Poll::Ready(next) => next,
            Poll::Pending => Next::Task(task),
        });
    }

    /// Gives the slot its turn, and puts it where that says. A panic ends this connection alone.
    pub fn step(&self, token: Token, turn: impl FnOnce(Conn) -> Next) {
        let Some(slot) = self.slot(token) else { return };
        let before = slot.state.replace(SlotState::Running);
        let was_task = before == SlotState::Task;
        if before == SlotState::Idle {
            self.counters.idle.update(|count| count - 1);
        }
        slot.clear(WOKEN);
        let next = catch_unwind(AssertUnwindSafe(|| turn(Conn::new(token))));
        let next = next.unwrap_or_else(|_| {
            sys::log!(Alert, "*{} a panic ended this connection", slot.serial.get());
            Next::Close
        });
        match next {
            Next::Close => return self.free_slot(token),
            Next::Idle => self.rest(token),
            Next::Task(task) => {
                slot.work.set(Work::Task(task));
                slot.state.set(SlotState::Task);
                // A new task has not looked at anything yet; and one must look again after something
                // that happened while it ran.
                if !was_task || slot.has(WOKEN) {
                    self.enqueue(token);
                }
            }
        }
        if let Err(error) = self.register(token) {
            sys::log!(Alert, "epoll_ctl() failed {}", sys::log::errno(&error));
            self.free_slot(token);
        }
    }

    fn rest(&self, token: Token) {
        let Some(slot) = self.slot(token) else { return };
        slot.state.set(SlotState::Idle);
        self.counters.idle.update(|count| count + 1);
        slot.idle_since.set(self.now.get());
        slot.clear(TIMED_OUT);
        if slot.is_readable() {
            self.enqueue(token);
        }
    }
}
