//! A client's half of HTTP/1: one exchange at a time, over any byte stream.
//!
//! Whoever uses it connects (`rt::connect`) and sets the stream's deadlines.

use std::fmt;
use std::io;

use proto::http1::{Chunked, Framing, ResponseHead, parse_response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Where an exchange was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody has been reached.
    Connect,
    /// The request is on its way.
    Send,
    /// The answer's head is waited for.
    Head,
    /// The answer's body is.
    Body,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Error {
    /// How far it had come.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
}

/// What ended an exchange.
#[derive(Debug)]
pub enum Cause {
    /// The system says so.
    Io(io::Error),
    /// The deadline has passed.
    TimedOut,
    /// The other side has closed; it has sent so many bytes of what was waited for.
    Closed(usize),
    /// It is longer than so many bytes.
    TooLarge(usize),
    /// It is no HTTP/1.
    NotHttp,
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Cause {
        match error.kind() {
            io::ErrorKind::TimedOut => Cause::TimedOut,
            _ => Cause::Io(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.phase {
            Phase::Connect => return write!(f, "connect() {}", self.cause),
            Phase::Send => return write!(f, "send() {}", self.cause),
            Phase::Head => "the answer's head",
            Phase::Body => "the answer's body",
        };
        match &self.cause {
            Cause::Closed(0) if self.phase == Phase::Head => {
                f.write_str("closed without an answer")
            }
            Cause::Closed(_) => write!(f, "closed before the end of {part}"),
            Cause::TooLarge(most) => write!(f, "{part} is longer than {most} bytes"),
            Cause::NotHttp => f.write_str("the answer is no HTTP"),
            Cause::Io(_) => write!(f, "recv() {}", self.cause),
            Cause::TimedOut => f.write_str("timed out"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Io(error) => write!(f, "failed {}", sys::log::errno(error)),
            Cause::TimedOut => f.write_str("timed out"),
            Cause::Closed(_) => f.write_str("failed: the other side has closed"),
            Cause::TooLarge(most) => write!(f, "failed: more than {most} bytes"),
            Cause::NotHttp => f.write_str("failed: no HTTP"),
        }
    }
}

impl std::error::Error for Error {}

/// A connection to a server.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    /// Read, and not taken yet.
    bytes: Vec<u8>,
    framing: Framing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Over a stream that is connected.
    pub fn new(stream: S) -> Client<S> {
        Client { stream, bytes: Vec::new(), framing: Framing::None }
    }

    /// Sends a request, or a part of one, as it is to be on the wire.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.stream.write_all(bytes).await;
        sent.map_err(|error| Error { phase: Phase::Send, cause: error.into() })
    }

    /// Reads the head of the answer to a request of that method, which has at most so many bytes. What is said before it
    /// (`100 Continue`, `103 Early Hints`) is passed over.
    pub async fn head(&mut self, method: &str, most: usize) -> Result<ResponseHead, Error> {
        let failed = |cause| Error { phase: Phase::Head, cause };
        loop {
            let parsed = parse_response(&self.bytes).map_err(|_| failed(Cause::NotHttp))?;
            if let Some((head, len)) = parsed {
                if len > most {
                    return Err(failed(Cause::TooLarge(most)));
                }
                self.bytes.drain(..len);
                if matches!(head.status, 100 | 102..=199) {
                    continue;
                }
                self.framing = head.framing(method).map_err(|_| failed(Cause::NotHttp))?;
                return Ok(head);
            }
            if self.bytes.len() >= most {
                return Err(failed(Cause::TooLarge(most)));
            }
            if self.fill().await.map_err(|error| failed(error.into()))? == 0 {
                return Err(failed(Cause::Closed(self.bytes.len())));
            }
        }
    }

    /// The next bytes of the body; none: it has ended.
    pub async fn body(&mut self) -> Result<Vec<u8>, Error> {
        let failed = |cause| Error { phase: Phase::Body, cause };
        loop {
            match &mut self.framing {
                Framing::None | Framing::Length(0) => return Ok(Vec::new()),
                Framing::Length(left) if !self.bytes.is_empty() => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(self.bytes.len());
                    *left -= count as u64;
                    return Ok(self.bytes.drain(..count).collect());
                }
                Framing::Close if !self.bytes.is_empty() => {
                    return Ok(std::mem::take(&mut self.bytes));
                }
                Framing::Chunked(chunked) => {
                    let piece = next_piece(chunked, &mut self.bytes);
                    let piece = piece.map_err(|_| failed(Cause::NotHttp))?;
                    if !piece.is_empty() || chunked.is_done() {
                        return Ok(piece);
                    }
                }
                Framing::Length(_) | Framing::Close => {}
            }
            if self.fill().await.map_err(|error| failed(error.into()))? == 0 {
                return match self.framing {
                    Framing::Close => Ok(Vec::new()),
                    _ => Err(failed(Cause::Closed(0))),
                };
            }
        }
    }

    /// The whole body, which has at most so many bytes.
    pub async fn whole_body(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        loop {
            let piece = self.body().await?;
            if piece.is_empty() {
                return Ok(whole);
            }
            if whole.len() + piece.len() > most {
                return Err(Error { phase: Phase::Body, cause: Cause::TooLarge(most) });
            }
            whole.extend_from_slice(&piece);
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.bytes.reserve(4096);
        self.stream.read_buf(&mut self.bytes).await
    }
}

/// The data of the next chunk, as far as it is there.
fn next_piece(chunked: &mut Chunked, bytes: &mut Vec<u8>) -> Result<Vec<u8>, proto::http1::Reject> {
    let step = chunked.decode(bytes)?;
    let piece = step.data.map(|data| bytes[data].to_vec()).unwrap_or_default();
    bytes.drain(..step.consumed);
    Ok(piece)
}

#[cfg(test)]
mod tests;
