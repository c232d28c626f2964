//! A newer binary, as the master that has started it sees it.

use std::io::{PipeReader, Read};
use std::os::fd::{AsRawFd, RawFd};

/// A new binary that this master has started.
pub struct Successor {
    /// Its process.
    pub pid: i32,
    pipe: PipeReader,
    ready: bool,
}

impl Successor {
    /// It reports through `pipe`, which does not block.
    pub fn new(pid: i32, pipe: PipeReader) -> Successor {
        Successor { pid, pipe, ready: false }
    }

    /// Whether it serves.
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// The pipe on which it reports.
    pub fn fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }

    /// Listens to it. `true`: it has come to serve just now.
    pub fn hear(&mut self) -> bool {
        let mut byte = [0];
        let serves = !self.ready && matches!(self.pipe.read(&mut byte), Ok(1));
        self.ready |= serves;
        serves
    }
}
