//! A head line by line, as it arrives: nginx's rules, and the last word on every head.
//!
//! ```text
//!   GET /path?args HTTP/1.1 CRLF        request line   414 if longer than HeadLimits::line
//!   Name: value CRLF                    fields         494 if longer
//!   CRLF                                end
//! ```
//!
//! nginx's tolerance: empty lines before the request, a bare LF for CRLF.

use super::fields::{self, Line};
use super::head::{Head, HeadLimits, Parsed, Version};
use super::{Reject, request_line};

const TOO_LARGE: Reject =
    Reject::new(494, "client sent too large request while reading client request headers");
const LONG_FIELD: Reject =
    Reject::new(494, "client sent too long header line while reading client request headers");

/// Parses the lines that are new since the last call.
pub(super) fn parse(buf: &[u8], head: &mut Head, limits: &HeadLimits) -> Result<Parsed, Reject> {
    if head.request_line.is_empty() {
        if !request_line::parse(buf, head, limits)? {
            return Ok(Parsed::Partial);
        }
        if head.version == Version::V09 {
            return Ok(Parsed::Complete);
        }
    }
    loop {
        let rest = buf.get(head.len..).unwrap_or_default();
        let line = fields::line(rest, limits)?;
        let (field, len) = match line {
            Line::Partial if rest.len() >= limits.line => return Err(LONG_FIELD),
            Line::Partial if buf.len() >= limits.total => return Err(TOO_LARGE),
            Line::Partial => return Ok(Parsed::Partial),
            Line::End(len) | Line::Odd(len) => (None, len),
            Line::Field(field, len) => (Some(field), len),
        };
        if len > limits.line {
            return Err(LONG_FIELD);
        }
        if head.len + len > limits.total {
            return Err(TOO_LARGE);
        }
        if let Some(field) = field {
            head.push(field.at(head.len), limits)?;
        }
        head.len += len;
        match line {
            Line::End(_) => return Ok(Parsed::Complete),
            Line::Odd(_) => head.dropped += 1,
            _ => {}
        }
    }
}
