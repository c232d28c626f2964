//! How one of several peers is chosen: nginx's arithmetic, number by number, since people compare distributions.

mod hash;
mod ip_hash;
mod least_conn;
mod random;
mod round_robin;

use std::rc::Rc;

use crate::group::Group;
use crate::method::Method;
use crate::peers::{Known, Memory, Peer, Peers};

/// After so many peers that cannot be used in a row, a method leaves the choice to round robin.
const MOST_MISSES: usize = 20;

/// What a choice may depend on.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// The client's address.
    pub ip: Option<std::net::IpAddr>,
    /// The value of the key.
    pub key: Vec<u8>,
}

/// The choices for one request: each is of a peer that was not tried before.
pub struct Chooser {
    group: Rc<Group>,
    peers: Rc<Peers>,
    asker: Asker,
    tried: Vec<usize>,
    /// The newest choice.
    last: Option<usize>,
    backup: bool,
    /// What the method remembers between two choices.
    hash: u32,
    begun: bool,
    misses: usize,
}

/// A peer that was chosen. It counts among the peer's requests as long as this is there.
pub struct Claim {
    memory: Option<Rc<Memory>>,
    peers: Rc<Peers>,
    at: usize,
}

/// What happened to a peer, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be chosen again.
    Stays,
    /// It has failed too often, and is out for a while.
    IsOut,
}

impl Chooser {
    /// Among the peers that a group has now.
    pub fn new(group: &Rc<Group>, asker: Asker) -> Chooser {
        let hash = match group.method {
            Method::IpHash => ip_hash::START,
            _ => 0,
        };
        let (group, peers) = (group.clone(), group.peers());
        let (tried, last, backup, begun, misses) = (Vec::new(), None, false, false, 0);
        Chooser { group, peers, asker, tried, last, backup, hash, begun, misses }
    }

    /// How many peers there are to be tried, in all.
    pub fn tries(&self) -> usize {
        self.peers.tries()
    }

    /// Chooses. `None`: no peer that was not tried can be used.
    pub fn next(&mut self) -> Option<Claim> {
        // Most requests have one choice: nothing need be kept of it.
        self.tried.extend(self.last.take());
        let Some(memory) = self.group.memory.clone() else {
            let at = self.tried.len();
            return (at < self.peers.all().len()).then(|| self.claim(at));
        };
        if self.peers.is_single() {
            // It is not to be spared: there is no other.
            let peer = &self.peers.all()[0];
            let is_full = is_full(&memory, peer);
            return (self.tried.is_empty() && !peer.options.down && !is_full)
                .then(|| self.claim(0));
        }
        let _lock = memory.records().lock();
        let chosen = self.choose(&memory).or_else(|| {
            let had_backup = std::mem::replace(&mut self.backup, true);
            (!had_backup).then(|| self.choose(&memory)).flatten()
        })?;
        Some(self.claim(chosen))
    }

    fn claim(&mut self, at: usize) -> Claim {
        self.last = Some(at);
        Claim::new(self.group.memory.clone(), self.peers.clone(), at)
    }

    /// The same peer again: what failed was the connection, not the peer.
    pub fn again(&self, claim: &Claim) -> Claim {
        Claim::new(claim.memory.clone(), claim.peers.clone(), claim.at)
    }

    fn choose(&mut self, memory: &Memory) -> Option<usize> {
        let group = self.group.clone();
        if self.backup {
            return match group.method {
                Method::LeastConn => self.least_conn(memory),
                _ => self.round_robin(memory),
            };
        }
        match &group.method {
            Method::RoundRobin => self.round_robin(memory),
            Method::LeastConn => self.least_conn(memory),
            Method::IpHash => self.ip_hash(memory),
            Method::Hash => self.hash(memory),
            Method::Consistent(points) => self.consistent(memory, points),
            Method::Random(two) => self.random(memory, *two),
        }
    }

    fn candidates(&self) -> impl Iterator<Item = (usize, &Peer)> {
        self.peers.range(self.backup).map(|at| (at, &self.peers.all()[at]))
    }

    fn total_weight(&self) -> u64 {
        self.candidates().map(|(_, peer)| u64::from(peer.options.weight)).sum()
    }

    fn can_use(&self, memory: &Memory, at: usize, now: u64) -> bool {
        let peer = &self.peers.all()[at];
        !self.tried.contains(&at)
            && !peer.options.down
            && !is_spared(&memory.known(peer), peer, now)
            && !is_full(memory, peer)
    }

    /// The one of the choice: once after it was out it is given a request, and not two.
    fn chosen(&self, memory: &Memory, at: usize, now: u64) -> usize {
        let peer = &self.peers.all()[at];
        let known = memory.known(peer);
        if now.saturating_sub(known.checked_at().get()) > peer.options.fail_timeout {
            known.checked_at().set(now);
        }
        at
    }
}

fn is_full(memory: &Memory, peer: &Peer) -> bool {
    let most = u64::from(peer.options.max_conns);
    most > 0 && memory.in_flight(peer) >= most
}

/// Whether it has failed too often, not long ago.
fn is_spared(known: &Known<'_>, peer: &Peer, now: u64) -> bool {
    let most = u64::from(peer.options.max_fails);
    most > 0
        && known.fails().get() >= most
        && now.saturating_sub(known.checked_at().get()) <= peer.options.fail_timeout
}

impl Claim {
    fn new(memory: Option<Rc<Memory>>, peers: Rc<Peers>, at: usize) -> Claim {
        let claim = Claim { memory, peers, at };
        if let Some(memory) = &claim.memory {
            memory.own(claim.peer()).add(1);
        }
        claim
    }

    /// The peer.
    pub fn peer(&self) -> &Peer {
        &self.peers.all()[self.at]
    }

    /// Whether its peer is one of the group's still.
    pub fn is_of(&self, group: &Group) -> bool {
        let peers = group.peers();
        Rc::ptr_eq(&peers, &self.peers) || peers.has(&self.peer().address)
    }

    /// It has answered.
    pub fn succeeded(&self) {
        let Some(memory) = &self.memory else { return };
        let known = memory.known(self.peer());
        if known.fails().get() == 0 || self.peers.is_single() {
            return;
        }
        let _lock = memory.records().lock();
        if known.failed_at().get() < known.checked_at().get() {
            known.fails().set(0);
        }
    }

    /// It has failed.
    pub fn failed(&self) -> Verdict {
        let Some(memory) = self.memory.as_ref().filter(|_| !self.peers.is_single()) else {
            return Verdict::Stays;
        };
        let peer = self.peer();
        let options = &peer.options;
        let known = memory.known(peer);
        let _lock = memory.records().lock();
        let now = sys::clock::monotonic_ms();
        known.fails().add(1);
        known.failed_at().set(now);
        known.checked_at().set(now);
        if options.max_fails == 0 {
            return Verdict::Stays;
        }
        let penalty = known.penalty().get() + u64::from(options.weight / options.max_fails);
        known.penalty().set(penalty.min(u64::from(options.weight)));
        match known.fails().get() >= u64::from(options.max_fails) {
            true => Verdict::IsOut,
            false => Verdict::Stays,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.own(self.peer()).sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
