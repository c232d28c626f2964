//! The transport under a connection: what is read from it and written to it, whether it is encrypted or not. Nothing
//! above asks which. Its readiness and its deadlines are the socket's.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::RawFd;
use std::task::Context;

use sys::socket::Peer;

use crate::conn::{Conn, TimedOut};
use crate::layer::Layer;
use crate::slot::{LAYERED, READABLE, Slot, UNSENT, WRITABLE};
use crate::yield_now::yield_now;

/// A connection's transport: TCP, a Unix socket, or a stream of another connection, as it is or through a [`Layer`]. The
/// socket's own bytes are out of reach: what writes to them would write past an encryption.
#[derive(Clone, Copy, Debug)]
pub struct Io {
    conn: Conn,
}

/// Bytes.
impl Io {
    /// Of a connection.
    pub fn new(conn: Conn) -> Io {
        Io { conn }
    }

    /// Reads: `WouldBlock` when there is nothing, 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let slot = self.conn.slot()?;
        match slot.has(LAYERED) {
            false => self.conn.read(buffer),
            true => through(slot, READABLE, |layer| layer.read(self.conn, buffer)),
        }
    }

    /// Writes; `more` says that further data follows at once.
    pub fn write(&self, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        let slot = self.conn.slot()?;
        match slot.has(LAYERED) {
            false => self.conn.write(buffers, more),
            true => through(slot, WRITABLE, |layer| layer.write(self.conn, buffers, more)),
        }
    }

    /// Goes on with what precedes the first byte: `WouldBlock` until that is done.
    pub fn establish(&self) -> io::Result<()> {
        let slot = self.conn.slot()?;
        match slot.has(LAYERED) {
            false => Ok(()),
            true => through(slot, READABLE, |layer| layer.establish(self.conn)),
        }
    }

    /// Waits until what precedes the first byte is done. The error: it failed, or the deadline has passed.
    pub async fn established(&self) -> io::Result<()> {
        loop {
            match self.establish() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            match self.is_readable() {
                // It waits for its turn, not for the peer.
                true => yield_now().await,
                false => self.readable().await?,
            }
        }
    }

    /// Looks at the layer, if there is one of that kind.
    pub fn with_layer<L: Layer, T>(&self, look: impl FnOnce(&L) -> T) -> Option<T> {
        let slot = self.conn.slot().ok().filter(|slot| slot.has(LAYERED))?;
        let layer = slot.layer.take()?;
        let seen = layer.as_any().downcast_ref().map(look);
        slot.layer.set(Some(layer));
        seen
    }

    /// The socket, if what is written to it needs no change on the way: files may be sent to it.
    pub fn sendfile_socket(&self) -> Option<Conn> {
        let slot = self.conn.slot().ok()?;
        (!slot.has(LAYERED)).then_some(self.conn)
    }

    /// Sends the end of our stream; reading goes on.
    pub fn shutdown_write(&self) {
        self.end(Conn::shutdown_write, |layer, conn| layer.shutdown_write(conn));
    }

    /// Whether a close now could take from the peer what it was sent: the kernel forgets that when a byte arrives at a closed
    /// socket. A peer behind an encryption has one to say in any case, that it ends.
    pub fn must_linger(&self) -> bool {
        let is_layered = self.conn.slot().is_ok_and(|slot| slot.has(LAYERED));
        is_layered && sys::stream::unacknowledged(self.conn.fd()) > 0
    }

    /// Ends the connection: its task sees the end.
    pub fn hang_up(&self) {
        self.end(Conn::hang_up, |layer, conn| layer.hang_up(conn));
    }

    /// Makes the close one that cannot be taken for the end of our stream.
    pub fn reset_on_close(&self) {
        self.end(Conn::reset_on_close, |layer, conn| layer.reset_on_close(conn));
    }

    fn end(&self, plain: impl FnOnce(&Conn), layered: impl FnOnce(&mut dyn Layer, Conn)) {
        match self.conn.slot() {
            Ok(slot) if slot.has(LAYERED) => {
                let _ = through(slot, 0, |layer| {
                    layered(layer, self.conn);
                    Ok(())
                });
            }
            Ok(_) => plain(&self.conn),
            Err(_) => {}
        }
    }
}

/// Calls a connection's layer, and notes what comes of it. `flag`: what the socket would not be if it would block.
fn through<T>(
    slot: &Slot,
    flag: u16,
    call: impl FnOnce(&mut dyn Layer) -> io::Result<T>,
) -> io::Result<T> {
    // Nothing there: the layer is on the stack already, or has panicked.
    let mut layer = slot.layer.take().ok_or(io::ErrorKind::NotConnected)?;
    let result = call(&mut *layer);
    if matches!(&result, Err(error) if error.kind() == ErrorKind::WouldBlock) {
        // The next event tells, whatever it was that the layer waits for; one without a socket has seen to it that its
        // task is woken.
        slot.clear(flag);
    }
    match layer.has_unsent() {
        true => slot.raise(UNSENT),
        false => slot.clear(UNSENT),
    }
    if layer.has_unread() {
        slot.raise(READABLE);
    }
    slot.layer.set(Some(layer));
    result
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
    /// Something may have come that was not heard of yet: the next read asks the kernel.
    look_again();
    /// The task that is polled is to be woken when something becomes of this socket.
    wakes(cx: &mut Context<'_>);
}
