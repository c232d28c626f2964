//! Smooth round robin: a peer's weight is added to where it stands, the one that stands highest is taken, and steps back by
//! the sum of all. `5 1 1` gives `a a b a c a a`.

use super::Chooser;
use crate::peers::Memory;

impl Chooser {
    pub(super) fn round_robin(&self, memory: &Memory) -> Option<usize> {
        let all: Vec<usize> = self.candidates().map(|(at, _)| at).collect();
        self.round_robin_of(memory, &all)
    }

    /// Among these.
    pub(super) fn round_robin_of(&self, memory: &Memory, among: &[usize]) -> Option<usize> {
        let now = sys::clock::monotonic_ms();
        let (mut best, mut total) = (None, 0);
        for &at in among {
            if !self.can_use(memory, at, now) {
                continue;
            }
            let peer = &self.peers.all()[at];
            let known = memory.known(peer);
            let penalty = known.penalty().get().min(u64::from(peer.options.weight));
            let weight = i64::from(peer.options.weight) - penalty as i64;
            known.set_current(known.current() + weight);
            total += weight;
            // It comes back step by step.
            known.penalty().set(penalty.saturating_sub(1));
            if best.is_none_or(|(_, highest)| known.current() > highest) {
                best = Some((at, known.current()));
            }
        }
        let (at, current) = best?;
        memory.known(&self.peers.all()[at]).set_current(current - total);
        Some(self.chosen(memory, at, now))
    }
}
