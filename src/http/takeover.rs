//! A connection that leaves HTTP: an event stream, a WebSocket.
//!
//! The answer's head, and what body it has so far, are sent as any answer is. Then the connection is
//! the module's, with a task of its own, and all that a request needs is given back: only if the
//! location has a log, what the log needs is kept, and written when the connection ends.

use std::any::Any;

use rt::{Conn, Task};

use crate::Happening;
use crate::exchange::Exchange;
use crate::service;

/// What takes a connection over once the answer's head is with the kernel.
pub trait Takeover: 'static {
    /// The connection's task from now on.
    fn start(self: Box<Self>, session: Session) -> Task;
}

/// A connection that was taken over. Dropping it is its end for the log.
pub struct Session {
    /// The connection.
    pub conn: Conn,
    /// What the client has sent behind its request's head.
    pub input: Vec<u8>,
    exchange: Option<Box<Exchange>>,
    /// What modules keep as long as the client is served, if the exchange does not have it.
    _lasting: Vec<Box<dyn Any>>,
    /// Bytes that were sent since.
    sent: u64,
}

impl Session {
    pub(crate) fn new(mut exchange: Box<Exchange>) -> Session {
        let conn = exchange.conn;
        let input = exchange.leave();
        let logged = !exchange.request.location().loggers.is_empty();
        let (exchange, lasting) = if logged {
            exchange.request.compact();
            (Some(exchange), Vec::new())
        } else {
            let lasting = std::mem::take(&mut exchange.request.lasting);
            service::give_back(exchange);
            (None, lasting)
        };
        Session { conn, input, exchange, _lasting: lasting, sent: 0 }
    }

    /// Counts bytes that were sent, for the log.
    pub fn count_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            exchange.trace(Happening::Disconnecting);
            exchange.end_of_takeover(self.sent);
            service::give_back(exchange);
        }
    }
}
