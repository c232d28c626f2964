//! A compressed body, decompressed as it is asked for: a bomb costs its client's time, and no memory.

use std::io::Write;
use std::task::{Context, Poll};

use flate2::write::MultiGzDecoder;
use http::{Body, Error, Source};
use mem::{Chain, Str};

/// So much is read at once: a thousand times as much may come of it.
const READ: usize = 4 << 10;

/// So much is read in one turn.
const TURN: usize = 256 << 10;

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

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        let mut read = 0;
        loop {
            let Some(decoder) = &mut self.decoder else { return Poll::Ready(Ok(None)) };
            if decoder.get_ref().len() >= most {
                return Poll::Ready(Ok(Some(taken(decoder.get_mut()))));
            }
            if self.at < self.room.len() {
                // It takes as much as fits into a buffer of its own: a little, and then we look.
                match decoder.write(&self.room[self.at..])? {
                    0 => return Poll::Ready(Err(Error::invalid("it goes on behind its end"))),
                    count => self.at += count,
                }
                continue;
            }
            // What gives little or nothing for much work (one empty member after the other): the others have their turn.
            if read >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.room.clear();
            self.at = 0;
            let more = match self.from.poll_read(cx, &mut self.room, READ)? {
                Poll::Ready(more) => more,
                Poll::Pending if !decoder.get_ref().is_empty() => {
                    return Poll::Ready(Ok(Some(taken(decoder.get_mut()))));
                }
                Poll::Pending => return Poll::Pending,
            };
            read += self.room.len();
            if !more {
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
