//! A compressed body, decompressed as it is asked for: a bomb costs its client's time, and no memory.

use std::io::Write;
use std::task::{Context, Poll};

use flate2::write::MultiGzDecoder;
use http::{Body, Source, SourceError};
use mem::{Chain, Str};

/// So much is read at once: a thousand times as much may come of it.
const READ: usize = 4 << 10;

/// Decompresses a body.
pub fn body(body: Body) -> Body {
    let decoder = Some(MultiGzDecoder::new(Vec::new()));
    Body::Source(Box::new(Inflate { from: body, decoder, room: Vec::new(), at: 0 }))
}

struct Inflate {
    from: Body,
    /// `None`: the end has gone out.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// What was read, and how much of it is decompressed.
    room: Vec<u8>,
    at: usize,
}

impl Source for Inflate {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Chain>, SourceError>> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Poll::Ready(Ok(None)) };
            if decoder.get_ref().len() >= most {
                return Poll::Ready(Ok(Some(taken(decoder.get_mut()))));
            }
            if self.at < self.room.len() {
                // It takes as much as fits into a buffer of its own: a little, and then we look.
                match decoder.write(&self.room[self.at..])? {
                    0 => return Poll::Ready(Err(SourceError("it goes on behind its end".into()))),
                    count => self.at += count,
                }
                continue;
            }
            self.room.clear();
            self.at = 0;
            let ended = match &mut self.from {
                Body::Chain(chain) if chain.is_empty() => true,
                Body::Chain(chain) => {
                    http::read_chain(chain, &mut self.room, READ)?;
                    false
                }
                Body::Source(source) => match source.poll(cx, READ) {
                    Poll::Ready(Ok(Some(mut piece))) => {
                        while !piece.is_empty() {
                            http::read_chain(&mut piece, &mut self.room, READ)?;
                        }
                        false
                    }
                    Poll::Ready(Ok(None)) => true,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if !decoder.get_ref().is_empty() => {
                        return Poll::Ready(Ok(Some(taken(decoder.get_mut()))));
                    }
                    Poll::Pending => return Poll::Pending,
                },
            };
            if ended {
                decoder.try_finish()?;
                let last = taken(decoder.get_mut());
                self.decoder = None;
                return Poll::Ready(Ok(Some(last)));
            }
        }
    }
}

fn taken(bytes: &mut Vec<u8>) -> Chain {
    let mut chain = Chain::new();
    chain.push_str(Str::from(std::mem::take(bytes)));
    chain
}
