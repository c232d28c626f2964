//! What a request knows of the connection that it came on: who and where, and nothing to read or write by.

use rt::Conn;
use sys::socket::{Address, Peer};

use crate::request::Server;
use crate::route::hosts::Hosts;

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

    /// Looks at its encryption, if it has one.
    pub fn with_tls<T>(&self, look: impl FnOnce(&tls::Session) -> T) -> Option<T> {
        rt::Io::new(self.conn).with_layer(look)
    }

    /// Whether what it says is read by nobody else.
    pub fn is_encrypted(&self) -> bool {
        self.with_tls(|session| !session.is_plain()).unwrap_or(false)
    }

    /// `http` or `https`
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted() { "https" } else { "http" }
    }

    /// The server for names that none has: the one with which the client has shaken hands, or the address's default.
    pub(crate) fn first_server(&self, hosts: &'static Hosts<Server>) -> &'static Server {
        let chosen = self.with_tls(tls::Session::server).flatten();
        let chosen = chosen.and_then(|server| server.downcast_ref());
        chosen.unwrap_or_else(|| hosts.default_server())
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
}
