//! Waking another process: a datagram to a name.
//!
//! An eventfd would have to be in the hands of both sides before either is forked; workers of an old
//! and of a new binary have no common ancestor that could hand it around. A Unix datagram needs only
//! the other's name. The names are in the abstract namespace: they leave no files, and go with their
//! socket.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A bell that this process hears.
#[derive(Debug)]
pub struct Bell(UnixDatagram);

impl Bell {
    /// Takes the name; `AddrInUse` if a living process has it.
    pub fn bind(name: &str) -> io::Result<Bell> {
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        socket.set_nonblocking(true)?;
        Ok(Bell(socket))
    }

    /// Rings the bell of that name.
    pub fn ring(&self, name: &str) {
        send(&self.0, name);
    }

    /// Takes all rings that have come, so that the next one is an event again. `true`: there were some.
    pub fn silence(&self) -> bool {
        let mut rung = false;
        while self.0.recv(&mut [0]).is_ok() {
            rung = true;
        }
        rung
    }
}

impl AsRawFd for Bell {
    /// The descriptor to wait on.
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Rings another's bell, for those who have none of their own to ring it with.
pub fn ring(name: &str) {
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        send(&socket, name);
    }
}

/// One that has rings enough, or is gone, needs no more.
fn send(socket: &UnixDatagram, name: &str) {
    if let Ok(address) = SocketAddr::from_abstract_name(name) {
        let _ = socket.send_to_addr(&[1], &address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_heard_once_silenced() {
        let name = format!("rserve-bell-test/{}", std::process::id());
        let bell = Bell::bind(&name).expect("the name is free");
        assert_eq!(Bell::bind(&name).map_err(|e| e.kind()).err(), Some(io::ErrorKind::AddrInUse));
        // More than the kernel keeps: the rest is dropped, and nobody waits.
        (0..100).for_each(|_| ring(&name));
        crate::process::wait_readable(&[bell.as_raw_fd()], Some(5000)).expect("poll");
        assert!(bell.silence());
        assert!(!bell.silence());
        bell.ring(&name);
        assert!(bell.silence());
        drop(bell);
        ring(&name);
    }
}
