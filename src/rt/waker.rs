//! Wakers that are plain numbers: nothing to allocate, count or free.

use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::inbox::Inbox;
use crate::token::Token;
use crate::worker;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop);

/// A waker for the task in `token`'s slot. After the slot has gone to another connection it wakes
/// nobody.
pub(crate) fn waker(token: Token) -> Waker {
    // SAFETY: the data is a number that is never dereferenced; the functions of the table are
    // thread-safe (they reach a loop by its number) and own nothing, so copies need no care.
    unsafe { Waker::from_raw(raw(token)) }
}

fn raw(token: Token) -> RawWaker {
    RawWaker::new(std::ptr::without_provenance(token.word() as usize), &VTABLE)
}

fn name(data: *const ()) -> Token {
    Token::from_word(data.addr() as u64)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    raw(name(data))
}

unsafe fn wake(data: *const ()) {
    let token = name(data);
    match worker::here() {
        Some(worker) if worker.ring == token.ring() => worker.wake(token),
        _ => Inbox::post(token),
    }
}

unsafe fn drop(_: *const ()) {}
