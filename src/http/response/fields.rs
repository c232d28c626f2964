//! The fields of an answer's head: which, and in which order, whatever the protocol that carries them. Where they go is a
//! [`FieldSink`]'s business, which each protocol has one of.

use mem::Str;

use crate::request::Request;
use crate::{now, response::errors, response::redirect};

/// The fields that the server itself makes, with nginx's capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Who we are.
    Server,
    /// When this is.
    Date,
    /// What the body is.
    ContentType,
    /// How long it is.
    ContentLength,
    /// When it was changed.
    LastModified,
    /// Where to go.
    Location,
    /// What the answer depends on.
    Vary,
    /// Which version of the body it is.
    ETag,
    /// Whether parts can be asked for.
    AcceptRanges,
}

impl Known {
    /// What stands before the value in a line.
    #[inline(always)]
    pub fn prefix(self) -> &'static [u8] {
        match self {
            Known::Server => b"Server: ",
            Known::Date => b"Date: ",
            Known::ContentType => b"Content-Type: ",
            Known::ContentLength => b"Content-Length: ",
            Known::LastModified => b"Last-Modified: ",
            Known::Location => b"Location: ",
            Known::Vary => b"Vary: ",
            Known::ETag => b"ETag: ",
            Known::AcceptRanges => b"Accept-Ranges: ",
        }
    }
}

/// Where the fields of a head go. Values may come from clients: a line break in one must not begin a field of its own.
pub trait FieldSink {
    /// A field of the server's own, its value in two parts.
    fn known(&mut self, field: Known, value: &[u8], rest: &[u8]);

    /// A field that a module or the configuration has made.
    fn other(&mut self, name: &Str, value: &Str);

    /// Here stands what is said of the connection, and how the body is framed on it.
    fn connection(&mut self, request: &Request);
}

/// Gives the fields of `request.response` to `sink`, in nginx's order.
#[inline]
pub fn fields(request: &mut Request, sink: &mut impl FieldSink) {
    let origin = match &request.response.location {
        Some(location) if location.starts_with(b"/") => redirect::origin(request),
        _ => Str::EMPTY,
    };
    if request.response.server.is_none() && request.location().words.name.is_some() {
        request.response.server = Some(errors::signature(request));
    }
    let response = &request.response;
    match &response.server {
        None => {
            let tokens = request.location().settings.tokens;
            sink.known(Known::Server, errors::usual_signature(tokens).as_bytes(), b"");
        }
        Some(name) if name.is_empty() => {}
        Some(name) => sink.known(Known::Server, name, b""),
    }
    match &response.date {
        None => now::with(|now| sink.known(Known::Date, &now.http, b"")),
        Some(date) => sink.known(Known::Date, date, b""),
    }
    if let Some(content_type) = &response.content_type
        && !content_type.is_empty()
    {
        sink.known(Known::ContentType, content_type, b"");
    }
    if let Some(length) = response.content_length {
        sink.known(Known::ContentLength, itoa::Buffer::new().format(length).as_bytes(), b"");
    }
    if let Some(text) = &response.last_modified_text {
        sink.known(Known::LastModified, text, b"");
    } else if let Some(time) = response.last_modified
        && matches!(response.status, 200 | 206 | 304)
    {
        // An error's page has a date of its own, but it is not that of what was asked for.
        sink.known(Known::LastModified, &proto::date::format(time), b"");
    }
    if let Some(location) = &response.location {
        sink.known(Known::Location, &origin, location);
    }
    sink.connection(request);
    if request.varies_by_encoding {
        sink.known(Known::Vary, b"Accept-Encoding", b"");
    }
    if let Some(etag) = &response.etag {
        sink.known(Known::ETag, etag, b"");
    }
    for (name, value) in &response.headers {
        sink.other(name, value);
    }
    if response.accept_ranges {
        sink.known(Known::AcceptRanges, b"bytes", b"");
    }
}
