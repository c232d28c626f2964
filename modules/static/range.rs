//! Byte ranges: 206 with one part or several, 416 when none can be served.
//!
//! ```text
//! one:     Content-Range: bytes 0-99/1000
//! several: Content-Type: multipart/byteranges; boundary=N
//!          CRLF --N CRLF Content-Type, Content-Range CRLF CRLF part … CRLF --N-- CRLF
//! ```

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::task::{Context, Poll, ready};

use http::{Body, Error, Filter, Request, Source};
use mem::{Chain, Str};
use proto::conditional::{Validators, if_range};
use proto::http1::{Name, Version};
use proto::multipart::{self, Multipart};
use proto::range::{Ranges, Span};

/// The filter.
pub struct Ranged {
    /// Parts in one request.
    pub max_ranges: Option<u32>,
}

impl Filter for Ranged {
    fn header(&self, request: &mut Request) -> Option<u16> {
        // A part of what another request's answer is made of would be a part of something else.
        if request.is_subrequest() {
            return None;
        }
        let response = &request.response;
        let size = response.content_length?;
        if response.status != 200 || !response.allow_ranges || request.version() < Version::V10 {
            return None;
        }
        match self.wanted(request, size) {
            Ranges::Ignore => request.response.accept_ranges = true,
            Ranges::Unsatisfiable => {
                let mut value = Vec::new();
                multipart::content_range_unsatisfied(size, &mut value);
                let value = request.pool.copy(&value);
                request.response.add_header("Content-Range", value);
                return Some(416);
            }
            Ranges::One(span) => one(request, span, size),
            // What comes piece by piece comes once, and in order.
            Ranges::Many(_) if !matches!(request.response.body, Body::Chain(_)) => {}
            Ranges::Many(spans) => many(request, &spans, size),
        }
        None
    }
}

impl Ranged {
    fn wanted(&self, request: &Request, size: u64) -> Ranges {
        let Some(value) = request.header(Name::Range) else { return Ranges::Ignore };
        let response = &request.response;
        let file =
            Validators { etag: response.etag.as_deref(), last_modified: response.last_modified };
        match request.header(Name::IfRange) {
            Some(condition) if !if_range(condition, file) => Ranges::Ignore,
            _ => proto::range::parse(value, size, self.max_ranges),
        }
    }
}

fn one(request: &mut Request, span: Span, size: u64) {
    let mut value = Vec::new();
    multipart::content_range(span, size, &mut value);
    let value = request.pool.copy(&value);
    let response = &mut request.response;
    response.status = 206;
    response.content_length = Some(span.len());
    response.body = match std::mem::take(&mut response.body) {
        Body::Chain(chain) => Body::Chain(chain.slice(span.start, span.len())),
        Body::Source(mut from) => {
            let skip = span.start - from.skip(span.start);
            Body::Source(Box::new(Part { from, skip, left: span.len() }))
        }
    };
    response.add_header("Content-Range", value);
}

/// A part of a body that comes piece by piece.
struct Part {
    from: Box<dyn Source>,
    /// Bytes before it that are still to come.
    skip: u64,
    /// Bytes of it that are still to come.
    left: u64,
}

impl Source for Part {
    fn length(&self) -> Option<u64> {
        Some(self.left)
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(Ok(None));
            }
            let Some(mut piece) = ready!(self.from.poll(cx, most))? else {
                return Poll::Ready(Ok(None));
            };
            let skipped = self.skip.min(piece.len());
            piece.advance(skipped);
            self.skip -= skipped;
            if !piece.is_empty() {
                let piece = piece.slice(0, self.left.min(piece.len()));
                self.left -= piece.len();
                return Poll::Ready(Ok(Some(piece)));
            }
        }
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        self.from.prepare(cx);
    }
}

fn many(request: &mut Request, spans: &[Span], size: u64) {
    let content_type = request.response.content_type.take().filter(|name| !name.is_empty());
    let parts =
        Multipart { boundary: next_boundary(), content_type: content_type.as_deref(), size };
    let mut body = Chain::new();
    for span in spans {
        let mut head = Vec::new();
        parts.part_head(*span, &mut head);
        body.push_str(request.pool.copy(&head));
        body.append(&mut request.response.body.chain().slice(span.start, span.len()));
    }
    let mut end = Vec::new();
    parts.end(&mut end);
    body.push_str(request.pool.copy(&end));
    let response = &mut request.response;
    response.status = 206;
    response.content_length = Some(parts.content_length(spans));
    response.content_type = Some(Str::from(parts.header_value()));
    response.body = Body::Chain(body);
}

/// A number that no file can be prepared to contain: random at start, another for each answer.
fn next_boundary() -> u64 {
    thread_local! {
        static NEXT: Cell<u64> = Cell::new(RandomState::new().hash_one(0));
    }
    NEXT.set(NEXT.get().wrapping_add(1));
    NEXT.get()
}
