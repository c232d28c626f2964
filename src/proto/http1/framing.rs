//! Where the body ends (RFC 9112, 6) and whether the connection goes on (9.3).
//!
//! Two answers to "where does it end" are how requests are smuggled, so whatever is ambiguous is
//! refused.

use super::head::{Head, Version};
use super::{Name, Reject};

/// How the body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// That many bytes follow.
    Length(u64),
    /// Chunks follow.
    Chunked,
}

const LENGTH: Reject = Reject::new(
    400,
    "client sent invalid \"Content-Length\" header while reading client request headers",
);
const BOTH: Reject = Reject::new(
    400,
    "client sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time \
     while reading client request headers",
);
const OLD: Reject = Reject::new(
    400,
    "client sent HTTP/1.0 request with \"Transfer-Encoding\" header \
     while reading client request headers",
);
const UNKNOWN: Reject = Reject::new(
    501,
    "client sent unknown \"Transfer-Encoding\" while reading client request headers",
);

/// The framing of the body behind a complete head.
pub fn framing(head: &Head, buf: &[u8]) -> Result<Body, Reject> {
    let length = head.value(Name::ContentLength, buf).map(|value| length(value).ok_or(LENGTH));
    let length = length.transpose()?;
    let Some(coding) = head.value(Name::TransferEncoding, buf) else {
        return Ok(length.map_or(Body::None, Body::Length));
    };
    if head.version < Version::V11 {
        return Err(OLD);
    }
    if !coding.eq_ignore_ascii_case(b"chunked") {
        return Err(UNKNOWN);
    }
    if length.is_some() {
        return Err(BOTH);
    }
    Ok(Body::Chunked)
}

/// Digits and nothing else, as a signed file offset holds them.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let number = value.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|&number| number <= i64::MAX as u64)
}

/// Whether the client wants the connection to stay open.
///
/// As nginx, it looks for the words anywhere in the value; the last Connection field with one of
/// them decides, and without one the version does.
pub fn keep_alive(head: &Head, buf: &[u8]) -> bool {
    let last = head.values(Name::Connection, buf).filter_map(wish).last();
    last.unwrap_or(head.version >= Version::V11)
}

/// What a Connection field says about keeping the connection.
pub(super) fn wish(value: &[u8]) -> Option<bool> {
    let is = |word: &[u8]| value.eq_ignore_ascii_case(word);
    let has = |word: &[u8]| value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    // The whole value is the common case, and cheaper to compare.
    if is(b"keep-alive") {
        Some(true)
    } else if has(b"close") {
        Some(false)
    } else {
        has(b"keep-alive").then_some(true)
    }
}
