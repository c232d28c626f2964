//! Connections of one thread: made at once, as loopback makes them, then left to mio.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A connection that does not block any more, with `request` sent.
pub fn open(
    target: SocketAddr,
    request: &[u8],
    registry: &Registry,
    token: usize,
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    stream.set_nonblocking(true)?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    registry.register(&mut SourceFd(&stream.as_raw_fd()), Token(token), interest)?;
    Ok(stream)
}

/// Gives all that has come to `take`; whether more may come. `ended`: the peer has said that it does
/// not, so its end is read as well; otherwise a read that does not fill the buffer was the last.
pub fn read(
    mut stream: &TcpStream,
    buffer: &mut [u8],
    ended: bool,
    mut take: impl FnMut(&[u8]),
) -> bool {
    loop {
        match stream.read(buffer) {
            Ok(0) => return false,
            Ok(count) => {
                take(&buffer[..count]);
                if count < buffer.len() && !ended {
                    return true;
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}
