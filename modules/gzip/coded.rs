//! A body that is compressed or decompressed piece by piece, as the client takes it.

use std::task::{Context, Poll};

use http::{Body, Error, Fields, Source};
use mem::{Chain, Str};

/// So much is read in one turn: of some bodies much work makes little, or nothing (one empty member after the other).
const TURN: usize = 256 << 10;

/// What makes something else of bytes, and has a buffer for it.
pub trait Coder {
    /// So much is read for it at once.
    const READ: usize;

    /// Takes the beginning of what was read; gives how much that was.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error>;

    /// Nothing comes for now: all that can be made of what has come.
    fn flush(&mut self) -> Result<(), Error>;

    /// Nothing more comes.
    fn finish(&mut self) -> Result<(), Error>;

    /// What it has made.
    fn made(&mut self) -> &mut Vec<u8>;
}

/// A body, and what makes another one of it.
pub struct Coded<C> {
    pub from: Body,
    /// `None`: the end has gone out.
    coder: Option<C>,
    /// What was read, and how much of it the coder has taken.
    piece: Vec<u8>,
    at: usize,
    /// Something has gone in since the last time that all came out.
    fed: bool,
}

impl<C: Coder> Coded<C> {
    /// What `coder` makes of a body.
    pub fn new(from: Body, coder: C) -> Coded<C> {
        Coded { from, coder: Some(coder), piece: Vec::new(), at: 0, fed: false }
    }
}

impl<C: Coder> Source for Coded<C> {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        let mut read = 0;
        loop {
            let Some(coder) = &mut self.coder else { return Poll::Ready(Ok(None)) };
            if coder.made().len() >= most {
                return Poll::Ready(Ok(Some(made(coder))));
            }
            if self.at < self.piece.len() {
                self.at += coder.take(&self.piece[self.at..])?;
                self.fed = true;
                continue;
            }
            if read >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.piece.clear();
            self.at = 0;
            match self.from.poll_read(cx, &mut self.piece, C::READ)? {
                Poll::Ready(true) => read += self.piece.len(),
                Poll::Ready(false) => {
                    coder.finish()?;
                    let last = made(coder);
                    self.coder = None;
                    return Poll::Ready(Ok(Some(last)));
                }
                Poll::Pending => {
                    if std::mem::take(&mut self.fed) {
                        coder.flush()?;
                    }
                    // Whoever waits for more has at least what there was.
                    return match coder.made().is_empty() {
                        true => Poll::Pending,
                        false => Poll::Ready(Ok(Some(made(coder)))),
                    };
                }
            }
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.from.trailers()
    }
}

fn made(coder: &mut impl Coder) -> Chain {
    let mut chain = Chain::new();
    chain.push_str(Str::from(std::mem::take(coder.made())));
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What comes of a body, and how often others have had their turn.
    fn run(body: Body) -> (u64, u32) {
        let Body::Source(mut source) = body else { panic!("it comes in pieces") };
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let (mut len, mut waits) = (0, 0);
        loop {
            match source.poll(&mut Context::from_waker(&waker), 32 << 10) {
                Poll::Ready(piece) => match piece.expect("well-formed") {
                    Some(piece) => len += piece.len(),
                    None => return (len, waits),
                },
                Poll::Pending => {
                    waits += 1;
                    assert_eq!(woken.0.load(Ordering::Relaxed), waits, "it would never go on");
                }
            }
        }
    }

    fn memory(bytes: Vec<u8>) -> Body {
        let mut chain = Chain::new();
        chain.push_str(Str::from(bytes));
        Body::Chain(chain)
    }

    /// RFC 1952 §2.2: a file is a series of members, of which each may be empty.
    #[test]
    fn a_body_that_comes_to_nothing_gives_others_their_turn() {
        let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let members = empty.finish().expect("a member").repeat(100_000);
        let turns = members.len() / TURN;
        let (len, waits) = run(crate::inflate::body(memory(members)));
        assert_eq!(len, 0);
        assert!(waits as usize >= turns - 1 && turns > 5, "{waits} of {turns}");
    }

    #[test]
    fn a_body_that_comes_to_little_gives_others_their_turn() {
        let (len, waits) = run(crate::deflate::body(memory(vec![b'x'; 4 << 20]), 1));
        assert!(len < 32 << 10 && waits >= 15, "{len} {waits}");
    }
}
