//! Byte ranges: 206 with one part or several, 416 when none can be served.
//!
//! ```text
//! one:     Content-Range: bytes 0-99/1000
//! several: Content-Type: multipart/byteranges; boundary=N
//!          CRLF --N CRLF Content-Type, Content-Range CRLF CRLF part … CRLF --N-- CRLF
//! ```

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use http::{Body, Filter, Request};
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
        let Body::Chain(_) = response.body else { return None };
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
    response.body = Body::Chain(response.body.chain().slice(span.start, span.len()));
    response.add_header("Content-Range", value);
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
