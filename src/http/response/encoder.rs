//! Answers in other codings: each module brings its own, and here is decided which of them an answer gets.
//!
//! The client's qualities decide; of those that it likes as much, the first of [`PREFERENCE`].

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::task::{Context, Poll};

use mem::{Chain, Str};

use crate::body::{Body, Fields, Source};
use crate::error::Error;
use crate::request::{BodyFilter, Filter, Request};
use crate::response::media_types::MediaTypes;

/// What is taken first, if the client does not mind. It is what ngx_brotli and gzip do together.
pub const PREFERENCE: [&str; 3] = ["br", "zstd", "gzip"];

/// A coding of a location's answers.
pub struct Encoder {
    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    pub coding: &'static str,
    /// The answers that it is for.
    pub types: MediaTypes,
    /// Shorter ones, whose length is known, are sent as they are.
    pub min_length: u64,
    /// Encodes a body.
    pub body: Box<dyn Fn(Body) -> Body>,
}

/// Those of a location, the best first.
pub(crate) struct Encoders(Rc<[Encoder]>);

/// Which of them was chosen, and what has gone through it.
#[derive(Default)]
struct Chosen {
    at: Option<usize>,
    coding: &'static str,
    count: Rc<Count>,
}

/// Bytes of a body before and after.
#[derive(Default)]
struct Count {
    before: Cell<u64>,
    after: Cell<u64>,
    ended: Cell<bool>,
}

impl Encoders {
    /// The filters of header and body.
    pub fn new(mut encoders: Vec<Encoder>) -> (Encoders, Encoders) {
        let rank = |encoder: &Encoder| {
            PREFERENCE
                .iter()
                .position(|coding| *coding == encoder.coding)
                .unwrap_or(PREFERENCE.len())
        };
        encoders.sort_by_key(rank);
        let encoders: Rc<[Encoder]> = encoders.into();
        (Encoders(encoders.clone()), Encoders(encoders))
    }
}

impl Filter for Encoders {
    fn header(&self, request: &mut Request) -> Option<u16> {
        // An error's page comes here after what it replaces.
        if request.known_context::<Chosen>().is_some() {
            *request.context::<Chosen>() = Chosen::default();
        }
        let response = &request.response;
        let length = response.content_length.or(match response.unknown_length {
            true => None,
            false => response.body.len(),
        });
        let may_be = matches!(response.status, 200 | 403 | 404)
            && !response.streaming
            && response.header("content_encoding").is_none();
        let suits = |encoder: &Encoder| {
            length.is_none_or(|length| length >= encoder.min_length) && encoder.types.has(response)
        };
        if !may_be || !self.0.iter().any(suits) {
            return None;
        }
        let mut best = None;
        for (at, encoder) in self.0.iter().enumerate().filter(|(_, encoder)| suits(encoder)) {
            let quality = request.coding_quality(encoder.coding);
            if quality > best.map_or(0, |(_, best)| best) {
                best = Some((at, quality));
            }
        }
        request.depends_on_encoding();
        let (at, _) = best?;
        let coding = self.0[at].coding;
        *request.context::<Chosen>() = Chosen { at: Some(at), coding, count: Rc::default() };
        request.response.add_header("Content-Encoding", Str::from_static(coding.as_bytes()));
        request.response.change_body();
        request.response.weaken_etag();
        None
    }
}

impl BodyFilter for Encoders {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        let Some(Chosen { at: Some(at), count, .. }) = request.known_context() else { return body };
        let body = body.by_threads(request.location().settings.aio_threads);
        let encoded = (self.0[*at].body)(Counted::before(body, count));
        Counted::after(encoded, count)
    }
}

/// A body whose bytes are counted.
struct Counted {
    from: Body,
    count: Rc<Count>,
    is_after: bool,
}

impl Counted {
    fn before(body: Body, count: &Rc<Count>) -> Body {
        match body {
            Body::Chain(chain) => {
                count.before.set(chain.len());
                Body::Chain(chain)
            }
            from => Body::Source(Box::new(Counted { from, count: count.clone(), is_after: false })),
        }
    }

    fn after(body: Body, count: &Rc<Count>) -> Body {
        match body {
            Body::Chain(chain) => {
                count.after.set(chain.len());
                count.ended.set(true);
                Body::Chain(chain)
            }
            from => Body::Source(Box::new(Counted { from, count: count.clone(), is_after: true })),
        }
    }
}

impl Source for Counted {
    fn length(&self) -> Option<u64> {
        self.from.len()
    }

    fn prepare(&mut self, cx: &mut Context<'_>) {
        self.from.prepare(cx);
    }

    fn poll(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<Option<Chain>, Error>> {
        let polled = self.from.poll_next(cx, most);
        match &polled {
            Poll::Ready(Ok(Some(piece))) => {
                let count = if self.is_after { &self.count.after } else { &self.count.before };
                count.set(count.get() + piece.len());
            }
            Poll::Ready(Ok(None)) if self.is_after => self.count.ended.set(true),
            _ => {}
        }
        polled
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.from.trailers()
    }
}

impl Request {
    /// Appends how many times longer the answer was before this coding (`$gzip_ratio`), and says whether it had it.
    pub fn coding_ratio(&self, coding: &str, out: &mut Vec<u8>) -> bool {
        let Some(chosen) = self.known_context::<Chosen>() else { return false };
        let (before, after) = (chosen.count.before.get(), chosen.count.after.get());
        if chosen.at.is_none() || chosen.coding != coding || !chosen.count.ended.get() || after == 0
        {
            return false;
        }
        // As nginx: a half is rounded up.
        let hundredths = (before * 1000 / after + 5) / 10;
        let _ = write!(out, "{}.{:02}", hundredths / 100, hundredths % 100);
        true
    }
}
