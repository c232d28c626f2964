//! A close that takes nothing from the peer: the kernel resets a closed socket at the next byte of the peer's, and forgets what
//! the peer does not have yet.

use std::io::{self, ErrorKind};

use sys::stream::unacknowledged;

use crate::transport::Io;
use crate::worker;
use crate::yield_now::yield_now;

/// So much of what nobody wants is read in one turn.
const DISCARDED: usize = 16 << 10;

/// How long a close waits, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Lingering {
    /// For the peer to take more of what it was sent.
    pub send: u64,
    /// For its next bytes, when it has all of that.
    pub timeout: u64,
    /// For its end, from then on.
    pub time: u64,
    /// So many bytes it may still send.
    pub most: usize,
}

/// Sends the end of our stream, and reads on until the peer has closed, too, or takes too long over it. `true`: it has closed.
/// The connection may have to make room for another meanwhile.
pub async fn linger(io: Io, limits: Lingering) -> bool {
    io.shutdown_write();
    io.set_expendable(true);
    let mut waiting = unacknowledged(io.fd());
    // Of the last that it has taken.
    let mut since = worker::now();
    let mut most = limits.most;
    loop {
        let read = discard(io);
        let now_waiting = unacknowledged(io.fd());
        if now_waiting < waiting {
            (waiting, since) = (now_waiting, worker::now());
        }
        let limit = if waiting > 0 { limits.send } else { limits.time };
        let left = (since + limit).saturating_sub(worker::now());
        match read {
            Ok(0) => return true,
            Ok(count) if left > 0 && count < most => {
                most -= count;
                yield_now().await;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && left > 0 => {
                io.set_timeout(limits.timeout.min(left));
                if io.readable().await.is_err() && waiting == 0 {
                    return false;
                }
            }
            Ok(_) | Err(_) => return false,
        }
    }
}

fn discard(io: Io) -> io::Result<usize> {
    io.read(&mut [0; DISCARDED])
}
