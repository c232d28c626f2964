//! Connections to peers that are kept for the next request.
//!
//! One that has something to say while nobody asks has ended, or says what belongs to no request: it is closed, and never
//! used. That is looked at once more when it is taken, since the loop may not have heard of it yet.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{Error, ErrorPhase};
use rt::{Io, Socket};
use sys::socket::Address;
use tls::outgoing;

use crate::encryption::Encryption;

/// Which connections are kept. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// So many idle ones.
    pub connections: usize,
    /// Each for so many requests.
    pub requests: u64,
    /// None that is older.
    pub time: u64,
    /// None that was idle for longer.
    pub timeout: u64,
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive { connections: 32, requests: 1000, time: 3_600_000, timeout: 60_000 }
    }
}

/// A connection to a peer.
#[derive(Debug)]
pub struct Connection {
    /// It.
    pub socket: Socket,
    /// Requests that it has served before.
    pub served: u64,
    /// When it was made, in the loop's milliseconds.
    pub since: u64,
}

impl Connection {
    /// One that was made now.
    pub fn new(socket: Socket) -> Connection {
        Connection { socket, served: 0, since: rt::now() }
    }

    /// A new one, within `ms` milliseconds: encrypted, if that is wanted.
    pub async fn open(identity: &Identity, ms: u64) -> Result<Connection, Error> {
        // Beside the future that waits for it, which is moved.
        Box::pin(Connection::open_from(identity, ms, None, &[])).await
    }

    /// The same from an address of this machine, with something that is sent before all else.
    pub async fn open_from(
        identity: &Identity,
        ms: u64,
        from: Option<SocketAddr>,
        preface: &[u8],
    ) -> Result<Connection, Error> {
        let failed = |phase| move |error: std::io::Error| Error::new(phase, error);
        let connected = rt::connect_from(&identity.address, from, ms).await;
        let socket = connected.map_err(failed(ErrorPhase::Connect))?;
        socket.write_all(preface).await.map_err(failed(ErrorPhase::Send))?;
        if let Some(encryption) = &identity.encryption {
            let tls = failed(ErrorPhase::Tls);
            encryption.secure(*socket, &identity.address).map_err(tls)?;
            Io::new(*socket).established().await.map_err(tls)?;
        }
        Ok(Connection::new(socket))
    }

    /// Whether nothing has come that belongs to no request, and nothing has ended.
    fn is_silent(&self) -> bool {
        outgoing::is_silent(*self.socket)
    }
}

/// What makes a connection what it is: another one cannot be used in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Where it leads.
    pub address: Address,
    /// How it is encrypted, if it is.
    pub encryption: Option<Encryption>,
}

/// The idle connections of a group, in this worker.
pub struct Pool {
    keepalive: Keepalive,
    /// The one that became idle last is the last.
    idle: RefCell<VecDeque<(Identity, Connection)>>,
    keeper: RefCell<Option<Waker>>,
    has_keeper: Cell<bool>,
}

impl Pool {
    /// An empty one.
    pub fn new(keepalive: Keepalive) -> Pool {
        let (idle, keeper) = (RefCell::default(), RefCell::default());
        Pool { keepalive, idle, keeper, has_keeper: Cell::new(false) }
    }

    /// The newest connection that can be used, as the kernel knows it now.
    pub fn take(&self, wanted: &Identity) -> Option<Connection> {
        loop {
            let mut idle = self.idle.borrow_mut();
            let at = idle.iter().rposition(|(identity, _)| identity == wanted)?;
            let (_, connection) = idle.remove(at)?;
            drop(idle);
            if connection.is_silent() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection that has served a request, if it may serve another.
    pub fn put(&self, identity: Identity, mut connection: Connection) {
        connection.served += 1;
        let Keepalive { connections, requests, time, timeout } = self.keepalive;
        let is_young = rt::now().saturating_sub(connection.since) < time;
        let is_wanted = connections > 0 && connection.served < requests && is_young;
        if !is_wanted
            || rt::draining()
            || (connection.socket.is_readable() && !connection.is_silent())
        {
            return;
        }
        connection.socket.set_timeout(timeout);
        self.watch(&connection);
        let mut idle = self.idle.borrow_mut();
        idle.push_back((identity, connection));
        if idle.len() > connections {
            let oldest = idle.pop_front();
            drop(idle);
            drop(oldest);
        }
    }

    /// Closes those that lead elsewhere.
    pub fn close_all_but(&self, stays: impl Fn(&Address) -> bool) {
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        let (staying, leaving) =
            idle.into_iter().partition(|(identity, _)| stays(&identity.address));
        self.idle.replace(staying);
        drop::<VecDeque<_>>(leaving);
    }

    /// Closes all of them.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        drop(idle);
    }

    /// What becomes of an idle connection wakes the keeper.
    fn watch(&self, connection: &Connection) {
        if let Some(waker) = &*self.keeper.borrow() {
            connection.socket.wakes(&mut Context::from_waker(waker));
        }
    }

    /// Has a task that closes those that have ended, or were idle for too long.
    pub fn begin(self: &Rc<Pool>) {
        if self.keepalive.connections == 0 || self.has_keeper.replace(true) {
            return;
        }
        let pool = self.clone();
        rt::spawn(poll_fn(move |cx| {
            if pool.keeper.borrow().is_none() {
                *pool.keeper.borrow_mut() = Some(cx.waker().clone());
                pool.idle.borrow().iter().for_each(|(_, connection)| pool.watch(connection));
            }
            pool.close_ended();
            Poll::<()>::Pending
        }));
    }

    fn close_ended(&self) {
        let mut ended = Vec::new();
        let mut idle = self.idle.borrow_mut();
        let mut at = 0;
        while let Some((_, connection)) = idle.get(at) {
            let socket = &connection.socket;
            let is_over = socket.timed_out() || socket.is_broken();
            match is_over || (socket.is_readable() && !connection.is_silent()) {
                true => ended.extend(idle.remove(at)),
                false => at += 1,
            }
        }
        drop(idle);
        drop(ended);
    }
}
