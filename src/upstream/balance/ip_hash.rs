//! By the client's address: of IPv4 the first three bytes, of IPv6 all of it.

use std::net::IpAddr;

use super::{Chooser, MOST_MISSES};
use crate::peers::Memory;

/// What the hash begins with.
pub(super) const START: u32 = 89;

impl Chooser {
    pub(super) fn ip_hash(&mut self, memory: &Memory) -> Option<usize> {
        let now = sys::clock::monotonic_ms();
        let total = self.total_weight().max(1);
        while self.misses < MOST_MISSES {
            for byte in address_bytes(self.asker.ip) {
                self.hash = (self.hash * 113 + u32::from(byte)) % 6271;
            }
            let at = self.by_weight(u64::from(self.hash) % total)?;
            if self.can_use(memory, at, now) {
                return Some(self.chosen(memory, at, now));
            }
            self.misses += 1;
        }
        self.round_robin(memory)
    }

    /// The peer that a number below the sum of weights falls to.
    pub(super) fn by_weight(&self, mut number: u64) -> Option<usize> {
        for (at, peer) in self.candidates() {
            let weight = u64::from(peer.options.weight);
            match number < weight {
                true => return Some(at),
                false => number -= weight,
            }
        }
        None
    }
}

fn address_bytes(ip: Option<IpAddr>) -> Vec<u8> {
    match ip {
        Some(IpAddr::V4(ip)) => ip.octets()[..3].to_vec(),
        Some(IpAddr::V6(ip)) => ip.octets().to_vec(),
        None => vec![0; 3],
    }
}
