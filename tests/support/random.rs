//! Chance, the same for the same seed.

use fastrand::Rng;

/// A random sequence that a seed brings back.
pub struct Random(Rng);

impl Random {
    /// The chance of one actor: each has a number of its own.
    pub fn new(seed: u64, actor: u64) -> Random {
        Random(Rng::with_seed(seed ^ actor.wrapping_mul(0xd6e8_feb8_6659_fd93)))
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
