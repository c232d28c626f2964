//! Whether a body is decompressed, and what the header says of it.

use http::{Body, BodyFilter, Filter, Request};
use mem::Str;

use crate::inflate;

/// `gunzip`
pub struct Decompress;

/// It was decided that this answer's body is decompressed.
#[derive(Default)]
struct Decompressing(bool);

impl Filter for Decompress {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if request.known_context::<Decompressing>().is_some() {
            request.context::<Decompressing>().0 = false;
        }
        let is_gzip = |value: &Str| value.eq_ignore_ascii_case(b"gzip");
        // What a field says of a file is not said of a page of our own.
        let own = request.response.plain || matches!(request.response.status, 300..=399);
        if request.response.streaming
            || own
            || !request.response.header("content_encoding").is_some_and(is_gzip)
        {
            return None;
        }
        request.depends_on_encoding();
        if request.accepts_gzip() {
            return None;
        }
        request.context::<Decompressing>().0 = true;
        let headers = &mut request.response.headers;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case(b"content-encoding"));
        request.response.change_body();
        request.response.weaken_etag();
        None
    }
}

impl BodyFilter for Decompress {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match request.known_context::<Decompressing>() {
            Some(Decompressing(true)) => {
                inflate::body(body.by_threads(request.location().settings.aio_threads))
            }
            _ => body,
        }
    }
}
