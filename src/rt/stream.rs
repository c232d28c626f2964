//! A connection behind tokio's I/O traits, for protocol crates that are written against them
//! (TLS, HTTP/2, WebSocket). Only the traits are used: no tokio runtime is involved.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::Io;

/// A connection as an `AsyncRead + AsyncWrite`. An accepted one must be polled by its own task: that is what its
/// readiness wakes. Another socket ([`Socket`](crate::Socket)) wakes whoever has polled it last.
#[derive(Clone, Copy, Debug)]
pub struct Stream(pub Io);

impl Stream {
    fn pending<T>(&self, cx: &mut Context<'_>, result: io::Result<T>) -> Poll<io::Result<T>> {
        match result {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Poll::Ready(Err(error)),
            Err(_) if self.0.timed_out() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Err(_) => {
                self.0.wakes(cx);
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.read(buffer.initialize_unfilled());
        self.pending(cx, read.map(|count| buffer.advance(count)))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pending(cx, self.0.write(&[IoSlice::new(bytes)], false))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pending(cx, self.0.write(buffers, false))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
