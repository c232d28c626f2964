//! Sockets of a task's own: a task may have as many as it likes beside its client's connection, and none.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use sys::socket::{Address, Peer};

use crate::conn::Conn;
use crate::slot::{READABLE, SlotState, WRITABLE};
use crate::token::Token;
use crate::worker::{here, worker};

/// A socket that belongs to whoever holds it, and is closed with this. It is read, written and waited for as a
/// [`Conn`], with a deadline of its own; its readiness wakes the task that has waited for it last.
#[derive(Debug)]
pub struct Socket(Conn);

impl Deref for Socket {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        free(self.0.token());
    }
}

/// Gives up a slot of a task's own.
pub(crate) fn free(token: Token) {
    if let Some(worker) = here() {
        worker.free_slot(token);
    }
}

/// Connects to an address within `ms` milliseconds. The error is the system's: nobody is there, no answer has come, or
/// this process has as many sockets as `worker_connections` allow.
pub async fn connect(address: &Address, ms: u64) -> io::Result<Socket> {
    connect_from(address, None, ms).await
}

/// The same from an address of this machine; port 0 is any.
pub async fn connect_from(
    address: &Address,
    from: Option<SocketAddr>,
    ms: u64,
) -> io::Result<Socket> {
    let peer = match address {
        Address::Inet(inet) | Address::Datagrams(inet) => Peer::Inet(*inet),
        Address::Unix(_) => Peer::Unix,
    };
    let socket = enter(sys::socket::connect(address, from)?, peer, 0)?;
    socket.set_timeout(ms);
    match socket.writable().await {
        Ok(()) => sys::socket::take_error(socket.fd()).map(|()| socket),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Takes a socket that is connected, or a datagram socket: it is non-blocking from now on. Datagrams are taken by
/// [`Conn::try_read`]: a short one says nothing of what follows it.
pub fn adopt(fd: OwnedFd, peer: Peer) -> io::Result<Socket> {
    sys::process::set_nonblocking(&fd)?;
    enter(fd, peer, READABLE | WRITABLE)
}

/// Two sockets, each the other's peer, without a network: what a test writes to one of them a protocol reads from the
/// other.
pub fn pair() -> io::Result<(Socket, Socket)> {
    let (one, other) = UnixStream::pair()?;
    Ok((adopt(one.into(), Peer::Unix)?, adopt(other.into(), Peer::Unix)?))
}

fn enter(fd: OwnedFd, peer: Peer, flags: u16) -> io::Result<Socket> {
    let worker = worker();
    if worker.sockets.get() >= worker.config.slots {
        return Err(io::Error::other("there are not enough worker_connections"));
    }
    let full = || io::Error::other("there are too many sockets");
    let token = worker.take_further(fd.as_raw_fd(), peer, SlotState::Owned).ok_or_else(full)?;
    // The slot has it now, and closes it.
    let _ = fd.into_raw_fd();
    let socket = Socket(Conn::new(token));
    if let Some(slot) = worker.slot(token) {
        slot.flags.set(flags);
    }
    worker.register(token)?;
    Ok(socket)
}
