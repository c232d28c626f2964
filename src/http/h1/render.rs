//! The head of an answer, with nginx's names, capitals and order.

use std::io::Write;

use mem::Str;
use proto::http1::{Version, status};

use crate::request::Request;
use crate::{now, response::errors, response::redirect};

/// Appends the head to `out`. Nothing for HTTP/0.9.
pub fn head(request: &mut Request, out: &mut Vec<u8>) {
    if request.version() == Version::V09 {
        return;
    }
    let origin = match &request.response.location {
        Some(location) if location.starts_with(b"/") => redirect::origin(request),
        _ => Str::EMPTY,
    };
    let settings = &request.location().settings;
    let response = &request.response;
    match status::line(response.status) {
        Some(line) => out.extend_from_slice(line),
        None => drop(write!(out, "HTTP/1.1 {:03} \r\n", response.status)),
    }
    field(out, b"Server: ", errors::signature(settings.tokens).as_bytes());
    now::with(|now| field(out, b"Date: ", &now.http));
    if let Some(content_type) = &response.content_type
        && !content_type.is_empty()
    {
        field(out, b"Content-Type: ", content_type);
    }
    if let Some(length) = response.content_length {
        out.extend_from_slice(b"Content-Length: ");
        out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if let Some(text) = &response.last_modified_text {
        field(out, b"Last-Modified: ", text);
    } else if let Some(time) = response.last_modified
        && matches!(response.status, 200 | 206 | 304)
    {
        // An error's page has a date of its own, but it is not that of what was asked for.
        field(out, b"Last-Modified: ", &proto::date::format(time));
    }
    if let Some(location) = &response.location {
        out.extend_from_slice(b"Location: ");
        out.extend_from_slice(&origin);
        field(out, b"", location);
    }
    if response.chunked || response.streaming && request.has_chunks() {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    connection(request, out);
    let response = &request.response;
    if request.varies_by_encoding {
        out.extend_from_slice(b"Vary: Accept-Encoding\r\n");
    }
    if let Some(etag) = &response.etag {
        field(out, b"ETag: ", etag);
    }
    for (name, value) in &response.headers {
        out.extend_from_slice(name);
        field(out, b": ", value);
    }
    if response.accept_ranges {
        out.extend_from_slice(b"Accept-Ranges: bytes\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn connection(request: &Request, out: &mut Vec<u8>) {
    if request.response.status == 101 {
        return out.extend_from_slice(b"Connection: upgrade\r\n");
    }
    if !request.keep_alive {
        return out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"Connection: keep-alive\r\n");
    if let Some(seconds) = request.location().settings.keepalive_header {
        let _ = write!(out, "Keep-Alive: timeout={seconds}\r\n");
    }
}

/// A value comes from the configuration or from the client; a line break in it must not begin a field
/// of its own.
pub fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    match value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        false => out.extend_from_slice(value),
        true => out.extend(value.iter().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0))),
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_a_value_begins_no_field() {
        let mut out = Vec::new();
        field(&mut out, b"X: ", b"a\r\nSet-Cookie: b");
        assert_eq!(out, b"X: aSet-Cookie: b\r\n");
    }
}
