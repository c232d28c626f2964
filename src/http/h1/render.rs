//! The head of an answer as text, with nginx's names, capitals and order.

use std::io::Write;

use mem::Str;
use proto::http1::{Version, status};

use crate::request::Request;
use crate::response::fields::{self, FieldSink, Known};

/// Appends the head to `out`. Nothing for HTTP/0.9.
pub fn head(request: &mut Request, out: &mut Vec<u8>) {
    if request.version() == Version::V09 {
        return;
    }
    let number = request.response.status;
    if let Some((_, reason)) = request.response.reason.as_ref().filter(|(of, _)| *of == number) {
        let _ = write!(out, "HTTP/1.1 {number:03} ");
        field(out, reason, b"");
    } else {
        status_line(number, out);
    }
    fields::fields(request, &mut Lines(out));
    out.extend_from_slice(b"\r\n");
}

fn status_line(number: u16, out: &mut Vec<u8>) {
    match status::line(number) {
        Some(line) => out.extend_from_slice(line),
        None => drop(write!(out, "HTTP/1.1 {:03} \r\n", number)),
    }
}

/// Fields as lines.
struct Lines<'o>(&'o mut Vec<u8>);

impl FieldSink for Lines<'_> {
    #[inline(always)]
    fn known(&mut self, name: Known, value: &[u8], rest: &[u8]) {
        match rest.is_empty() {
            true => field(self.0, name.prefix(), value),
            false => {
                self.0.extend_from_slice(name.prefix());
                self.0.extend_from_slice(value);
                field(self.0, b"", rest);
            }
        }
    }

    #[inline(always)]
    fn other(&mut self, name: &Str, value: &Str) {
        self.0.extend_from_slice(name);
        field(self.0, b": ", value);
    }

    #[inline(always)]
    fn connection(&mut self, request: &Request) {
        let response = &request.response;
        if response.chunked || response.streaming && request.has_chunks() {
            self.0.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        connection(request, self.0);
    }
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
