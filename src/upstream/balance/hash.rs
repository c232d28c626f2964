//! By a key: compatible with Cache::Memcached, or (`consistent`) with Cache::Memcached::Fast, by ketama's points.

use super::{Chooser, MOST_MISSES};
use crate::peers::Memory;
use crate::points::Points;

impl Chooser {
    pub(super) fn hash(&mut self, memory: &Memory) -> Option<usize> {
        let now = sys::clock::monotonic_ms();
        let total = self.total_weight().max(1);
        while self.misses <= MOST_MISSES && !self.asker.key.is_empty() {
            let again = match self.misses {
                0 => String::new(),
                misses => misses.to_string(),
            };
            let crc = crc32fast::hash(&[again.as_bytes(), &self.asker.key].concat());
            self.hash = self.hash.wrapping_add((crc >> 16) & 0x7fff);
            self.misses += 1;
            let at = self.by_weight(u64::from(self.hash) % total)?;
            if self.can_use(memory, at, now) {
                return Some(self.chosen(memory, at, now));
            }
        }
        self.round_robin(memory)
    }

    pub(super) fn consistent(&mut self, memory: &Memory, points: &Points) -> Option<usize> {
        if self.asker.key.is_empty() || points.is_empty() {
            return self.round_robin(memory);
        }
        if !self.begun {
            self.begun = true;
            self.hash = points.behind(crc32fast::hash(&self.asker.key)) as u32;
        }
        while self.misses <= MOST_MISSES {
            let server = points.server(self.hash as usize);
            let its: Vec<usize> = self
                .candidates()
                .filter(|(_, peer)| peer.is_of(server))
                .map(|(at, _)| at)
                .collect();
            if let Some(at) = self.round_robin_of(memory, &its) {
                return Some(at);
            }
            self.hash += 1;
            self.misses += 1;
        }
        self.round_robin(memory)
    }
}
