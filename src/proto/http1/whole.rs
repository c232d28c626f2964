//! A head that has arrived as a whole and is plain: read by `httparse`, the usual case.
//!
//! ```text
//!   GET /path?args HTTP/1.1 CRLF
//!   ^^^ ^^^^^^^^^^        ^
//!   Name: value CRLF
//!   ^^^^  ^^^^^
//!   CRLF
//! ```
//!
//! httparse tells the words that are marked. They are laid over the buffer one after the other; if
//! what the drawing has between them is not exactly what the buffer has there, the head is left to
//! `lines`. That shows what httparse skips and nginx does not: empty lines in front, tabs around a
//! value. What httparse takes and nginx refuses or drops, odd methods and names, is left as well,
//! and so is a head that is long enough to reach a limit.

use super::fields::is_plain;
use super::head::{Field, Head, HeadLimits, Range32, Version};
use super::{Method, Name, request_line};
use httparse::{Header, Request, Status};
use std::mem::MaybeUninit;

/// A head with more fields is read line by line.
const FIELDS: usize = 64;

/// Parses a whole head into `head`, which must be clear; if it stays so, the answer is `false`.
pub(super) fn parse(buf: &[u8], head: &mut Head, limits: &HeadLimits) -> bool {
    let taken = take(buf, head, limits).is_some();
    if !taken {
        head.clear();
    }
    taken
}

fn take(buf: &[u8], head: &mut Head, limits: &HeadLimits) -> Option<()> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut request = Request::new(&mut []);
    let Ok(Status::Complete(len)) = request.parse_with_uninit_headers(buf, &mut fields) else {
        return None;
    };
    // No line is longer than the head.
    if len > limits.line.min(limits.total) {
        return None;
    }
    let mut at = request_line(buf, &request, head)?;
    for header in &*request.headers {
        let (field, end) = field(buf, at, header)?;
        head.push(field, limits).ok()?;
        at = end;
    }
    head.len = line_end(buf, at)?;
    (head.len == len).then_some(())
}

/// Sets what the request line says, and returns the offset of the next.
fn request_line(buf: &[u8], request: &Request<'_, '_>, head: &mut Head) -> Option<usize> {
    let (method, target) = (request.method?, request.path?);
    head.method_name = Range32::new(0, method.len());
    // From the buffer, so that a method behind empty lines is none.
    head.method = Some(Method::of(head.method_name.of(buf))).filter(|&m| m != Method::Other)?;
    let target_start = method.len() + 1;
    request_line::split_target(target.as_bytes(), target_start, head).ok()?;
    head.version = if request.version? == 0 { Version::V10 } else { Version::V11 };
    let version_start = target_start + target.len() + 1;
    let end = version_start + "HTTP/1.x".len();
    head.protocol = Range32::new(version_start, end);
    head.request_line = Range32::new(0, end);
    line_end(buf, end)
}

/// The field whose line begins at `at`, and the offset of the next line.
fn field(buf: &[u8], at: usize, header: &Header<'_>) -> Option<(Field, usize)> {
    let name = header.name.as_bytes();
    let id = Name::of(name);
    if id == Name::Other && !is_plain(name) {
        return None;
    }
    let name_end = at + name.len();
    let space = buf.get(name_end + 1) == Some(&b' ');
    let start = name_end + 1 + usize::from(space);
    let end = start + header.value.len();
    let field = Field { name: Range32::new(at, name_end), value: Range32::new(start, end), id };
    Some((field, line_end(buf, end)?))
}

/// The offset after the line end that must stand at `at`.
fn line_end(buf: &[u8], at: usize) -> Option<usize> {
    match buf.get(at..)? {
        [b'\r', b'\n', ..] => Some(at + 2),
        [b'\n', ..] => Some(at + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
