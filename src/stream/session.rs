//! A session: a client's connection, as words with variables know it, and the server that it is for.

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt::Arguments;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::route::hosts::Encrypted;
use http::route::listener::Listener;
use http::route::regex::Captures;
use http::vars::assigned::{Assigned, Sets};
use http::vars::connection::Connected;
use http::vars::names::Own;
use http::vars::scope::{Memo, Scope};
use mem::{Pool, Str};
use rt::{Conn, Io};
use sys::log::{Level, Log};
use sys::socket::{Address, Peer};

/// What is waited for as long as a session lasts.
pub type BoxFuture<'s, T> = Pin<Box<dyn Future<Output = T> + 's>>;

/// When a handler is asked. The handshake is behind `Access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Who the client is may be found out otherwise.
    PostAccept,
    /// Sessions are counted.
    Preaccess,
    /// Who may come.
    Access,
    /// The server is known, and what the client says first.
    Preread,
}

/// Something that is done without waiting.
pub trait Handler: 'static {
    /// Does it. The error: the session ends with this status.
    fn handle(&self, session: &mut Session) -> Result<(), u16>;
}

impl<F: Fn(&mut Session) -> Result<(), u16> + 'static> Handler for F {
    fn handle(&self, session: &mut Session) -> Result<(), u16> {
        self(session)
    }
}

/// A look at what the client says first, which is left where it is.
pub trait Preread: 'static {
    /// Waits until enough has come. The error: the session ends with this status.
    fn wait<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, Result<(), u16>>;
}

/// What a session is there for.
pub trait Content: 'static {
    /// Serves it to its end, and gives the status that it ends with.
    fn serve<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, u16>;
}

/// Is told of sessions that have ended.
pub trait Logger: 'static {
    /// Of this one.
    fn log(&self, session: &Session);
}

/// A `server {}`.
pub struct Server {
    /// Its part in handshakes, if it has one.
    pub tls: Option<tls::Server>,
    /// What is done without waiting, in its order.
    pub handlers: Box<[(Phase, Box<dyn Handler>)]>,
    /// Looks at what clients say first.
    pub prereads: Box<[Box<dyn Preread>]>,
    /// What sessions are there for.
    pub content: Box<dyn Content>,
    /// Are told of sessions that have ended.
    pub loggers: Box<[Box<dyn Logger>]>,
    /// What modules keep of it.
    pub kept: Box<[Box<dyn Any>]>,
    /// `preread_buffer_size`
    pub preread_buffer_size: usize,
    /// `preread_timeout`, milliseconds.
    pub preread_timeout: u64,
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

/// What messages say besides.
type Addition = Rc<dyn Fn(&Session) -> String>;

/// A client's connection.
pub struct Session {
    /// Its name in the event loop.
    pub conn: Conn,
    /// Where it was accepted.
    pub listener: &'static Listener<Server>,
    /// The server that it is for: the address's default one until a handshake has asked for another.
    pub server: &'static Server,
    /// Bytes from the client.
    pub received: Cell<u64>,
    /// Bytes to the client.
    pub sent: Cell<u64>,
    /// The address that was asked, where that is not what a socket is bound to.
    local: Option<Address>,
    /// What it came to, once it has ended.
    status: OnceCell<u16>,
    /// Its handshake goes on, and asks for this name.
    asked_name: Option<String>,
    /// Who is at the other end, if a trusted proxy has told it.
    peer: Option<Peer>,
    /// What modules know of it.
    contexts: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    /// What messages say besides.
    addition: RefCell<Option<Addition>>,
    /// What `set` has set.
    assigned: RefCell<Vec<Assigned>>,
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
        Some(Session {
            conn,
            listener,
            server,
            received: Cell::default(),
            sent: Cell::default(),
            local: None,
            status: OnceCell::new(),
            asked_name: None,
            peer: None,
            contexts: RefCell::default(),
            addition: RefCell::default(),
            assigned: RefCell::default(),
            captures,
            memo,
            memory,
        })
    }

    /// The same of datagrams that came to this address.
    pub fn at(self, local: SocketAddr) -> Session {
        Session { local: Some(Address::Datagrams(local)), ..self }
    }

    /// Whether its client sends datagrams, and no stream.
    pub fn is_datagrams(&self) -> bool {
        matches!(self.listener.address(), Address::Datagrams(_))
    }

    /// A handshake has asked for this name: the session is its server's from now on.
    pub fn is_for(&mut self, name: Option<&str>) {
        let Some(hosts) = self.listener.hosts_for(self.conn) else { return };
        let name = name.map(|name| Str::copy(name.as_bytes()));
        let found = name.map(|name| hosts.find(&name, self.captures.get_mut()));
        // An expression that gave up has found nothing.
        let found = found.and_then(Result::ok).flatten();
        self.server = found.unwrap_or_else(|| hosts.default_server());
    }

    /// Whether its client's bytes are encrypted.
    pub fn is_encrypted(&self) -> bool {
        Io::new(self.conn).with_layer(|_: &tls::Session| ()).is_some()
    }

    /// The same while that handshake goes on.
    pub fn is_early(&mut self, name: &str) {
        self.is_for(Some(name).filter(|name| !name.is_empty()));
        self.asked_name = Some(name.to_owned());
    }

    /// Writes to the server's error log, with whose connection it is.
    pub fn log(&self, level: Level, message: Arguments<'_>) {
        let (serial, peer, address) = (self.conn.serial(), self.peer(), self.listener.address());
        let addition = self.addition.borrow().clone();
        let addition = addition.map(|tell| tell(self)).unwrap_or_default();
        let kind = if self.is_datagrams() { "udp " } else { "" };
        let line =
            format_args!("*{serial} {message}, {kind}client: {peer}, server: {address}{addition}");
        sys::log::write_to(&self.server.error_logs, level, line);
    }

    /// The same without whose it is, which the message says itself.
    pub fn log_alone(&self, level: Level, message: Arguments<'_>) {
        let line = format_args!("*{} {message}", self.conn.serial());
        sys::log::write_to(&self.server.error_logs, level, line);
    }

    /// What messages say from now on behind whose connection it is.
    pub fn adds_to_messages(&self, tell: impl Fn(&Session) -> String + 'static) {
        self.addition.replace(Some(Rc::new(tell)));
    }

    /// A trusted proxy tells that this is the client.
    pub fn set_peer(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// What it came to; 0: it goes on.
    pub fn status(&self) -> u16 {
        self.status.get().copied().unwrap_or_default()
    }

    /// It has ended, for the log: what follows is only for the client to learn of that.
    pub fn end(&self, status: u16) {
        if self.status.set(status).is_ok() {
            self.server.loggers.iter().for_each(|logger| logger.log(self));
        }
    }

    /// What a module knows of it, made when it is first asked for.
    pub fn context<T: Default + 'static>(&self) -> Rc<T> {
        self.known_context().unwrap_or_else(|| {
            let made = Rc::new(T::default());
            self.contexts.borrow_mut().push((TypeId::of::<T>(), made.clone()));
            made
        })
    }

    /// The same, if it was made.
    pub fn known_context<T: 'static>(&self) -> Option<Rc<T>> {
        let contexts = self.contexts.borrow();
        let (_, known) = contexts.iter().find(|(kind, _)| *kind == TypeId::of::<T>())?;
        known.clone().downcast().ok()
    }

    /// What a module has kept of its server.
    pub fn kept<T: 'static>(&self) -> Option<&'static T> {
        self.server.kept.iter().find_map(|kept| kept.downcast_ref())
    }
}

impl Sets for Session {
    fn assigned(&self) -> &RefCell<Vec<Assigned>> {
        &self.assigned
    }

    fn misses(&self, variable: &Own<Session>) {
        let message = format_args!("using uninitialized \"{}\" variable", variable.name);
        self.log(Level::Warn, message);
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

    fn log(&self, level: Level, message: Arguments<'_>) {
        Session::log(self, level, message);
    }
}

impl Connected for Session {
    fn conn(&self) -> Conn {
        self.conn
    }

    fn peer(&self) -> Peer {
        self.peer.unwrap_or_else(|| self.conn.peer())
    }

    fn local(&self) -> Option<Address> {
        self.local.clone().or_else(|| sys::socket::local_address(self.conn.fd()))
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
