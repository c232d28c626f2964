//! The body of an answer: a chain that is all there, or a source that is asked for more whenever the client has taken
//! what it gave.
//!
//! ```text
//! handler ─▶ Body ─▶ body filters, each wraps it ─▶ connection: frames it, sends, asks for more
//! ```
//! Back-pressure needs no code: nobody asks a source before there is room for what it gives. To drop it is to abort it.

use std::fmt;
use std::task::{Context, Poll};

use mem::{Buf, Chain, Data, Str};

use crate::request::Request;

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

    /// The next piece, of about `most` bytes; `None`: that was all. It is polled only in the connection's task, whose
    /// wakers work as in any task.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Chain>, SourceError>>;
}

/// Why a body cannot go on: its client's connection is closed, so that it does not take it for complete.
#[derive(Debug)]
pub struct SourceError(pub String);

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SourceError {}

impl From<std::io::Error> for SourceError {
    fn from(error: std::io::Error) -> SourceError {
        SourceError(sys::log::errno(&error))
    }
}

/// A module's part in the body of an answer.
pub trait BodyFilter: 'static {
    /// Makes another body of it, or gives it back. The answer's header is decided: what this does to the body's length,
    /// the module's header filter has told.
    fn body(&self, request: &mut Request, body: Body) -> Body;
}

/// Fields behind the body of an answer (RFC 9110 §6.5).
pub trait Trailers: 'static {
    /// Whether there will be any: the body is chunked then.
    fn expects(&self, request: &Request) -> bool;

    /// The fields, when the body has ended.
    fn fields(&self, request: &mut Request, out: &mut Vec<(Str, Str)>);
}

/// A source that has failed before it has given anything.
#[derive(Debug)]
pub struct Failed(Option<SourceError>);

impl Failed {
    /// For this reason.
    pub fn new(error: SourceError) -> Failed {
        Failed(Some(error))
    }
}

impl Source for Failed {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, _: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, SourceError>> {
        Poll::Ready(self.0.take().map_or(Ok(None), Err))
    }
}

/// Moves up to `most` bytes, or a whole piece of memory, from the front of a chain to `out`; those of a file are read. The
/// error: the file cannot be read, or is shorter than it was.
pub fn read_chain(chain: &mut Chain, out: &mut Vec<u8>, most: usize) -> Result<(), SourceError> {
    let Some(buf) = chain.iter().find(|buf| !buf.is_empty()) else { return Ok(()) };
    let count = match &buf.data {
        Data::Memory(bytes) => {
            let count = bytes.len().min(most);
            out.extend_from_slice(&bytes[..count]);
            count
        }
        Data::File(window) => {
            let (before, wanted) = (out.len(), (window.len as usize).min(most));
            out.resize(before + wanted, 0);
            let read = sys::file::read_at(&window.file, &mut out[before..], window.offset)?;
            out.truncate(before + read);
            if read == 0 {
                return Err(SourceError("the file was truncated while it was sent".to_owned()));
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
}
