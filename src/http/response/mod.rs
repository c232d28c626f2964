//! The answer to a request.

pub mod browser;
pub mod compression;
pub mod encoder;
pub mod encoding;
pub mod error_page;
pub mod errors;
pub mod fields;
pub mod filters;
pub mod framing;
pub mod media_types;
pub mod names;
pub mod pace;
pub mod rate;
pub mod redirect;
pub mod takeover;

use mem::{Buf, Str};

use crate::body::Body;
use crate::response::names::is_named;
use crate::response::takeover::Takeover;

/// What is sent back: head and body.
#[derive(Default)]
pub struct Response {
    /// The status; 0 while there is no answer.
    pub status: u16,
    /// `Content-Type`, with its charset.
    pub content_type: Option<Str>,
    /// Length of the body; `None`: what `body` holds when the handler is done.
    pub content_length: Option<u64>,
    /// Modification time in seconds since 1970.
    pub last_modified: Option<u64>,
    /// `Last-Modified` as the configuration adds it, which need not be a date.
    pub last_modified_text: Option<Str>,
    /// The entity tag, with its quotes.
    pub etag: Option<Str>,
    /// `Location`: absolute, or a path that is completed when the head is written.
    pub location: Option<Str>,
    /// `Accept-Ranges: bytes`.
    pub accept_ranges: bool,
    /// The body may be sent in parts.
    pub allow_ranges: bool,
    /// Who we are, if something else than usual is said; empty: nothing.
    pub server: Option<Str>,
    /// What stands behind that status, if somebody else has made the answer.
    pub reason: Option<(u16, Str)>,
    /// When it was made, if somebody else has made it.
    pub date: Option<Str>,
    /// Whether the client has it already was asked where it comes from: the request's conditions are not for here.
    pub unconditional: bool,
    /// Further fields, in order.
    pub headers: Vec<(Str, Str)>,
    /// The body.
    pub body: Body,
    /// Windows of a file are in the body: between two pieces it is looked at again.
    pub file: bool,
    /// It is the server's own page for an error.
    pub plain: bool,
    /// The body goes on after what is in `body`, and its length is not known: it ends with its last
    /// chunk, or with the connection. Whoever makes `body` frames it (HTTP/1.1: chunks).
    pub streaming: bool,
    /// A filter will make something else of the body: how long that is, is not known.
    pub unknown_length: bool,
    /// The body goes out in chunks: its length is not known, or trailers follow it.
    pub(crate) chunked: bool,
    /// Trailers follow the body.
    pub(crate) has_trailers: bool,
    /// What takes the connection over when this much is sent.
    pub takeover: Option<Box<dyn Takeover>>,
}

impl Response {
    /// Makes it ready for the next request; keeps its memory.
    pub fn reset(&mut self) {
        let Response { mut headers, mut body, .. } = std::mem::take(self);
        headers.clear();
        body.clear();
        self.headers = headers;
        self.body = body;
    }

    /// A body in memory.
    pub fn set_body(&mut self, status: u16, content_type: Str, body: Str) {
        self.set_buf(status, content_type, Buf::memory(body));
    }

    /// The same with a body that may be in a file.
    pub fn set_buf(&mut self, status: u16, content_type: Str, body: Buf) {
        self.status = status;
        self.content_type = Some(content_type);
        self.content_length = Some(body.len());
        self.body.clear();
        self.body.push(body);
    }

    /// Of a file's answer a part is sent that is a file of its own: it has a tag of its own, of the same form.
    pub fn tag_part(&mut self, len: u64) {
        if let (Some(tag), Some(time)) = (&mut self.etag, self.last_modified) {
            *tag = Str::from(format!("\"{time:x}-{len:x}\""));
        }
    }

    /// No body.
    pub fn set_empty(&mut self, status: u16) {
        self.status = status;
        self.content_type = None;
        self.content_length = Some(0);
        self.body.clear();
    }

    /// Whether it has an empty body. Of a 304 that is not said: the body that it is about is not there.
    pub fn has_no_body(&self) -> bool {
        let known = !self.unknown_length && self.status != 304;
        known && self.content_length.or_else(|| self.body.len()) == Some(0)
    }

    /// A filter makes another body of it: its length is not known, and its parts are others.
    pub fn change_body(&mut self) {
        self.content_length = None;
        self.unknown_length = true;
        self.allow_ranges = false;
        self.accept_ranges = false;
        self.file = false;
    }

    /// Its body means the same, but byte by byte it is another: the tag becomes a weak one (RFC 9110 §8.8.3).
    pub fn weaken_etag(&mut self) {
        self.etag = self.etag.take().and_then(|tag| match tag.first() {
            Some(b'W') => Some(tag),
            Some(b'"') => Some(Str::copy(&[b"W/", &tag[..]].concat())),
            _ => None,
        });
    }

    /// Its body says something else than what was asked for: whether that has changed says nothing of it, unless
    /// `kept`.
    pub fn change_version(&mut self, kept: bool) {
        match kept {
            true => self.weaken_etag(),
            false => {
                self.last_modified = None;
                self.last_modified_text = None;
                self.etag = None;
            }
        }
    }

    /// Adds a field.
    pub fn add_header(&mut self, name: impl Into<Str>, value: Str) {
        self.headers.push((name.into(), value));
    }

    /// Takes the added fields of a name (lower case, `-` or `_`) away.
    pub fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(field, _)| !is_named(field, name));
    }

    /// The value of an added field (lower case, `-` or `_`).
    pub fn header(&self, name: &str) -> Option<&Str> {
        self.headers.iter().find(|(field, _)| is_named(field, name)).map(|(_, value)| value)
    }

    /// The values of all added fields of that name.
    pub fn headers_named<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r Str> {
        let same = move |(field, _): &&(Str, Str)| is_named(field, name);
        self.headers.iter().filter(same).map(|(_, value)| value)
    }
}
