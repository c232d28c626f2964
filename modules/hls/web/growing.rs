//! A segment that is not whole yet, as a body: each part is given when it is there.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Error, Source};
use mem::{Chain, Str};

use crate::part::Track;
use crate::timeline;
use crate::waiters::Waiter;
use crate::watch::Watched;

/// The body.
pub struct Growing {
    watched: Rc<Watched>,
    waiter: Waiter,
    track: Track,
    msn: u64,
    /// Parts that were given.
    given: usize,
    /// Something of the track was in them.
    any: bool,
    /// How long a part is waited for, in milliseconds.
    patience: u64,
    late: Pin<Box<rt::Sleep>>,
}

/// What there is of it.
enum Next {
    /// A part's bytes of the track, maybe none.
    Part(Vec<u8>),
    /// Another part comes.
    Wait,
    /// That was all.
    End,
    /// It is gone.
    Gone,
}

impl Growing {
    /// From the first part on.
    pub fn new(watched: Rc<Watched>, track: Track, msn: u64, patience: u64) -> Growing {
        let late = Box::pin(rt::sleep(patience));
        let waiter = watched.waiter();
        Growing { watched, waiter, track, msn, given: 0, any: false, patience, late }
    }

    fn next(&mut self) -> Next {
        if self.watched.is_gone() {
            return Next::Gone;
        }
        let (segment, ended) = self
            .watched
            .with(|timeline| (timeline.segment(self.msn).cloned(), timeline.ended.is_some()));
        let Some(segment) = segment.filter(|segment| !segment.archived) else {
            return Next::Gone;
        };
        if self.given >= segment.parts.len() {
            return match (segment.whole || ended, self.any) {
                (false, _) => Next::Wait,
                (true, true) => Next::End,
                // A body without bytes would be kept for ever by this name.
                (true, false) => Next::Gone,
            };
        }
        let (attachment, id) = (self.watched.hub().attachment, self.watched.id);
        let part = Some(self.given);
        self.given += 1;
        let bytes = timeline::bytes(attachment, id, &segment, Some(self.track), part);
        bytes.map_or(Next::Gone, Next::Part)
    }
}

impl Source for Growing {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, Error>> {
        let mut chain = Chain::new();
        loop {
            match self.next() {
                Next::Part(bytes) => {
                    self.late = Box::pin(rt::sleep(self.patience));
                    self.any |= !bytes.is_empty();
                    if !bytes.is_empty() {
                        chain.push_str(Str::from(bytes));
                    }
                }
                Next::Wait | Next::End if !chain.is_empty() => return Poll::Ready(Ok(Some(chain))),
                Next::End => return Poll::Ready(Ok(None)),
                Next::Wait if self.late.as_mut().poll(cx).is_pending() => {
                    self.waiter.wait(cx.waker());
                    return Poll::Pending;
                }
                Next::Wait | Next::Gone => return Poll::Ready(Err(gone())),
            }
        }
    }
}

fn gone() -> Error {
    std::io::Error::new(std::io::ErrorKind::NotFound, "the segment is gone").into()
}
