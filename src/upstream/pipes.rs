//! Pipes of a worker: whoever moves bytes has one, as long as something is in it.

use std::cell::RefCell;

use sys::splice::Pipe;

/// So many are kept for the next one.
const KEPT: usize = 16;

thread_local! {
    static PIPES: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// An empty one. `None`: there is no descriptor for it.
pub fn take() -> Option<Pipe> {
    PIPES.with_borrow_mut(Vec::pop).or_else(|| Pipe::new().ok())
}

/// Nobody needs it now. One with something in it is closed.
pub fn give(pipe: Pipe) {
    PIPES.with_borrow_mut(|pipes| {
        if pipe.held() == 0 && pipes.len() < KEPT {
            pipes.push(pipe);
        }
    });
}
