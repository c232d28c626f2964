//! Bytes of one socket go to another through a pipe, and never come here (splice(2)).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// What a pipe holds, unless it is told otherwise (pipe(7)).
const CAPACITY: usize = 64 << 10;

/// A pipe, and how much is in it.
#[derive(Debug)]
pub struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    held: usize,
}

impl Pipe {
    /// An empty one.
    pub fn new() -> io::Result<Pipe> {
        let mut ends = [-1; 2];
        // SAFETY: the kernel writes two numbers to the array, which is alive for the call.
        let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) };
        crate::file::check(made)?;
        // SAFETY: the kernel has just made them, for nobody else.
        let [out, into] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(Pipe { out, into, held: 0 })
    }

    /// Bytes that are in it.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes what a socket has, while nothing is in it: 0 is the end of the stream. `WouldBlock` means the socket then.
    pub fn fill(&mut self, from: RawFd) -> io::Result<usize> {
        let count = splice(from, self.into.as_raw_fd(), CAPACITY)?;
        self.held += count;
        Ok(count)
    }

    /// Gives a socket what it takes of it, while something is in it. `WouldBlock` means the socket then.
    pub fn drain(&mut self, to: RawFd) -> io::Result<usize> {
        let count = splice(self.out.as_raw_fd(), to, self.held)?;
        self.held -= count;
        Ok(count)
    }
}

fn splice(from: RawFd, to: RawFd, most: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    let (none, nowhere) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: no memory of this process is involved; descriptors are checked by the kernel.
    let count = unsafe { libc::splice(from, none, to, nowhere, most, flags) };
    if count < 0 { Err(io::Error::last_os_error()) } else { Ok(count as usize) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn bytes_go_through() {
        let (mut from, taken) = UnixStream::pair().expect("sockets");
        let (given, mut to) = UnixStream::pair().expect("sockets");
        taken.set_nonblocking(true).expect("a flag");
        let mut pipe = Pipe::new().expect("a pipe");
        let nothing = pipe.fill(taken.as_raw_fd()).expect_err("nothing is there");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        from.write_all(b"hello").expect("written");
        assert_eq!(pipe.fill(taken.as_raw_fd()).expect("filled"), 5);
        assert_eq!((pipe.held(), pipe.drain(given.as_raw_fd()).expect("drained")), (5, 5));
        let mut said = [0; 5];
        to.read_exact(&mut said).expect("read");
        assert_eq!((&said, pipe.held()), (b"hello", 0));
        drop(from);
        assert_eq!(pipe.fill(taken.as_raw_fd()).expect("the end"), 0);
    }
}
