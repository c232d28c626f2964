//! A movie as a body: another thread reads each piece of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Error, Source};
use mem::{Chain, Str};

use crate::play::medium::Pieces;

/// What a job gives back, and what it has read.
type Read<R> = (R, io::Result<Vec<u8>>);

/// The body.
pub struct Film<R> {
    /// Bytes that it has in all.
    len: u64,
    state: State<R>,
}

enum State<R> {
    Idle(R),
    Reading(rt::Offload<Read<R>>),
    Ended,
}

/// Bytes that are read at once, at most.
const PIECE: usize = 256 << 10;

impl<R: Pieces> Film<R> {
    /// What is left for a reader.
    pub fn new(reader: R) -> Film<R> {
        Film { len: reader.left(), state: State::Idle(reader) }
    }
}

impl<R: Pieces + Unpin> Source for Film<R> {
    fn length(&self) -> Option<u64> {
        Some(self.len)
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(Ok(None)),
                State::Idle(reader) if reader.left() == 0 => return Poll::Ready(Ok(None)),
                State::Idle(mut reader) => {
                    let most = most.clamp(4096, PIECE);
                    self.state = State::Reading(rt::offload(move || {
                        let read = reader.read(most);
                        (reader, read)
                    }));
                }
                State::Reading(job) => {
                    let State::Reading(job) = ({
                        self.state = State::Reading(job);
                        &mut self.state
                    }) else {
                        return Poll::Ready(Ok(None));
                    };
                    let (reader, read) = ready!(Pin::new(job).poll(cx));
                    let bytes = match read {
                        Ok(bytes) => bytes,
                        Err(error) => {
                            self.state = State::Ended;
                            return Poll::Ready(Err(error.into()));
                        }
                    };
                    self.state = State::Idle(reader);
                    let mut chain = Chain::new();
                    chain.push_str(Str::from(bytes));
                    return Poll::Ready(Ok(Some(chain)));
                }
            }
        }
    }
}
