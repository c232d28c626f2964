//! A stream as a connection: for what takes one over, an event stream, a WebSocket. It has no framing but the stream's own.

use std::any::Any;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use mem::Block;
use rt::{Conn, Layer};

use super::piece::Piece;
use super::shared::Shared;
use super::waits::poll_room;

/// A stream.
pub struct StreamLayer {
    shared: Rc<Shared>,
    send: SendStream<Piece>,
    /// What the client sends; none: it has said all, and is there until it gives the stream up.
    recv: Option<RecvStream>,
    /// The end of what the client sends is its end.
    is_tunnel: bool,
    unread: Bytes,
    chunk: usize,
    /// We have said that nothing more comes.
    ended: bool,
}

impl StreamLayer {
    /// Of a stream whose answer's head has gone out. `chunk`: bytes of a frame. `is_tunnel`: what ends on one side ends on both.
    pub fn new(
        shared: Rc<Shared>,
        send: SendStream<Piece>,
        recv: Option<RecvStream>,
        is_tunnel: bool,
        chunk: usize,
    ) -> StreamLayer {
        StreamLayer { shared, send, recv, is_tunnel, unread: Bytes::new(), chunk, ended: false }
    }

    /// The client is gone.
    fn gone(conn: Conn, kind: ErrorKind) -> io::Error {
        conn.note_end(true);
        kind.into()
    }

    fn give(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.unread.len().min(buffer.len());
        self.unread.copy_to_slice(&mut buffer[..count]);
        if let Some(recv) = &mut self.recv {
            // It fails where the stream has ended: nobody needs room there.
            let _ = recv.flow_control().release_capacity(count);
        }
        count
    }
}

impl Layer for StreamLayer {
    fn read(&mut self, conn: Conn, buffer: &mut [u8]) -> io::Result<usize> {
        let waker = conn.waker();
        let cx = &mut Context::from_waker(&waker);
        while self.unread.is_empty() {
            let Some(recv) = &mut self.recv else {
                return match self.send.poll_reset(cx) {
                    Poll::Pending if !self.ended => Err(ErrorKind::WouldBlock.into()),
                    Poll::Pending => Ok(0),
                    Poll::Ready(_) => Err(Self::gone(conn, ErrorKind::ConnectionReset)),
                };
            };
            match recv.poll_data(cx) {
                Poll::Pending => return Err(ErrorKind::WouldBlock.into()),
                Poll::Ready(Some(Ok(bytes))) => self.unread = bytes,
                Poll::Ready(Some(Err(_))) => {
                    return Err(Self::gone(conn, ErrorKind::ConnectionReset));
                }
                Poll::Ready(None) if self.is_tunnel => {
                    conn.note_end(false);
                    return Ok(0);
                }
                // A request's body has ended, which was told apart from its head.
                Poll::Ready(None) => self.recv = None,
            }
        }
        Ok(self.give(buffer))
    }

    fn write(&mut self, conn: Conn, buffers: &[IoSlice<'_>], _: bool) -> io::Result<usize> {
        let wanted: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        if wanted == 0 {
            return Ok(0);
        }
        if self.ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let waker = conn.waker();
        if self.shared.schedule.borrow_mut().is_full(&waker) {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.send.reserve_capacity(wanted);
        let room = match poll_room(&mut self.send, &mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(room)) => room.min(wanted),
            Poll::Ready(Err(_)) => return Err(Self::gone(conn, ErrorKind::BrokenPipe)),
            Poll::Pending => return Err(ErrorKind::WouldBlock.into()),
        };
        let mut rest = buffers.iter().flat_map(|buffer| buffer.chunks(self.chunk));
        let (mut sent, mut left_over): (usize, &[u8]) = (0, &[]);
        while sent < room {
            let mut block = Block::take((room - sent).min(self.chunk));
            let most = (room - sent).min(self.chunk);
            while block.len() < most {
                if left_over.is_empty() {
                    left_over = rest.next().unwrap_or_default();
                }
                let count = left_over.len().min(most - block.len());
                let fits = block.extend_from_slice(&left_over[..count]);
                debug_assert!(fits);
                left_over = &left_over[count..];
            }
            sent += block.len();
            self.shared.traffic.borrow_mut().sent(block.len() as u64);
            self.shared.schedule.borrow_mut().gave(block.len() as u64);
            let sending = self.send.send_data(block.freeze().into(), false);
            sending.map_err(|_| Self::gone(conn, ErrorKind::BrokenPipe))?;
        }
        Ok(sent)
    }

    fn shutdown_write(&mut self, conn: Conn) {
        if !std::mem::replace(&mut self.ended, true)
            && self.send.send_data(Piece::default(), true).is_err()
        {
            conn.note_end(true);
        }
    }

    fn close(&mut self, _: Conn) {
        // Who has not been told that this was all must not take it for all.
        if !self.ended {
            self.send.send_reset(Reason::CANCEL);
        }
    }

    fn hang_up(&mut self, conn: Conn) {
        self.reset_on_close(conn);
        conn.note_end(true);
        conn.wake();
    }

    fn reset_on_close(&mut self, _: Conn) {
        self.ended = true;
        self.send.send_reset(Reason::CANCEL);
    }

    fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
