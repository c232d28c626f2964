//! The whole of an answer, of which one part is there.

use std::task::{Context, Poll, ready};

use http::{
    Body, BoxFuture, Cause, Error, ErrorPhase, Filter, LogLevel, Request, Source, Subrequest,
};
use mem::{Chain, Str};
use proto::http1::Method;

use crate::{Next, Part, first};

/// The filter.
pub struct Whole;

impl Filter for Whole {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if request.is_subrequest() || request.response.status != 206 {
            return None;
        }
        let Part(size) = request.kept()?;
        let begin = first(request, *size);
        let Some(found) = Found::of(request).filter(|found| found.begins(begin, *size)) else {
            request.error(LogLevel::Error, format_args!("unexpected range in slice response"));
            return Some(502);
        };
        let response = &mut request.response;
        response.remove_header("content_range");
        (response.status, response.reason) = (200, None);
        response.content_length = Some(found.total);
        response.allow_ranges = true;
        if request.method == Method::Head {
            return None;
        }
        let part = std::mem::take(&mut request.response.body);
        let whole = Slices {
            aside: request.aside(),
            size: *size,
            total: found.total,
            etag: found.etag,
            at: 0,
            known: Some((begin, part)),
            coming: Coming::Nothing,
        };
        request.response.body = Body::Source(Box::new(whole));
        None
    }
}

/// What an answer says that it is a part of.
struct Found {
    start: u64,
    end: u64,
    total: u64,
    etag: Option<Str>,
}

impl Found {
    /// `bytes 0-1023/10000`
    fn of(request: &Request) -> Option<Found> {
        let response = &request.response;
        let text = response.header("content_range")?.as_str()?;
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (start, last) = range.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let end = number(last)?.checked_add(1)?;
        Some(Found {
            start: number(start)?,
            end,
            total: number(total)?,
            etag: response.etag.clone(),
        })
    }

    /// Whether it is the part that begins there.
    fn begins(&self, at: u64, size: u64) -> bool {
        self.start == at && self.end == self.total.min(at.saturating_add(size))
    }
}

/// A part on its way.
enum Coming {
    Nothing,
    /// It was asked for, and is waited for.
    Asked(BoxFuture<'static, Subrequest>),
    /// It comes.
    Body(Body),
}

/// Part after part.
struct Slices {
    /// On behalf of which they are asked for.
    aside: Box<Request>,
    size: u64,
    total: u64,
    etag: Option<Str>,
    /// Where the next byte is from.
    at: u64,
    /// The part that was there first, and where it begins.
    known: Option<(u64, Body)>,
    coming: Coming,
}

impl Slices {
    /// Begins with the next part. The error: there is no asking for it.
    fn begin(&mut self) -> Result<(), Error> {
        if let Some((_, body)) = self.known.take_if(|(start, _)| *start == self.at) {
            self.coming = Coming::Body(body);
            return Ok(());
        }
        self.aside.with_lasting(|next: &mut Next| next.0 = Some(self.at));
        let asked = Subrequest::again(&self.aside);
        let mut asked = asked.ok_or_else(|| fail("a slice cannot be asked for"))?;
        self.coming = Coming::Asked(Box::pin(async move {
            asked.done().await;
            asked
        }));
        Ok(())
    }

    /// Whether an answer is the part that was asked for, of the same whole.
    fn fits(&self, answer: &Request) -> bool {
        let is_it = |found: &Found| {
            found.begins(self.at, self.size) && found.total == self.total && found.etag == self.etag
        };
        answer.response.status == 206 && Found::of(answer).as_ref().is_some_and(is_it)
    }

    /// The end of the part that comes.
    fn end(&self) -> u64 {
        (self.at / self.size + 1).saturating_mul(self.size).min(self.total)
    }
}

impl Source for Slices {
    fn length(&self) -> Option<u64> {
        Some(self.total)
    }

    fn skip(&mut self, bytes: u64) -> u64 {
        self.at = bytes / self.size * self.size;
        // What nobody wants of the first is let go.
        self.known.take_if(|(start, _)| *start != self.at);
        self.at
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            match &mut self.coming {
                Coming::Nothing if self.at >= self.total => return Poll::Ready(Ok(None)),
                Coming::Nothing => self.begin()?,
                Coming::Asked(asked) => {
                    let mut answer = ready!(asked.as_mut().poll(cx));
                    if !self.fits(&answer) {
                        return Poll::Ready(Err(fail("a slice is of something else")));
                    }
                    self.coming = Coming::Body(std::mem::take(&mut answer.response.body));
                }
                Coming::Body(body) => {
                    let piece = ready!(body.poll_next(cx, most))?;
                    let end = self.end();
                    match piece.filter(|piece| !piece.is_empty()) {
                        Some(piece) => {
                            self.at += piece.len();
                            if self.at >= end {
                                self.coming = Coming::Nothing;
                            }
                            return Poll::Ready(Ok(Some(piece)));
                        }
                        None => return Poll::Ready(Err(fail("a slice is shorter than it says"))),
                    }
                }
            }
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        if let Coming::Body(body) = &mut self.coming {
            body.prepare(cx);
        }
    }
}

fn fail(why: &str) -> Error {
    Error::new(ErrorPhase::Body, Cause::Invalid(why.to_owned()))
}
