//! The bytes of a connection on their way between socket and crate: frames are counted as they pass.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use rt::Io;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shared::Shared;

/// A client that sends without a pause has so many reads in one turn.
const READS: u32 = 16;

/// The connection's bytes.
pub struct Guard {
    io: Io,
    shared: Rc<Shared>,
    /// What was read before it was known to be HTTP/2.
    before: Vec<u8>,
}

impl Guard {
    /// Of a connection of which something may have been read.
    pub fn new(io: Io, shared: Rc<Shared>, before: Vec<u8>) -> Guard {
        Guard { io, shared, before }
    }

    fn write(&self, cx: &mut Context<'_>, buffers: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.io.write(buffers, false) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if self.shared.blocked_since.get() == 0 {
                    self.shared.blocked_since.set(rt::now().max(1));
                }
                self.io.wakes(cx);
                Poll::Pending
            }
            result => {
                self.shared.blocked_since.set(0);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut traffic = this.shared.traffic.borrow_mut();
        // Nothing more is heard of an offender. The connection's task is told by its next look.
        if traffic.offence().is_some() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !this.before.is_empty() {
            let count = this.before.len().min(buffer.remaining());
            traffic.received(&this.before[..count], rt::now());
            buffer.put_slice(&this.before[..count]);
            this.before.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let reads = this.shared.reads.get();
        if reads == READS {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.shared.reads.set(reads + 1);
        let room = buffer.initialize_unfilled();
        match this.io.read(room) {
            Ok(count) => {
                traffic.received(&room[..count], rt::now());
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                this.io.wakes(cx);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
