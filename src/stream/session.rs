//! A session: a client's connection, as words with variables know it, and the server that it is for.

use std::cell::RefCell;
use std::fmt::Arguments;
use std::sync::Arc;

use http::route::hosts::Encrypted;
use http::route::listener::Listener;
use http::route::regex::Captures;
use http::vars::connection::Connected;
use http::vars::scope::{Memo, Scope};
use http::vars::template::Template;
use mem::Pool;
use rt::Conn;
use sys::log::{Level, Log};
use sys::socket::Address;

/// A `server {}`.
pub struct Server {
    /// Its part in handshakes, if it has one.
    pub tls: Option<tls::Server>,
    /// `return`
    pub text: Template<Session>,
    /// `proxy_protocol_timeout`, milliseconds.
    pub proxy_protocol_timeout: u64,
    /// `ssl_handshake_timeout`, milliseconds.
    pub handshake_timeout: u64,
    /// `tcp_nodelay`
    pub tcp_nodelay: bool,
    /// `error_log`s; none: the process's own.
    pub error_logs: Vec<Arc<Log>>,
}

impl Encrypted for Server {
    fn tls(&self) -> Option<&tls::Server> {
        self.tls.as_ref()
    }
}

/// A client's connection.
pub struct Session {
    /// Its name in the event loop.
    pub conn: Conn,
    /// Where it was accepted.
    pub listener: &'static Listener<Server>,
    /// The server that it is for: the address's default one until a handshake has asked for another.
    pub server: &'static Server,
    /// Its handshake goes on, and asks for this name.
    asked_name: Option<String>,
    captures: RefCell<Captures>,
    memo: Memo,
    memory: (Vec<u8>, Pool),
}

impl Session {
    /// Of a connection that was accepted. `None`: to which address it came is not known.
    pub fn new(conn: Conn, listener: &'static Listener<Server>) -> Option<Session> {
        let server = listener.hosts_for(conn)?.default_server();
        let (captures, memo) = (RefCell::default(), Memo::default());
        let memory = (Vec::new(), Pool::new());
        Some(Session { conn, listener, server, asked_name: None, captures, memo, memory })
    }

    /// A handshake has asked for this name: the session is its server's from now on.
    pub fn is_for(&mut self, name: Option<&str>) {
        let hosts = self.listener.hosts_for(self.conn);
        let chosen = hosts.and_then(|hosts| hosts.choose(name, self.captures.get_mut()));
        if let Some((server, _)) = chosen {
            self.server = server;
        }
    }

    /// The same while that handshake goes on.
    pub fn is_early(&mut self, name: &str) {
        self.is_for(Some(name).filter(|name| !name.is_empty()));
        self.asked_name = Some(name.to_owned());
    }

    /// Writes to the server's error log, with whose connection it is.
    pub fn log(&self, level: Level, message: Arguments<'_>) {
        let (serial, peer, address) =
            (self.conn.serial(), self.conn.peer(), self.listener.address());
        let line = format_args!("*{serial} {message}, client: {peer}, server: {address}");
        sys::log::write_to(&self.server.error_logs, level, line);
    }
}

impl Scope for Session {
    fn captures(&self) -> &RefCell<Captures> {
        &self.captures
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn memory(&mut self) -> (&mut Vec<u8>, &mut Pool) {
        (&mut self.memory.0, &mut self.memory.1)
    }

    fn error(&self, message: Arguments<'_>) {
        self.log(Level::Error, message);
    }
}

impl Connected for Session {
    fn conn(&self) -> Conn {
        self.conn
    }

    fn listening(&self) -> &Address {
        self.listener.address()
    }

    fn tls(&self) -> Option<&'static tls::Server> {
        self.server.tls.as_ref()
    }

    fn asked_name(&self) -> Option<&[u8]> {
        self.asked_name.as_deref().map(str::as_bytes)
    }
}
