//! The body of an answer: a chain that is all there, or a source that is asked for more whenever the client has taken
//! what it gave.
//!
//! ```text
//! handler ─▶ Body ─▶ body filters, each wraps it ─▶ connection: frames it, sends, asks for more
//! ```
//! Back-pressure needs no code: nobody asks a source before there is room for what it gives. To drop it is to abort it.

pub mod coded;
pub mod kept;
pub mod spool;
mod threads;

use std::future::poll_fn;
use std::task::{Context, Poll};

use mem::{Buf, Chain, Str};

use crate::error::{Cause, Error, Phase};

/// What is sent behind the head.
pub enum Body {
    /// All of it: memory and windows of files.
    Chain(Chain),
    /// It comes piece by piece.
    Source(Box<dyn Source>),
}

/// Where a body comes from, piece by piece.
pub trait Source {
    /// How many bytes it will have given in all, if that is known. Then it must be so.
    fn length(&self) -> Option<u64>;

    /// The next piece, of about `most` bytes; `None`: that was all, and it is asked no more. It is polled only in the connection's task, whose
    /// wakers work as in any task.
    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>>;

    /// So many bytes at the beginning are wanted by nobody. Gives how many of them will not be given.
    fn skip(&mut self, bytes: u64) -> u64 {
        let _ = bytes;
        0
    }

    /// It will be asked for later: what has to be waited for may begin. It is polled as [`Source::poll`] is.
    fn prepare(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// Fields that follow it (RFC 9110 §6.5), asked for when it has given all. They are sent only where they have a place:
    /// behind the last chunk. Who wraps a source gives its own.
    fn trailers(&mut self) -> Option<Fields> {
        None
    }
}

/// Names and values, in order.
pub type Fields = Vec<(Str, Str)>;

/// A source that has failed before it has given anything.
#[derive(Debug)]
pub struct Failed(Option<Error>);

impl Failed {
    /// For this reason.
    pub fn new(error: Error) -> Failed {
        Failed(Some(error))
    }
}

impl Source for Failed {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, _: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, Error>> {
        Poll::Ready(self.0.take().map_or(Ok(None), Err))
    }
}

/// Why a file is no body any more.
const SHRUNK: &str = "the file was truncated while it was sent";

/// Moves up to `most` bytes, or a whole piece of memory, from the front of a chain to `out`; those of a file are read. The
/// error: the file cannot be read, or is shorter than it was.
pub fn read_chain(chain: &mut Chain, out: &mut Vec<u8>, most: usize) -> Result<(), Error> {
    let Some(buf) = chain.iter().next() else { return Ok(()) };
    let count = match buf {
        Buf::Memory(bytes) => {
            let count = bytes.len().min(most);
            out.extend_from_slice(&bytes[..count]);
            count
        }
        Buf::File(window) => {
            let (before, wanted) = (out.len(), (window.len as usize).min(most));
            out.resize(before + wanted, 0);
            let read = sys::file::read_at(&window.file, &mut out[before..], window.offset)?;
            out.truncate(before + read);
            if read == 0 {
                return Err(Error::invalid(SHRUNK));
            }
            read
        }
    };
    chain.advance(count as u64);
    Ok(())
}

impl Default for Body {
    fn default() -> Body {
        Body::Chain(Chain::new())
    }
}

impl Body {
    /// How many bytes it has, if that is known.
    pub fn len(&self) -> Option<u64> {
        match self {
            Body::Chain(chain) => Some(chain.len()),
            Body::Source(source) => source.length(),
        }
    }

    /// Whether it is known to have none.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Forgets what it has; keeps its memory.
    pub fn clear(&mut self) {
        self.chain().clear();
    }

    /// Appends to a chain; a source is given up for it.
    pub fn push(&mut self, buf: Buf) {
        self.chain().push(buf);
    }

    /// The chain that it is, or from now on is.
    pub fn chain(&mut self) -> &mut Chain {
        if let Body::Source(_) = self {
            *self = Body::default();
        }
        match self {
            Body::Chain(chain) => chain,
            Body::Source(_) => unreachable!("it has just become a chain"),
        }
    }

    /// Fields that follow it, when it has ended.
    pub fn trailers(&mut self) -> Option<Fields> {
        match self {
            Body::Chain(_) => None,
            Body::Source(source) => source.trailers(),
        }
    }

    /// Appends the next bytes, about `most`, to `out`; `false`: it has ended. The error: it cannot go on.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
        most: usize,
    ) -> Poll<Result<bool, Error>> {
        let source = match self {
            Body::Chain(chain) if chain.is_empty() => return Poll::Ready(Ok(false)),
            Body::Chain(chain) => {
                return Poll::Ready(read_chain(chain, out, most).map(|()| true));
            }
            Body::Source(source) => source,
        };
        match source.poll(cx, most) {
            Poll::Ready(Ok(Some(mut piece))) => {
                while !piece.is_empty() {
                    read_chain(&mut piece, out, most)?;
                }
                Poll::Ready(Ok(true))
            }
            Poll::Ready(Ok(None)) => Poll::Ready(Ok(false)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The next piece as it is, about `most` bytes of a source; `None`: it has ended.
    pub async fn next(&mut self, most: usize) -> Result<Option<Chain>, Error> {
        poll_fn(|cx| self.poll_next(cx, most)).await
    }

    /// The same, for a source that is made of others.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Chain>, Error>> {
        match self {
            Body::Chain(chain) if chain.is_empty() => Poll::Ready(Ok(None)),
            Body::Chain(chain) => Poll::Ready(Ok(Some(std::mem::take(chain)))),
            Body::Source(source) => source.poll(cx, most),
        }
    }

    /// It will be asked for more later ([`Source::prepare`]): for a source that is made of others.
    pub fn prepare(&mut self, cx: &mut Context<'_>) {
        if let Body::Source(source) = self {
            source.prepare(cx);
        }
    }

    /// The same bytes in memory.
    pub async fn read(&mut self, out: &mut Vec<u8>, most: usize) -> Result<bool, Error> {
        poll_fn(|cx| self.poll_read(cx, out, most)).await
    }

    /// All of it in memory, if that is no more than `limit` bytes.
    pub async fn read_whole(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let too_large = || Error::new(Phase::Client, Cause::TooLarge(limit));
        if self.len().is_some_and(|len| len > limit as u64) {
            return Err(too_large());
        }
        let mut whole = Vec::new();
        while self.read(&mut whole, PIECE).await? {
            if whole.len() > limit {
                return Err(too_large());
            }
        }
        Ok(whole)
    }
}

/// So much is read at once.
const PIECE: usize = 32 << 10;
