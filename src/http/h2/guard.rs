//! The bytes of a connection on their way between socket and crate: frames are counted as they pass.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use mem::Block;
use rt::Io;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shared::Shared;

/// A client that sends without a pause has so many reads in one turn.
const READS: u32 = 16;

/// So much goes out in one call.
const COLLECTED: usize = 32 << 10;

/// The connection's bytes.
pub struct Guard {
    io: Io,
    shared: Rc<Shared>,
    /// What was read before it was known to be HTTP/2.
    before: Vec<u8>,
    /// Frames that go out together: the crate writes each by itself.
    out: Option<Block>,
    /// How much of them has gone out.
    written: usize,
    /// The client is an offender.
    is_deaf: bool,
}

impl Guard {
    /// Of a connection of which something may have been read.
    pub fn new(io: Io, shared: Rc<Shared>, before: Vec<u8>) -> Guard {
        Guard { io, shared, before, out: None, written: 0, is_deaf: false }
    }

    /// Writes what waits. Ready: all of it.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(block) = &mut self.out else { return Poll::Ready(Ok(())) };
        while self.written < block.len() {
            match self.io.write(&[IoSlice::new(&block.filled()[self.written..])], false) {
                Ok(count) => {
                    self.written += count;
                    self.shared.blocked_since.set(0);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.shared.blocked_since.get() == 0 {
                        self.shared.blocked_since.set(rt::now().max(1));
                    }
                    self.io.wakes(cx);
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        // What waits for nothing keeps nothing.
        (self.out, self.written) = (None, 0);
        Poll::Ready(Ok(()))
    }

    /// Takes what there is room for; it goes out with what follows, or by a flush.
    fn write(&mut self, cx: &mut Context<'_>, buffers: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.out.as_ref().is_some_and(|block| block.spare() == 0) {
            ready!(self.drain(cx))?;
        }
        let block = self.out.get_or_insert_with(|| Block::take(COLLECTED));
        let mut taken = 0;
        for buffer in buffers {
            let count = buffer.len().min(block.spare());
            let fits = block.extend_from_slice(&buffer[..count]);
            debug_assert!(fits);
            taken += count;
        }
        Poll::Ready(Ok(taken))
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
        // Nothing more is heard of an offender. The connection's task finds out by another look.
        if traffic.offence().is_some() {
            if !std::mem::replace(&mut this.is_deaf, true) {
                cx.waker().wake_by_ref();
            }
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
        self.get_mut().write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().write(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(cx))?;
        this.io.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
