//! Accepting connections.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};

use sys::socket::Address;

use crate::conn::Conn;
use crate::listener::{Acceptor, ListenerId};
use crate::service::Service;
use crate::slot::{EXPENDABLE, HANGUP, QUEUED, READABLE, SlotState};
use crate::worker::{Worker, after, here, worker};

const MOST_AT_ONCE: u32 = 16;
/// With `multi_accept on`: all that wait, yet the connections at hand get their turn.
const MOST_AT_ALL: u32 = 512;
/// The kernel wakes the waiter that came last, again and again. After so many connections a worker
/// goes to the other end of the line, so that all of them get some.
const TURN: u32 = 16;
/// So often a connection is given on: a listener that gives its connections to itself would go on for ever.
const MOST_PASSES: u8 = 10;
/// When slots are short, so many idle connections go at once.
const RECLAIM: usize = 32;

/// Accepts the connections of a listening socket for `service`. `shared`: other processes wait on the
/// same socket, and one of them is to be woken for each connection.
pub fn add_listener(
    fd: &impl AsRawFd,
    service: &'static dyn Service,
    shared: bool,
) -> io::Result<ListenerId> {
    worker().add_acceptor(fd.as_raw_fd(), service, shared)
}

/// Stops accepting.
pub fn remove_listeners() {
    worker().remove_acceptors();
}

/// Whether this loop has a listener at an address.
pub fn listens(address: &Address) -> bool {
    worker().acceptor_at(address).is_some()
}

/// Gives a connection's socket to the listener at an address, or at that port of all addresses, as if it had accepted it: what was not
/// read yet is its. The connection itself is to be closed, which ends nothing for its peer. The error is
/// [`io::ErrorKind::AddrNotAvailable`] where nobody listens.
pub fn pass(conn: Conn, address: &Address) -> io::Result<()> {
    let worker = worker();
    let service = worker.acceptor_at(address).ok_or(io::ErrorKind::AddrNotAvailable)?;
    let passes = worker.slot(conn.token()).map_or(0, |slot| slot.passes.get());
    if passes >= MOST_PASSES {
        return Err(io::Error::other("the connection was passed too often"));
    }
    let socket = sys::process::duplicate(conn.fd())?;
    // The number goes with the connection, the events of the socket would stay.
    worker.unlisten(conn.fd());
    let peer = conn.peer();
    // In a turn of its own: this one is the connection's.
    after(0, move || {
        if let Some(worker) = here() {
            worker.open(socket.into_raw_fd(), peer, service, passes + 1);
        }
    });
    Ok(())
}

/// Whether the first is that port of all addresses of that family.
fn is_all_of(own: &Address, address: &Address) -> bool {
    let (Address::Inet(own), Address::Inet(address)) = (own, address) else { return false };
    own.ip().is_unspecified() && own.is_ipv4() == address.is_ipv4() && own.port() == address.port()
}

impl Worker {
    fn acceptor_at(&self, address: &Address) -> Option<&'static dyn Service> {
        let acceptors = self.acceptors.borrow();
        let find = |is_there: &dyn Fn(&Address) -> bool| {
            let at = |one: &&Acceptor| {
                sys::socket::local_address(one.fd).is_some_and(|own| is_there(&own))
            };
            acceptors.iter().find(at).map(|one| one.service)
        };
        find(&|own| own == address).or_else(|| find(&|own| is_all_of(own, address)))
    }

    fn add_acceptor(
        &self,
        fd: RawFd,
        service: &'static dyn Service,
        shared: bool,
    ) -> io::Result<ListenerId> {
        let mut acceptors = self.acceptors.borrow_mut();
        let id = ListenerId(acceptors.len() as u32);
        self.listen(fd, id, shared)?;
        acceptors.push(Acceptor { fd, service, shared, budget: 1, accepted: 0 });
        Ok(id)
    }

    fn remove_acceptors(&self) {
        for acceptor in self.acceptors.borrow_mut().drain(..) {
            self.unlisten(acceptor.fd);
        }
    }

    /// Says, at most once a second, that there are too few slots.
    fn warn(&self, level: sys::log::Level, what: &str) {
        let second = self.now.get() / 1000;
        if self.warned.replace(second) != second {
            let slots = self.slots.accepted().len();
            let message = format_args!("{slots} worker_connections are not enough{what}");
            sys::log::write(level, message);
        }
    }

    /// Accepts what waits at the listener, within its budget.
    pub fn accept(&self, id: ListenerId) {
        let Some((fd, service, budget)) = self.acceptor(id) else { return };
        let mut budget = if self.config.multi_accept { MOST_AT_ALL } else { budget };
        let mut accepted = 0;
        // The event says that one waits: for that one, room is made. Whether there are more is not
        // known, and nobody is closed for a guess.
        if self.slots.free() <= self.slots.accepted().len() as u32 / 16 {
            self.warn(sys::log::Level::Warn, ", reusing connections");
            self.reclaim();
        }
        if self.slots.free() == 0 {
            self.warn(sys::log::Level::Alert, "");
            return self.pause_accepting();
        }
        while accepted < budget && self.slots.free() > 0 {
            match sys::socket::accept(fd) {
                Ok((connection, peer)) => self.open(connection, peer, service, 0),
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.accept_failed(&error);
                    }
                    budget = 0;
                }
            }
            accepted += 1;
        }
        let next = if budget == 0 { 1 } else { (budget * 2).min(MOST_AT_ONCE) };
        self.settle_accounts(id, next, accepted);
    }

    fn settle_accounts(&self, id: ListenerId, budget: u32, accepted: u32) {
        let mut acceptors = self.acceptors.borrow_mut();
        let Some(acceptor) = acceptors.get_mut(id.0 as usize) else { return };
        acceptor.budget = budget;
        acceptor.accepted += accepted;
        if acceptor.shared && acceptor.accepted >= TURN && !self.full.get() {
            acceptor.accepted = 0;
            self.unlisten(acceptor.fd);
            if let Err(error) = self.listen(acceptor.fd, id, true) {
                sys::log!(Alert, "epoll_ctl() failed {}", sys::log::errno(&error));
            }
        }
    }

    fn acceptor(&self, id: ListenerId) -> Option<(RawFd, &'static dyn Service, u32)> {
        let acceptors = self.acceptors.borrow();
        let acceptor = acceptors.get(id.0 as usize)?;
        Some((acceptor.fd, acceptor.service, acceptor.budget))
    }

    /// The first bytes are often there already: the service is asked before the descriptor goes into
    /// the poll set, and a connection that is answered and closed at once never enters it.
    fn open(&self, fd: RawFd, peer: sys::socket::Peer, service: &'static dyn Service, passes: u8) {
        let Some(token) = self.take_slot(fd, peer) else {
            sys::stream::close(fd);
            return;
        };
        if let Some(slot) = self.slot(token) {
            slot.service.set(Some(service));
            slot.passes.set(passes);
        }
        // It may have connected, and asked, since another's answer in this turn.
        self.next_moment();
        self.step(token, |conn| service.open(conn));
    }

    /// Out of descriptors or memory: stop asking for a while, others may end meanwhile.
    fn accept_failed(&self, error: &io::Error) {
        sys::log!(Crit, "accept4() failed {}", sys::log::errno(error));
        if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM)) {
            self.reclaim();
            self.pause_accepting();
            after(500, || {
                if let Some(worker) = here() {
                    worker.resume_accepting();
                }
            });
        }
    }

    /// Closes the connections that have been idle longest, or take long over a request's head, to make
    /// room.
    fn reclaim(&self) {
        let slots = self.slots.accepted().iter().enumerate();
        let idle = slots.filter(|(_, slot)| match slot.state.get() {
            // One that has just become readable has a request on the way.
            SlotState::Idle => !slot.has(HANGUP | READABLE | QUEUED),
            SlotState::Task => slot.has(EXPENDABLE) && !slot.has(READABLE | QUEUED),
            SlotState::Free | SlotState::Running | SlotState::Owned => false,
        });
        let mut idle: Vec<_> =
            idle.map(|(at, slot)| (slot.idle_since.get(), slot.serial.get(), at as u32)).collect();
        let count = RECLAIM.min(self.slots.accepted().len() / 8).max(1).min(idle.len());
        if count < idle.len() {
            idle.select_nth_unstable(count);
        }
        for &(_, _, index) in &idle[..count] {
            self.expire(index);
        }
    }

    /// Ends an idle connection whose time is over.
    pub fn expire(&self, index: u32) {
        let token = self.token(index);
        if let Some(service) = self.slots.at(index).service.get() {
            self.guarded(|| service.expire(Conn::new(token)));
        }
        self.free_slot(token);
    }
}
