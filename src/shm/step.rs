//! The places at which a process may die: before each change of a word. The tests kill it there.

#[cfg(test)]
pub(crate) use hooked::{kill_after, step};

/// Nothing, outside this crate's own tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn step() {}

#[cfg(test)]
mod hooked {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Kills this process, if it is its turn.
    pub(crate) fn step() {
        match LEFT.get() {
            Some(0) => {
                // SAFETY: kills this process, a test's child.
                unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            }
            left => LEFT.set(left.map(|left| left - 1)),
        }
    }

    /// Lets this thread's process die at its step `left`, counted from 0; `None`: not at all.
    pub(crate) fn kill_after(left: Option<usize>) {
        LEFT.set(left);
    }
}
