//! By chance, by weight; of two the one with fewer requests for its weight.

use super::{Chooser, MOST_MISSES};
use crate::peers::Memory;

impl Chooser {
    pub(super) fn random(&mut self, memory: &Memory, two: bool) -> Option<usize> {
        let now = sys::clock::monotonic_ms();
        let total = self.total_weight().max(1);
        let mut first: Option<usize> = None;
        while self.misses <= MOST_MISSES {
            let number = (sys::random::number() as u64) % total;
            let at = self.by_weight(number)?;
            if first == Some(at) || !self.can_use(memory, at, now) {
                self.misses += 1;
                continue;
            }
            match first {
                None if two => first = Some(at),
                None => return Some(self.chosen(memory, at, now)),
                Some(other) => {
                    let at = self.lighter(memory, other, at);
                    return Some(self.chosen(memory, at, now));
                }
            }
        }
        match first {
            Some(at) => Some(self.chosen(memory, at, now)),
            None => self.round_robin(memory),
        }
    }

    /// Which of two has fewer requests for its weight; the first of equals.
    fn lighter(&self, memory: &Memory, one: usize, other: usize) -> usize {
        let load = |at: usize| {
            let peer = &self.peers.all()[at];
            (memory.in_flight(peer), u64::from(peer.options.weight))
        };
        let ((a, weight_a), (b, weight_b)) = (load(one), load(other));
        match b * weight_a < a * weight_b {
            true => other,
            false => one,
        }
    }
}
