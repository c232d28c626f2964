//! What may stand between a connection and its socket: an encryption, or one stream of a connection that carries several.

use std::any::Any;
use std::io::{self, IoSlice};

use crate::conn::Conn;

/// The bytes of a connection, changed on their way. It lies in the connection's slot, also while that is idle.
///
/// **What a write has taken is with the kernel.** A layer that had to keep a part of what it has made of the last bytes says
/// that it has not taken the last one of them; the same byte comes first in the next write, as it does after each short one,
/// and is then skipped. So nobody above must ask whether something is left.
pub trait Layer: 'static {
    /// Reads as [`Conn::read`].
    fn read(&mut self, conn: Conn, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as [`Conn::write`].
    fn write(&mut self, conn: Conn, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize>;

    /// Goes on with what precedes the first byte, a handshake: `WouldBlock` until it is complete.
    fn establish(&mut self, conn: Conn) -> io::Result<()> {
        let _ = conn;
        Ok(())
    }

    /// Sends the end of our stream; reading goes on.
    fn shutdown_write(&mut self, conn: Conn);

    /// The connection is about to be closed: the last that is said, if that needs no waiting.
    fn close(&mut self, conn: Conn);

    /// Ends the connection: its task sees the end.
    fn hang_up(&mut self, conn: Conn) {
        conn.hang_up();
    }

    /// Makes the close one that cannot be taken for the end of our stream.
    fn reset_on_close(&mut self, conn: Conn) {
        conn.reset_on_close();
    }

    /// Whether a read has something to do though the socket has nothing new.
    fn has_unread(&self) -> bool;

    /// Whether something of its own waits to be sent, which the next read or write goes on with.
    fn has_unsent(&self) -> bool {
        false
    }

    /// Itself, for those who know what it is.
    fn as_any(&self) -> &dyn Any;
}
