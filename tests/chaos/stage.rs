//! What the actors know of each other: how far the run is, and how many are ready for what follows.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Subscribers come.
    Coming,
    /// Messages, faults, and subscribers who drop out.
    Chaos,
    /// Nothing happens any more but the last messages.
    Calm,
    /// Who still waits for them comes back once more, as no client would know that it has to.
    Again,
    /// Who still waits now will wait for ever.
    Over,
}

/// Shared by all threads of a run.
#[derive(Default)]
pub struct Stage {
    phase: AtomicU8,
    /// Subscribers that have a place in the stream.
    pub ready: AtomicUsize,
    /// Publishers that have no message without an answer, and make no more.
    pub silent: AtomicUsize,
    /// Subscribers that have seen the last message of each of their channels.
    pub complete: AtomicUsize,
    /// Connections of subscribers.
    pub connections: AtomicUsize,
}

impl Stage {
    /// Begins the next part.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, SeqCst);
    }

    /// Whether this part has begun.
    pub fn has(&self, phase: Phase) -> bool {
        self.phase.load(SeqCst) >= phase as u8
    }

    /// Whether it is this part.
    pub fn is(&self, phase: Phase) -> bool {
        self.phase.load(SeqCst) == phase as u8
    }
}

/// One more.
pub fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, SeqCst);
}

/// Waits until so many have come, as long as [`support::PATIENCE`] lasts.
pub fn all(counter: &AtomicUsize, wanted: usize) -> bool {
    support::comes(|| counter.load(SeqCst) >= wanted)
}
