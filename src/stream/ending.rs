//! The end of a session.

use std::io::ErrorKind;

use mem::Block;
use rt::Io;
use sys::stream::unacknowledged;

/// So much of what nobody wants is read in one turn.
const DISCARDED: usize = 64 << 10;
/// How long that goes on, and how long the next bytes may take when all that was sent is acknowledged: as after an answer
/// of HTTP.
const LINGERING_TIME_MS: u64 = 30_000;
const LINGERING_TIMEOUT_MS: u64 = 5000;

/// Sends the end, and reads on until the client has closed, too, or takes too long over it: bytes of the client's that came
/// behind a close would have the kernel reset the connection, and take away what the client has not read yet.
pub async fn linger(io: Io) {
    io.shutdown_write();
    io.set_expendable(true);
    let end = rt::now() + LINGERING_TIME_MS;
    loop {
        let left = end.saturating_sub(rt::now());
        let read = io.read(Block::take(DISCARDED).spare_mut());
        match read {
            Ok(1..) if left > 0 => rt::yield_now().await,
            Err(error) if error.kind() == ErrorKind::WouldBlock && left > 0 => {
                io.set_timeout(LINGERING_TIMEOUT_MS.min(left));
                if io.readable().await.is_err() && unacknowledged(io.fd()) == 0 {
                    return;
                }
            }
            Ok(_) | Err(_) => return,
        }
    }
}
