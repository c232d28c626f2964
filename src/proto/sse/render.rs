//! Writing events.

use std::fmt;
use std::io::Write;

/// The longest type, and the longest id of a publisher's, in bytes.
const LONGEST: usize = 64;

/// Why a field cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// A type with a line break, NUL, bytes that are not UTF-8, or longer than 64 bytes.
    Type,
    /// An id with other bytes than letters, digits, `.`, `_`, `~`, `-`, empty or longer than 64.
    Id,
    /// Data that is not UTF-8.
    Data,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FieldError::Type => "an event's type is one line of UTF-8, at most 64 bytes",
            FieldError::Id => "an event's id is made of letters, digits, . _ ~ -, at most 64",
            FieldError::Data => "an event's data is UTF-8",
        })
    }
}

impl std::error::Error for FieldError {}

/// Whether an event may have this type.
pub fn check_event_type(name: &[u8]) -> Result<(), FieldError> {
    let odd = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    let good = name.len() <= LONGEST && !name.iter().any(odd) && std::str::from_utf8(name).is_ok();
    good.then_some(()).ok_or(FieldError::Type)
}

/// Whether a publisher may give its event this id: it becomes part of a header field that needs no
/// preflight.
pub fn check_id(id: &[u8]) -> Result<(), FieldError> {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    let good = (1..=LONGEST).contains(&id.len()) && id.iter().all(plain);
    good.then_some(()).ok_or(FieldError::Id)
}

/// Whether an event may have this data. Its first character is never the stream's first: a byte order
/// mark stays what it is.
pub fn check_data(data: &[u8]) -> Result<(), FieldError> {
    std::str::from_utf8(data).map(drop).map_err(|_| FieldError::Data)
}

/// Appends an event. Every kind of line break in `data` begins a new line of data, so that no data
/// makes a field of its own; the reader gets them all as LF. Empty data is an empty line of data:
/// without one, browsers raise no event (see [`cursor`]).
pub fn event(out: &mut Vec<u8>, id: &[u8], event: Option<&[u8]>, data: &[u8]) {
    if !id.is_empty() {
        line(out, b"id: ", id);
    }
    if let Some(event) = event.filter(|event| !event.is_empty() && *event != b"message") {
        line(out, b"event: ", event);
    }
    let mut rest = data;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest);
        line(out, b"data: ", &rest[..end.unwrap_or(rest.len())]);
        let Some(end) = end else { break };
        let both = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(both)..];
    }
    out.push(b'\n');
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Appends a comment: it keeps proxies from taking the stream for dead.
pub fn comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

/// Appends an empty comment that ends no block.
pub fn comment_line(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n");
}

/// Appends the time, in milliseconds, after which a browser comes back.
pub fn retry(out: &mut Vec<u8>, ms: u64) {
    // Writing into memory does not fail.
    let _ = writeln!(out, "retry: {ms}");
}

/// Appends an id alone: no event is raised, but the browser keeps it.
pub fn cursor(out: &mut Vec<u8>, id: &[u8]) {
    line(out, b"id: ", id);
    out.push(b'\n');
}
