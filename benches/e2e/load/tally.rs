//! What a round counts.

use std::time::Instant;

use crate::histogram::Histogram;

/// Counters of one round.
pub struct Tally {
    /// The beginning of time: what events carry is nanoseconds since then.
    clock: Instant,
    /// Complete events at subscribers.
    pub deliveries: u64,
    /// Publishes that were answered with 2xx.
    pub answers: u64,
    /// Connections that broke or were refused, answers that say no.
    pub errors: u64,
    /// How long things took, in nanoseconds.
    pub times: Histogram,
}

impl Tally {
    /// Begins to count; `clock` is the same in all rounds.
    pub fn new(clock: Instant) -> Tally {
        Tally { clock, deliveries: 0, answers: 0, errors: 0, times: Histogram::new() }
    }

    /// Nanoseconds since the beginning of time.
    pub fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// All that shows that something still comes.
    pub fn progress(&self) -> u64 {
        self.deliveries + self.answers + self.errors
    }
}

/// Processor time that this process has used, in seconds.
pub fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let used = text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    used.unwrap_or(0.0) / 1e9
}
