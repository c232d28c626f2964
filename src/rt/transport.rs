//! The transport under a connection: what is read from it and written to it, whether it is encrypted or not. Nothing
//! above asks which. Its readiness and its deadlines are the socket's.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::task::Context;

use sys::socket::Peer;

use crate::conn::{Conn, TimedOut};

/// A connection's transport: plain TCP or a Unix socket. The socket's own bytes are out of reach: what writes to them would
/// write past an encryption.
#[derive(Clone, Copy, Debug)]
pub struct Io {
    conn: Conn,
}

/// Bytes.
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
    pub fn sendfile_socket(&self) -> Option<Conn> {
        Some(self.conn)
    }

    /// Sends the end of our stream; reading goes on.
    pub fn shutdown_write(&self) {
        self.conn.shutdown_write();
    }
}

/// Forwards to the socket, whose doc comments say more.
macro_rules! of_the_socket {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        /// What is known of the connection, and what becomes of it.
        impl Io {
            $(
                $(#[$doc])*
                pub fn $name(&self $(, $argument: $kind)*) $(-> $result)? {
                    self.conn.$name($($argument),*)
                }
            )*

            /// Waits for bytes or the end of the stream.
            pub async fn readable(&self) -> Result<(), TimedOut> {
                self.conn.readable().await
            }

            /// Waits for room to write.
            pub async fn writable(&self) -> Result<(), TimedOut> {
                self.conn.writable().await
            }
        }
    };
}

of_the_socket! {
    /// The connection's number in the logs.
    serial() -> u64;
    /// Who is at the other end.
    peer() -> Peer;
    /// The descriptor, for options of the socket; -1 once ended.
    fd() -> RawFd;
    /// Requests answered so far.
    requests() -> u32;
    /// Counts one more request.
    count_request();
    /// When it was accepted, in the loop's milliseconds.
    opened() -> u64;
    /// Sets the deadline `ms` from now.
    set_timeout(ms: u64);
    /// Whether this connection's task may be ended to make room for another connection.
    set_expendable(expendable: bool);
    /// Wakes the connection's task.
    wake();
    /// Whether the deadline has passed since it was set.
    timed_out() -> bool;
    /// Whether the connection is over in both directions, as far as is known.
    is_broken() -> bool;
    /// Whether the peer has closed its side, as far as is known.
    hung_up() -> bool;
    /// Whether a read is worth trying.
    is_readable() -> bool;
    /// Whether a write is worth trying.
    is_writable() -> bool;
    /// The task that is polled is to be woken when something becomes of this socket.
    wakes(cx: &mut Context<'_>);
    /// Ends the connection: its task sees the end.
    hang_up();
    /// Makes the close that follows a reset.
    reset_on_close();
}
