//! The log on its own: what it gives back, whatever happens to its processes, its machine, its file.

mod codec;
mod damage;
mod disk;
mod files;
mod laps;
mod power;
mod world;

/// A random sequence that a seed brings back (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound.max(1)
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
