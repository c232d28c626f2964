//! A body of which another one is made piece by piece, as the client takes it: compressed, replaced in, of another charset.

use std::task::{Context, Poll};

use mem::{Chain, Str};

use crate::body::{Body, Fields, Source, read_chain};
use crate::error::Error;

/// A body that is all there, and not longer, is done at once: nothing waits.
const SHORT: u64 = 64 << 10;

/// So much is read in one turn: of some bodies much work makes little, or nothing (one empty member after the other).
const TURN: usize = 256 << 10;

/// What makes something else of bytes, and has a buffer for it.
pub trait Coder: 'static {
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
struct Coded<C> {
    from: Body,
    /// `None`: the end has gone out.
    coder: Option<C>,
    /// What was read, and how much of it the coder has taken.
    piece: Vec<u8>,
    at: usize,
    /// Something has gone in since the last time that all came out.
    fed: bool,
}

impl Body {
    /// What `coder` makes of it, at once if it is short and in memory or a file.
    pub fn coded(self, coder: impl Coder) -> Body {
        match self {
            Body::Chain(chain) if chain.len() <= SHORT => match whole(chain, coder) {
                Ok(bytes) => Body::Chain(of(bytes)),
                // It is told when the body is asked for.
                Err(error) => Body::Source(Box::new(super::Failed::new(error))),
            },
            body => body.coded_in_pieces(coder),
        }
    }

    /// The same, never at once: for what may make very much of a short body.
    pub fn coded_in_pieces(self, coder: impl Coder) -> Body {
        let coder = Some(coder);
        Body::Source(Box::new(Coded { from: self, coder, piece: Vec::new(), at: 0, fed: false }))
    }
}

fn whole<C: Coder>(mut chain: Chain, mut coder: C) -> Result<Vec<u8>, Error> {
    let mut piece = Vec::new();
    while !chain.is_empty() {
        piece.clear();
        read_chain(&mut chain, &mut piece, C::READ)?;
        let mut at = 0;
        while at < piece.len() {
            at += coder.take(&piece[at..])?;
        }
    }
    coder.finish()?;
    Ok(std::mem::take(coder.made()))
}

impl<C: Coder> Source for Coded<C> {
    fn length(&self) -> Option<u64> {
        None
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        self.from.prepare(cx);
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
    of(std::mem::take(coder.made()))
}

fn of(bytes: Vec<u8>) -> Chain {
    let mut chain = Chain::new();
    chain.push_str(Str::from(bytes));
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

    /// Makes nothing of what it is given.
    #[derive(Default)]
    struct Nothing(Vec<u8>);

    impl Coder for Nothing {
        const READ: usize = 4 << 10;

        fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn finish(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn made(&mut self) -> &mut Vec<u8> {
            &mut self.0
        }
    }

    #[test]
    fn a_body_that_comes_to_nothing_gives_others_their_turn() {
        let (len, waits) = run(memory(vec![0; 2 << 20]).coded(Nothing::default()));
        assert_eq!(len, 0);
        assert!(waits >= 7, "{waits}");
    }

    #[test]
    fn a_short_body_is_done_at_once() {
        assert!(matches!(memory(vec![0; 1 << 10]).coded(Nothing::default()), Body::Chain(_)));
        let (len, waits) = run(memory(vec![0; 1 << 10]).coded_in_pieces(Nothing::default()));
        assert_eq!((len, waits), (0, 0));
    }
}
