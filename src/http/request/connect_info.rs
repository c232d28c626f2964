//! What a request knows of the connection that it came on: who and where, and nothing to read or write by.

use proto::proxy_protocol::Header;
use rt::Conn;
use sys::socket::{Address, Peer};

use crate::route::proxy_header;

/// A connection as its requests see it.
#[derive(Clone, Copy, Debug)]
pub struct ConnectInfo {
    conn: Conn,
}

impl ConnectInfo {
    pub(crate) fn of(conn: Conn) -> ConnectInfo {
        ConnectInfo { conn }
    }

    /// The connection's name in the event loop, for what takes it over.
    pub fn conn(&self) -> Conn {
        self.conn
    }

    /// Its number in the logs.
    pub fn serial(&self) -> u64 {
        self.conn.serial()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.conn.peer()
    }

    /// The address that the client connected to.
    pub fn local_address(&self) -> Option<Address> {
        sys::socket::local_address(self.conn.fd())
    }

    /// Whether its bytes are on the wire as they are.
    pub(crate) fn is_plain(&self) -> bool {
        rt::Io::new(self.conn).sendfile_socket().is_some()
    }

    /// Looks at what a proxy has told of it.
    pub(crate) fn proxy_header<T>(&self, look: impl FnOnce(&Header) -> T) -> Option<T> {
        proxy_header::with(self.conn, look)
    }
}
