//! A connection that leaves HTTP: an event stream, a WebSocket.
//!
//! The answer's head, and what body it has so far, are sent as any answer is. Then the connection is
//! the module's, with a task of its own, and all that a request needs is given back: only if the
//! location has a log, what the log needs is kept, and written when the connection ends.

use std::any::Any;

use rt::{Io, Task};

/// What takes a connection over once the answer's head is with the kernel.
pub trait Takeover: 'static {
    /// The connection's task from now on.
    fn start(self: Box<Self>, session: Session) -> Task;
}

/// A connection that was taken over. Dropping it is its end for the log.
pub struct Session {
    /// What is read and written from now on.
    pub io: Io,
    /// What the client has sent behind its request's head.
    pub input: Vec<u8>,
    /// Is told of the bytes that were sent since, where there is a log.
    ended: Option<Box<dyn FnOnce(u64)>>,
    /// What modules keep as long as the client is served, if what logs does not have it.
    _lasting: Vec<Box<dyn Any>>,
    sent: u64,
}

impl Session {
    /// `ended` is called at its end with the number of bytes that were sent.
    pub(crate) fn new(
        io: Io,
        input: Vec<u8>,
        ended: Option<Box<dyn FnOnce(u64)>>,
        lasting: Vec<Box<dyn Any>>,
    ) -> Session {
        Session { io, input, ended, _lasting: lasting, sent: 0 }
    }

    /// Counts bytes that were sent, for the log.
    pub fn count_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.sent);
        }
    }
}
