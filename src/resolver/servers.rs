//! Whose turn it is to be asked.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;

/// So many milliseconds a server that did not answer stands behind those that did.
const BEHIND_MS: u64 = 30_000;

/// The servers, each of which is the first to be asked in turn.
#[derive(Debug)]
pub(crate) struct Servers {
    addresses: Vec<SocketAddr>,
    next: Cell<usize>,
    /// Until when each of them stands behind.
    behind: RefCell<Vec<u64>>,
}

impl Servers {
    pub fn new(addresses: Vec<SocketAddr>) -> Servers {
        let behind = RefCell::new(vec![0; addresses.len()]);
        Servers { addresses, next: Cell::new(0), behind }
    }

    pub fn address(&self, server: usize) -> SocketAddr {
        self.addresses[server]
    }

    /// The one whose turn it is to be asked first.
    pub fn next(&self) -> usize {
        self.next.replace((self.next.get() + 1) % self.addresses.len().max(1))
    }

    /// All of them in the order in which they are asked, at a time in milliseconds.
    pub fn in_turn(&self, first: usize, now: u64) -> Vec<usize> {
        let count = self.addresses.len();
        let mut order: Vec<usize> = (0..count).map(|n| (first + n) % count).collect();
        let behind = self.behind.borrow();
        // Those that were silent first are the first to be tried again.
        order.sort_by_key(|&server| if now < behind[server] { behind[server] } else { 0 });
        order
    }

    /// It has answered.
    pub fn answered(&self, server: usize) {
        self.behind.borrow_mut()[server] = 0;
    }

    /// It has not, and that is to be known: it stands behind the others for a while.
    pub fn was_silent(&self, server: usize, now: u64, why: &str) {
        let before = std::mem::replace(&mut self.behind.borrow_mut()[server], now + BEHIND_MS);
        if before <= now {
            sys::log!(Warn, "DNS server {} does not answer: {why}", self.address(server));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_first_in_turn_and_the_silent_stand_behind_for_a_while() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let servers = Servers::new((1..=3).map(address).collect());
        let turns: Vec<usize> = (0..4).map(|_| servers.next()).collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        assert_eq!(servers.in_turn(1, 5), [1, 2, 0]);
        servers.was_silent(1, 10, "a test");
        assert_eq!(servers.in_turn(1, 10), [2, 0, 1]);
        servers.was_silent(2, 20, "a test");
        assert_eq!(servers.in_turn(1, 20), [0, 1, 2]);
        servers.was_silent(1, 30, "a test");
        assert_eq!(servers.in_turn(1, 30), [0, 2, 1]);
        assert_eq!(servers.in_turn(1, 20 + BEHIND_MS), [2, 0, 1]);
        servers.answered(1);
        assert_eq!(servers.in_turn(1, 30), [1, 0, 2]);
    }
}
