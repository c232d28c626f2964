//! A client's half of HTTP/1: one exchange at a time, over any byte stream.
//!
//! Whoever uses it connects (`rt::connect`) and sets the stream's deadlines. Such a deadline ends a wait; a server that always
//! has something to say is never waited for, and is ended by a deadline around the exchange (`fetch`), which has its turn.

use std::io;

use proto::http1::{Chunked, Framing, ResponseHead, parse_response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub use crate::error::{Cause, Error, Phase};

pub mod fetch;
mod lookup;

/// The most answers before the one that counts.
const MOST_INTERIM: usize = 8;
/// Reads after which others have their turn, though there is more to read.
const READS: usize = 16;

/// A connection to a server.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    /// Read, and not taken yet.
    bytes: Vec<u8>,
    framing: Framing,
    reads: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Over a stream that is connected.
    pub fn new(stream: S) -> Client<S> {
        Client { stream, bytes: Vec::new(), framing: Framing::None, reads: 0 }
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
        let mut interim = 0;
        loop {
            let parsed = parse_response(&self.bytes).map_err(|_| failed(Cause::NotHttp))?;
            if let Some((head, len)) = parsed {
                if len > most {
                    return Err(failed(Cause::TooLarge(most)));
                }
                self.bytes.drain(..len);
                if matches!(head.status, 100 | 102..=199) {
                    interim += 1;
                    if interim > MOST_INTERIM {
                        let why = format!("more than {MOST_INTERIM} interim answers");
                        return Err(failed(Cause::Invalid(why)));
                    }
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
        let too_large = || Error { phase: Phase::Body, cause: Cause::TooLarge(most) };
        if matches!(self.framing, Framing::Length(length) if length > most as u64) {
            return Err(too_large());
        }
        let mut whole = Vec::new();
        loop {
            let piece = self.body().await?;
            if piece.is_empty() {
                return Ok(whole);
            }
            if whole.len() + piece.len() > most {
                return Err(too_large());
            }
            whole.extend_from_slice(&piece);
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(READS) {
            rt::yield_now().await;
        }
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
