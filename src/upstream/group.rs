//! A group of peers that requests are spread over: an `upstream` block, the one address that a directive names, or the
//! addresses of a name that a request has brought.

use std::cell::RefCell;
use std::rc::Rc;

use mem::Str;

use crate::method::Method;
use crate::peers::{Members, Memory, Peers};
use crate::pool::{Keepalive, Pool};
use crate::server::Server;
use crate::source::Source;

/// A group.
pub struct Group {
    /// Its name, or the address as it is written.
    pub name: Str,
    /// How one of its peers is chosen.
    pub method: Method,
    /// Its idle connections, of this worker.
    pub pool: Rc<Pool>,
    /// What is known of its peers. `None`: nothing is, and each is tried once, in turn.
    pub memory: Option<Rc<Memory>>,
    /// Those of its servers whose peers DNS tells.
    pub sources: Vec<Source>,
    /// Its servers, each with the peers that it has now: some of them may differ in how they are treated.
    servers: RefCell<Vec<Vec<Server>>>,
    peers: RefCell<Rc<Peers>>,
}

impl Group {
    /// Of these servers, some of which are `sources`.
    pub fn new(
        name: Str,
        servers: &[Server],
        sources: Vec<Source>,
        method: Method,
        keepalive: Keepalive,
        memory: &Rc<Memory>,
    ) -> Rc<Group> {
        let group = Rc::new(Group {
            name,
            method,
            pool: Rc::new(Pool::new(keepalive)),
            memory: Some(memory.clone()),
            sources,
            servers: RefCell::new(servers.iter().map(|server| vec![server.clone()]).collect()),
            peers: RefCell::new(Rc::new(Peers::of(servers))),
        });
        memory.add(group.clone());
        group
    }

    /// Of one request, whose peers nobody else has: no record is kept of them, and no connection.
    pub fn of_request(name: Str, server: Server) -> Rc<Group> {
        Rc::new(Group {
            name,
            method: Method::RoundRobin,
            pool: Rc::new(Pool::new(Keepalive { connections: 0, ..Keepalive::default() })),
            memory: None,
            sources: Vec::new(),
            servers: RefCell::default(),
            peers: RefCell::new(Rc::new(Peers::of(&[server]))),
        })
    }

    /// Its peers, as they are now.
    pub fn peers(&self) -> Rc<Peers> {
        self.peers.borrow().clone()
    }

    /// One of its servers has these peers now. Those that stay keep what is known of them. Those that have gone are not chosen any
    /// more, and what is under way with them goes on.
    pub fn set(&self, at: usize, servers: Vec<Server>) {
        let mut all = self.servers.borrow().clone();
        if all[at] == servers {
            return;
        }
        all[at] = servers;
        let peers = Peers::of(&all.concat());
        let admitted =
            self.memory.as_ref().map_or(Ok(()), |memory| memory.admit(&self.name, &peers));
        if let Err(error) = admitted {
            let name = self.name.escape_ascii();
            return sys::log!(
                Error,
                "the servers of upstream \"{name}\" stay as they are: {error}"
            );
        }
        self.servers.replace(all);
        self.peers.replace(Rc::new(peers));
        let peers = self.peers();
        self.pool.close_all_but(|address| peers.has(address));
    }
}

impl Members for Group {
    fn name(&self) -> &Str {
        &self.name
    }

    fn peers(&self) -> Rc<Peers> {
        Group::peers(self)
    }

    fn let_go(&self) {
        self.pool.clear();
    }
}

#[cfg(test)]
mod tests {
    use sys::socket::Address;

    use super::*;
    use crate::balance::{Asker, Chooser};

    /// A group of one server, `name`, without peers.
    fn group() -> (Rc<Group>, Rc<Memory>) {
        let memory = Rc::new(Memory::default());
        let servers = [Server::of("name".to_owned(), Vec::new())];
        let (method, keepalive) = (Method::RoundRobin, Keepalive::default());
        let group = Group::new("g".into(), &servers, Vec::new(), method, keepalive, &memory);
        memory.open_here();
        (group, memory)
    }

    fn address(number: u32) -> Address {
        Address::Inet((std::net::Ipv4Addr::from_bits(10 << 24 | number), 80).into())
    }

    fn set(group: &Group, numbers: impl IntoIterator<Item = u32>) {
        let addresses = numbers.into_iter().map(address).collect();
        group.set(0, vec![Server::of("name".to_owned(), addresses)]);
    }

    #[test]
    fn who_stays_is_known_and_who_left_is_not_chosen() {
        let (group, memory) = group();
        assert!(Chooser::new(&group, Asker::default()).next().is_none());
        set(&group, [1, 2]);
        let before = group.peers();
        let known = memory.known(&before.all()[1]);
        known.fails().set(7);
        known.checked_at().set(sys::clock::monotonic_ms());
        let claim = Chooser::new(&group, Asker::default()).next().expect("a peer");
        assert_eq!(claim.peer().address, address(1));
        set(&group, [2, 3]);
        let after = group.peers();
        assert_eq!(memory.known(&after.all()[0]).fails().get(), 7);
        assert_eq!(memory.known(&after.all()[1]).fails().get(), 0);
        let next = Chooser::new(&group, Asker::default()).next().expect("a peer");
        assert_eq!(next.peer().address, address(3));
        assert!(!claim.is_of(&group) && next.is_of(&group));
        assert_eq!(memory.in_flight(claim.peer()), 1, "it is under way still");
        set(&group, [2, 3]);
        assert!(Rc::ptr_eq(&after, &group.peers()), "nothing has changed");
        set(&group, []);
        assert!(Chooser::new(&group, Asker::default()).next().is_none());
    }

    /// More addresses than there are records, one after the other: those that left make room.
    #[test]
    fn names_may_lead_anywhere_in_time() {
        let (group, memory) = group();
        set(&group, [1]);
        let claim = Chooser::new(&group, Asker::default()).next().expect("a peer");
        for number in 0..1200 {
            set(&group, (0..16).map(|at| 16 * number + at + 2));
            assert!(group.peers().has(&address(16 * number + 2)), "{number}");
        }
        assert_eq!(memory.in_flight(claim.peer()), 1, "its record is its own still");
        let peers = group.peers();
        let other = peers.all().iter().find(|peer| memory.in_flight(peer) > 0);
        assert!(other.is_none(), "{other:?}");
    }
}
