//! The log on its own: what it gives back, whatever happens to its processes, its machine, its file.

mod codec;
mod damage;
mod disk;
mod files;
mod laps;
mod power;
mod world;

use fastrand::Rng;

/// A random sequence that a seed brings back.
pub(super) struct Random(Rng);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(Rng::with_seed(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// Below `bound`, or 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound.max(1))
    }

    /// Once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What the environment says, or else `default`.
pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Runs `work` and lets it die at its step `fuse`. `None`: it did.
pub(super) fn dying<T>(fuse: Option<usize>, work: impl FnOnce() -> T) -> Option<T> {
    use crate::step::hooked::{Killed, die_after};
    die_after(fuse);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    die_after(None);
    match result {
        Ok(value) => Some(value),
        Err(panic) if panic.is::<Killed>() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
