//! Sessions of datagrams: those of one client, at one socket, to one address of this machine.
//!
//! ```text
//! socket ─▶ receive(): whose is it? ─▶ Queue of a session ─▶ Datagrams, the layer of a connection without a socket ─▶ its task
//!    ▲                                                              │
//!    └────────────── from the address that was asked ───────────────┘
//! ```
//! Nothing is sent that was not asked for: an answer goes to where the question came from. There are half as many sessions as
//! `worker_connections`, those of all sockets together, and of each a few datagrams wait: what comes beyond that is dropped, as anybody
//! may drop datagrams. A worker that drains takes no more of them: they are for its successors, and its sessions come to their end.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use rt::{Conn, Io, Layer};
use sys::datagram::{self, LONGEST};
use sys::log::Level;
use sys::socket::{Address, Peer};

use crate::listener::Listener;
use crate::serve::serve;
use crate::session::Session;

/// So many datagrams are taken in one turn; then others have theirs.
const AT_ONCE: usize = 64;
/// So much of a session waits for its task.
const WAITING: usize = 64;
const WAITING_BYTES: usize = 128 << 10;

thread_local! {
    /// Sessions of this worker, at all its sockets; also those that take nothing more of their clients.
    static LIVE: Cell<u32> = const { Cell::new(0) };
}

/// Who talks to which address.
type Key = (SocketAddr, Option<IpAddr>);

/// A socket, and the sessions at it.
struct Socket {
    /// A descriptor of its own: that of the listener is closed when the worker drains, and sessions still have answers to send.
    fd: OwnedFd,
    listener: &'static Listener,
    sessions: RefCell<HashMap<Key, Rc<Queue>>>,
    /// What is received goes through here.
    buffer: RefCell<Box<[u8]>>,
    /// The second in which the log was told of too many.
    warned: Cell<u64>,
}

/// What a session has not taken yet.
#[derive(Default)]
struct Queue {
    datagrams: RefCell<VecDeque<Vec<u8>>>,
    bytes: Cell<usize>,
    conn: Cell<Option<Conn>>,
}

/// Has the loop take datagrams from a socket.
pub fn listen(fd: RawFd, listener: &'static Listener) -> io::Result<()> {
    let (sessions, buffer) = (RefCell::default(), RefCell::new(vec![0; LONGEST].into()));
    let fd = sys::process::duplicate(fd)?;
    let number = fd.as_raw_fd();
    let socket = Rc::new(Socket { fd, listener, sessions, buffer, warned: Cell::new(0) });
    rt::on_readable(number, move || socket.receive())
}

impl Socket {
    fn receive(self: &Rc<Socket>) {
        for _ in 0..AT_ONCE {
            if rt::draining() {
                return;
            }
            let mut buffer = self.buffer.borrow_mut();
            match datagram::receive(self.fd.as_raw_fd(), &mut buffer) {
                Ok(came) => {
                    if let Peer::Inet(peer) = came.peer {
                        self.take((peer, came.local), &buffer[..came.len]);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // What an earlier answer has come to, or an interruption: the next one may be there.
                Err(_) => {}
            }
        }
        let socket = self.clone();
        rt::after(0, move || socket.receive());
    }

    fn take(self: &Rc<Socket>, key: Key, bytes: &[u8]) {
        let known = self.sessions.borrow().get(&key).cloned();
        match known {
            Some(queue) => queue.push(bytes),
            None => self.begin(key, bytes),
        }
    }

    fn begin(self: &Rc<Socket>, key: Key, bytes: &[u8]) {
        if LIVE.get() >= (rt::slots() / 2).max(1) {
            return self.warn();
        }
        let queue = Rc::new(Queue::default());
        queue.push(bytes);
        let layer = Datagrams::new(self.clone(), queue.clone(), key);
        let listener = self.listener;
        let local = match (listener.address(), key.1) {
            (Address::Datagrams(own), Some(ip)) => SocketAddr::new(ip, own.port()),
            (Address::Datagrams(own), None) => *own,
            _ => return,
        };
        let serve = |conn| -> rt::Task {
            Box::pin(async move {
                match Session::new(conn, listener) {
                    Some(session) => serve(session.at(local), listener).await,
                    None => rt::Next::Close,
                }
            })
        };
        // Before its task has its turn.
        self.sessions.borrow_mut().insert(key, queue.clone());
        match rt::detached(Peer::Inet(key.0), Box::new(layer), serve) {
            Some(conn) => queue.conn.set(Some(conn)),
            None => self.warn(),
        }
    }

    /// Says, at most once a second, that there are too few.
    fn warn(&self) {
        let second = rt::now() / 1000;
        if self.warned.replace(second) != second {
            let most = rt::slots();
            let what = "worker_connections are not enough, datagrams are dropped";
            sys::log::write(Level::Alert, format_args!("{most} {what}"));
        }
    }
}

impl Queue {
    fn push(&self, bytes: &[u8]) {
        let mut datagrams = self.datagrams.borrow_mut();
        let total = self.bytes.get() + bytes.len();
        if datagrams.len() >= WAITING || total > WAITING_BYTES {
            return;
        }
        self.bytes.set(total);
        datagrams.push_back(bytes.to_vec());
        drop(datagrams);
        if let Some(conn) = self.conn.get() {
            conn.layer_ready();
        }
    }
}

/// A session's side: each read takes a datagram, each write sends one.
pub struct Datagrams {
    socket: Rc<Socket>,
    queue: Rc<Queue>,
    key: Key,
}

impl Datagrams {
    fn new(socket: Rc<Socket>, queue: Rc<Queue>, key: Key) -> Datagrams {
        LIVE.set(LIVE.get() + 1);
        Datagrams { socket, queue, key }
    }

    /// What its client sends from now on is another session's, and so is what has come, and was not taken.
    pub fn leave(&self) {
        self.forget();
        self.queue.bytes.set(0);
        let left = self.queue.datagrams.take();
        left.iter().for_each(|datagram| self.socket.take(self.key, datagram));
    }

    fn forget(&self) {
        let mut sessions = self.socket.sessions.borrow_mut();
        if sessions.get(&self.key).is_some_and(|queue| Rc::ptr_eq(queue, &self.queue)) {
            sessions.remove(&self.key);
        }
    }
}

impl Session {
    /// What its client sends from now on is another session's, if it sends datagrams.
    pub fn leave_datagrams(&self) {
        Io::new(self.conn).with_layer(Datagrams::leave);
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
        self.forget();
    }
}

impl Layer for Datagrams {
    fn read(&mut self, _: Conn, buffer: &mut [u8]) -> io::Result<usize> {
        let next = self.queue.datagrams.borrow_mut().pop_front();
        let datagram = next.ok_or(ErrorKind::WouldBlock)?;
        self.queue.bytes.set(self.queue.bytes.get() - datagram.len());
        let len = datagram.len().min(buffer.len());
        buffer[..len].copy_from_slice(&datagram[..len]);
        Ok(len)
    }

    fn write(&mut self, _: Conn, buffers: &[IoSlice<'_>], _: bool) -> io::Result<usize> {
        let parts: Vec<&[u8]> = buffers.iter().map(|part| &**part).collect();
        let bytes = parts.concat();
        match datagram::send(self.socket.fd.as_raw_fd(), &bytes, self.key.0, self.key.1) {
            Ok(count) => Ok(count),
            // There is no room for it: it is lost, as any may be.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(bytes.len()),
            Err(error) => Err(error),
        }
    }

    fn shutdown_write(&mut self, _: Conn) {}

    fn close(&mut self, _: Conn) {}

    fn has_unread(&self) -> bool {
        !self.queue.datagrams.borrow().is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
