//! The transport under a connection: what is read from it and written to it, whether it is encrypted or not. Nothing
//! above asks which. Its readiness and its deadlines are the socket's.

use std::io::{self, IoSlice};
use std::ops::Deref;
use std::os::fd::RawFd;

use crate::conn::Conn;

/// A connection's transport: plain TCP or a Unix socket.
#[derive(Clone, Copy, Debug)]
pub struct Io {
    conn: Conn,
}

impl Io {
    /// Bytes go over the socket as they are.
    pub fn plain(conn: Conn) -> Io {
        Io { conn }
    }

    /// Reads: `WouldBlock` when there is nothing, 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.conn.read(buffer)
    }

    /// Writes; `more` says that further data follows at once.
    pub fn write(&self, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        self.conn.write(buffers, more)
    }

    /// The socket, if what is written to it needs no change on the way: files may be sent to it.
    pub fn sendfile_socket(&self) -> Option<RawFd> {
        Some(self.conn.fd())
    }
}

impl Deref for Io {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}
