//! Three bodies, one behind the other; the outer ones are asked for when their turn has come.

use std::task::{Context, Poll, ready};

use http::{Body, Error, Fields, Request, Source, Subrequest};
use mem::{Chain, Str};

/// A body and what is around it.
pub struct Around {
    /// What stands for the request.
    request: Box<Request>,
    before: Option<Str>,
    from: Body,
    after: Option<Str>,
    /// What was asked for.
    added: Option<Body>,
    /// The body itself has ended.
    ended: bool,
}

impl Around {
    /// With the answers to these URIs.
    pub fn new(
        request: Box<Request>,
        before: Option<Str>,
        from: Body,
        after: Option<Str>,
    ) -> Around {
        Around { request, before, from, after, added: None, ended: false }
    }
}

impl Source for Around {
    fn length(&self) -> Option<u64> {
        None
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            if let Some(added) = &mut self.added {
                match ready!(added.poll_next(cx, most))? {
                    Some(piece) => return Poll::Ready(Ok(Some(piece))),
                    None => self.added = None,
                }
            }
            let next = if self.ended { self.after.take() } else { self.before.take() };
            if let Some(uri) = next {
                let asked = Subrequest::new(&self.request, uri, Str::EMPTY);
                // Why has been logged.
                let asked = asked.ok_or_else(|| Error::invalid("nothing can be added to it"))?;
                self.added = Some(asked.into_body());
                continue;
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            match ready!(self.from.poll_next(cx, most))? {
                Some(piece) => return Poll::Ready(Ok(Some(piece))),
                None => self.ended = true,
            }
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.from.trailers()
    }
}
