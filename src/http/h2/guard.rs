//! The bytes of a connection on their way between socket and crate: frames are counted as they pass.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use h2::Reason;
use proto::http2::{Frames, Kind};
use rt::Io;
use sys::log::Level;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shared::Shared;

/// A client that sends without a pause has so many reads in one turn.
const READS: u32 = 16;
/// So many invalid requests are told of.
const COMPLAINTS: u32 = 10;
/// The acknowledgement of the PING that the crate sends behind the first GOAWAY: it waits for that before it says which stream
/// is the last (RFC 9113 §6.7, §6.8).
const HEARD: &[u8] = &[0, 0, 8, 6, 1, 0, 0, 0, 0, 0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

/// The connection's bytes.
pub struct Guard {
    io: Io,
    shared: Rc<Shared>,
    /// What was read before it was known to be HTTP/2.
    before: Vec<u8>,
    /// What we say in the client's place.
    in_its_place: &'static [u8],
    /// What goes out.
    frames: Frames,
    /// Invalid requests.
    invalid: u32,
    /// The client is an offender.
    is_deaf: bool,
}

impl Guard {
    /// Of a connection of which something may have been read.
    pub fn new(io: Io, shared: Rc<Shared>, before: Vec<u8>) -> Guard {
        Guard {
            io,
            shared,
            before,
            in_its_place: &[],
            frames: Frames::without_preface(),
            invalid: 0,
            is_deaf: false,
        }
    }

    /// Takes what there is room for; it is sent by the connection's task, or when there is no room.
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.shared.unsent.borrow().is_full() {
            ready!(self.shared.drain(cx))?;
        }
        let taken = self.shared.unsent.borrow_mut().take(bytes);
        self.look(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    /// What the crate refuses by itself no request tells of: it is seen by what is said of it, which we never say.
    fn look(&mut self, bytes: &[u8]) {
        self.frames.feed(bytes, |frame| {
            let is_refused = frame.kind == Kind::Reset
                && Reason::from(frame.code) == Reason::PROTOCOL_ERROR
                && self.invalid < COMPLAINTS;
            if is_refused {
                self.invalid += 1;
                let message =
                    format_args!("client sent invalid request on stream {}", frame.stream);
                self.shared.log(Level::Info, message);
            }
        });
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
        if traffic.incomplete_since().is_none() && this.shared.is_unheard.take() {
            this.in_its_place = HEARD;
        }
        if !this.in_its_place.is_empty() {
            let (said, rest) =
                this.in_its_place.split_at(this.in_its_place.len().min(buffer.remaining()));
            buffer.put_slice(said);
            this.in_its_place = rest;
            return Poll::Ready(Ok(()));
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
        self.get_mut().write(cx, bytes)
    }

    /// The crate asks for this behind every frame: they are sent together, when it has done its work.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.shared.drain(cx))?;
        this.io.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
