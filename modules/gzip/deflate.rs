//! A body, compressed as it is asked for.

use std::io::Write;
use std::task::{Context, Poll};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use http::{Body, Error, Source};
use mem::{Chain, Str};

use crate::PIECE;

/// A body that is all there, and not longer, is compressed at once.
const SHORT: u64 = 64 << 10;

/// So much is compressed in one turn.
const TURN: usize = 256 << 10;

/// zlib-rs' first level is a quarter larger than what zlib makes of its first one; the second is smaller, and still
/// takes less time than that.
const LEAST: u32 = 2;

type Encoder = GzEncoder<Vec<u8>>;

/// Compresses a body; `level` from 1 to 9.
pub fn body(body: Body, level: u32) -> Body {
    // 3: Unix (RFC 1952), as everybody says.
    let encoder = GzBuilder::new().operating_system(3);
    let encoder = encoder.write(Vec::new(), Compression::new(level.max(LEAST)));
    let mut deflate = Deflate { from: body, encoder: Some(encoder), room: Vec::new(), fed: false };
    match is_short(&deflate.from) {
        true => match deflate.all() {
            Ok(bytes) => {
                let mut chain = Chain::new();
                chain.push_str(Str::from(bytes));
                Body::Chain(chain)
            }
            // It is told when the body is asked for.
            Err(error) => Body::Source(Box::new(http::Failed::new(error))),
        },
        false => Body::Source(Box::new(deflate)),
    }
}

struct Deflate {
    from: Body,
    /// `None`: the end has gone out.
    encoder: Option<Encoder>,
    /// Where what is to be compressed is read to.
    room: Vec<u8>,
    /// Something has gone in since the last time that all came out.
    fed: bool,
}

fn is_short(body: &Body) -> bool {
    matches!(body, Body::Chain(chain) if chain.len() <= SHORT)
}

impl Deflate {
    fn all(&mut self) -> Result<Vec<u8>, Error> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(Vec::new()) };
        let chain = self.from.chain();
        while !chain.is_empty() {
            self.room.clear();
            http::read_chain(chain, &mut self.room, PIECE)?;
            encoder.write_all(&self.room)?;
        }
        Ok(encoder.finish()?)
    }
}

impl Source for Deflate {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        let mut read = 0;
        loop {
            let Some(encoder) = &mut self.encoder else { return Poll::Ready(Ok(None)) };
            if encoder.get_ref().len() >= most {
                return Poll::Ready(Ok(Some(taken(encoder))));
            }
            // What is compressed well gives little for much work: the others have their turn.
            if read >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.room.clear();
            let more = match self.from.poll_read(cx, &mut self.room, PIECE)? {
                Poll::Ready(more) => more,
                // Whoever waits for more has at least what there was.
                Poll::Pending if std::mem::take(&mut self.fed) => {
                    encoder.flush()?;
                    return Poll::Ready(Ok(Some(taken(encoder))));
                }
                Poll::Pending => return Poll::Pending,
            };
            match more {
                true => {
                    read += self.room.len();
                    encoder.write_all(&self.room)?;
                    self.fed = true;
                }
                false => {
                    encoder.try_finish()?;
                    let last = taken(encoder);
                    self.encoder = None;
                    return Poll::Ready(Ok(Some(last)));
                }
            }
        }
    }
}

fn taken(encoder: &mut Encoder) -> Chain {
    let mut chain = Chain::new();
    chain.push_str(Str::from(std::mem::take(encoder.get_mut())));
    chain
}
