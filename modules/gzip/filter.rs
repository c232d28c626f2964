//! Whether a body is compressed, or decompressed, and what the header says of it.

use http::{Body, BodyFilter, Filter, MediaTypes, Request};
use mem::Str;

use crate::{deflate, inflate};

/// `gzip`: which answers.
pub struct Compressible {
    /// Media types.
    pub types: MediaTypes,
    /// Bytes.
    pub min_length: u64,
}

/// `gzip`: how hard.
pub struct Compress {
    /// 1 to 9.
    pub level: u32,
}

/// `gunzip`
pub struct Decompress;

/// It was decided that this answer's body is compressed.
#[derive(Default)]
struct Compressing(bool);

/// The same of its decompression.
#[derive(Default)]
struct Decompressing(bool);

impl Filter for Compressible {
    fn header(&self, request: &mut Request) -> Option<u16> {
        // An error's page comes here after what it replaces.
        if request.known_context::<Compressing>().is_some() {
            request.context::<Compressing>().0 = false;
        }
        let response = &request.response;
        let length = response.content_length.or(match response.unknown_length {
            true => None,
            false => response.body.len(),
        });
        let wanted = matches!(response.status, 200 | 403 | 404)
            && !response.streaming
            && response.header("content_encoding").is_none()
            && length.is_none_or(|length| length >= self.min_length)
            && self.types.has(response);
        if !wanted {
            return None;
        }
        request.depends_on_encoding();
        if !request.accepts_gzip() {
            return None;
        }
        request.context::<Compressing>().0 = true;
        let response = &mut request.response;
        response.add_header("Content-Encoding", Str::from("gzip"));
        change_body(request);
        None
    }
}

impl BodyFilter for Compress {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match request.known_context::<Compressing>() {
            Some(Compressing(true)) => deflate::body(body.by_threads(threads(request)), self.level),
            _ => body,
        }
    }
}

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
        change_body(request);
        None
    }
}

impl BodyFilter for Decompress {
    fn body(&self, request: &mut Request, body: Body) -> Body {
        match request.known_context::<Decompressing>() {
            Some(Decompressing(true)) => inflate::body(body.by_threads(threads(request))),
            _ => body,
        }
    }
}

/// Whether other threads read files here.
fn threads(request: &Request) -> bool {
    request.location().settings.aio_threads
}

/// The body will be another one, which means the same.
fn change_body(request: &mut Request) {
    request.response.change_body();
    request.response.weaken_etag();
}
