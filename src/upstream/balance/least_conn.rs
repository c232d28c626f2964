//! The peer with the fewest requests for its weight; among equals, round robin.

use super::Chooser;
use crate::peers::Memory;

impl Chooser {
    pub(super) fn least_conn(&self, memory: &Memory) -> Option<usize> {
        let now = sys::clock::monotonic_ms();
        let mut best: Option<(u64, u64)> = None;
        let mut equal = Vec::new();
        for (at, peer) in self.candidates() {
            if !self.can_use(memory, at, now) {
                continue;
            }
            let (conns, weight) = (memory.in_flight(peer), u64::from(peer.options.weight));
            let order = best.map(|(least, its)| (conns * its).cmp(&(least * weight)));
            if order.is_none_or(std::cmp::Ordering::is_lt) {
                best = Some((conns, weight));
                equal.clear();
            }
            if order.is_none_or(std::cmp::Ordering::is_le) {
                equal.push(at);
            }
        }
        match equal[..] {
            [] => None,
            [at] => Some(self.chosen(memory, at, now)),
            _ => self.round_robin_of(memory, &equal),
        }
    }
}
