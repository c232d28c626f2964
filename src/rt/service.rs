//! What serves connections, and what it says of a connection after a turn.

use std::future::Future;
use std::pin::Pin;

use crate::conn::Conn;

/// What must wait: a future that ends with what the slot does next.
pub type Task = Pin<Box<dyn Future<Output = Next>>>;

/// What a slot does after a service or a task had its turn.
pub enum Next {
    /// Wait for the peer's next bytes, holding nothing.
    Idle,
    /// Go on with this future.
    Task(Task),
    /// Close the descriptor and free the slot.
    Close,
}

/// What serves the connections of a listener.
pub trait Service: 'static {
    /// A connection was accepted. Its first bytes may be there already.
    fn open(&'static self, conn: Conn) -> Next {
        self.ready(conn)
    }

    /// The ready path: an idle connection has become readable.
    fn ready(&'static self, conn: Conn) -> Next;

    /// An idle connection's deadline has passed, or its slot is wanted for another.
    /// The descriptor is closed after this.
    fn expire(&'static self, conn: Conn) {
        let _ = conn;
    }

    /// The worker drains, and this connection is idle: how many milliseconds may it stay?
    fn drain_delay(&'static self, conn: Conn) -> u64 {
        let _ = conn;
        0
    }

    /// The slot is about to be freed, in whichever way the connection ended.
    fn close(&'static self, conn: Conn) {
        let _ = conn;
    }
}
