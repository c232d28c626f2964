//! A connection that leaves HTTP: an event stream, a WebSocket.
//!
//! The answer's head, and what body it has so far, are sent as any answer is. Then the connection is
//! the module's, with a task of its own, and all that a request needs is given back: only if the
//! location has a log, what the log needs is kept, and written when the connection ends.

use std::any::Any;

use rt::{Io, Task};
use sys::socket::Peer;

/// What takes a connection over once the answer's head is with the kernel.
pub trait Takeover: 'static {
    /// The connection's task from now on. `input`: what the client has sent behind its request's head.
    fn start(self: Box<Self>, session: Session, input: Vec<u8>) -> Task;

    /// Whether what modules have kept of the request is wanted for the log: it costs memory as long as the connection lasts.
    fn logs_contexts(&self) -> bool {
        false
    }
}

/// A connection that was taken over. Dropping it is its end for the log. Small: there are as many as there are clients.
pub struct Session {
    /// What is read and written from now on.
    pub io: Io,
    sent: u64,
    /// Nothing, if nobody wants to know of its end.
    end: Option<Box<End>>,
}

/// What is kept of the request to its end.
pub(crate) struct End {
    /// Is told of the bytes that were sent since, where there is a log.
    pub log: Option<Box<dyn FnOnce(u64)>>,
    /// What modules keep as long as the client is served, if what logs does not have it.
    pub lasting: Vec<Box<dyn Any>>,
}

impl Session {
    pub(crate) fn new(io: Io, end: End) -> Session {
        let wanted = end.log.is_some() || !end.lasting.is_empty();
        Session { io, sent: 0, end: wanted.then(|| Box::new(end)) }
    }

    /// Counts bytes that were sent, for the log.
    pub fn count_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Gives a client up that acknowledges nothing for so many milliseconds, 0: never. One that has vanished does not: the
    /// kernel would go on for a quarter of an hour.
    pub fn give_up_silent(&self, ms: u64) {
        give_up_silent(self.io, ms);
    }
}

/// The same of a connection. A stream of HTTP/2 has no socket: its connection's is asked.
pub(crate) fn give_up_silent(io: Io, ms: u64) {
    if io.fd() >= 0 && matches!(io.peer(), Peer::Inet(_)) && ms > 0 {
        let ms = ms.min(u64::from(u32::MAX)) as u32;
        let _ = sys::socket::set_user_timeout(io.fd(), ms);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(log) = self.end.take().and_then(|end| end.log) {
            log(self.sent);
        }
    }
}
