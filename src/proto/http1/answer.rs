//! The head of an answer as a proxy reads it (RFC 9112 §4, §6.3): offsets into the caller's buffer.
//!
//! ```text
//!   HTTP/1.1 404 Not Found CRLF       HTTP/1. DIGIT SP+ 3DIGIT [ SP reason ]; a bare LF is taken for CRLF
//!   Name: value CRLF                  see `section`
//!   CRLF
//! ```
//!
//! What could be understood in two ways is refused, since a proxy passes on what it has understood, and whoever is behind it
//! may have understood the other: an answer that is hidden in another goes to somebody else. What is only odd is taken as
//! nginx takes it. It differs where nginx looks away: no status line is no answer, not one of HTTP/0.9; nor is one of HTTP/2.0,
//! HTTP/1.10 or a status below 100; a status has no spaces in it, a reason no NUL; Transfer-Encoding is not known to HTTP/1.0.
//!
//! [`parse_response`](super::parse_response) is for whoever asks servers of his own, and takes more.

use super::framing::{length as length_of, wish};
use super::head::{Parsed, Range32, Version};
use super::{BadAnswer, Chunked, FieldSection, Framing, Method, Name};
use memchr::{memchr, memchr2};

/// A head as offsets into the buffer that it was read into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerHead {
    /// Three digits, from 100 to 999; 0 until they are there. 1xx is not the last of the heads, but for 101.
    pub status: u16,
    /// The server's version, `V10` or `V11`. `None`: it is a script's, which has none ([`cgi`](crate::cgi)).
    pub version: Option<Version>,
    /// What follows the status, often nothing. Of IIS's `403.1 Forbidden` it is `.1 Forbidden`.
    pub reason: Range32,
    /// The fields. Once complete, the body begins at their [`end`](FieldSection::end).
    pub fields: FieldSection,
}

const HTTP_1: &[u8] = b"HTTP/1.";

/// Parses what has arrived of an answer's head.
///
/// Call it again with the same `head` and a longer `buf` that begins with the same bytes until it is complete;
/// [`AnswerHead::clear`] before the next. How long a head may be is up to the caller, who stops reading.
pub fn parse_answer(buf: &[u8], head: &mut AnswerHead) -> Result<Parsed, BadAnswer> {
    if head.status == 0 {
        let Some(end) = memchr(b'\n', buf) else {
            let known = buf.len().min(HTTP_1.len());
            let begun = buf[..known] == HTTP_1[..known];
            return if begun { Ok(Parsed::Partial) } else { Err(BadAnswer::StatusLine) };
        };
        head.parse_status_line(&buf[..end]).ok_or(BadAnswer::StatusLine)?;
        head.fields.end = end + 1;
    }
    head.fields.parse_head(buf)
}

impl AnswerHead {
    /// Makes it ready for the next answer; keeps its memory.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = AnswerHead { fields, ..AnswerHead::default() };
    }

    /// The line without its LF.
    fn parse_status_line(&mut self, line: &[u8]) -> Option<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (minor, rest) = line.strip_prefix(HTTP_1)?.split_first()?;
        self.version = match minor {
            b'0' => Some(Version::V10),
            b'1'..=b'9' => Some(Version::V11),
            _ => return None,
        };
        let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
        if spaces == 0 {
            return None;
        }
        self.set_status(Range32::new(HTTP_1.len() + 1 + spaces, line.len()), line)
    }

    /// Sets status and reason from where they stand; `None`: they do not.
    pub(crate) fn set_status(&mut self, text: Range32, buf: &[u8]) -> Option<()> {
        let (digits, rest) = text.of(buf).split_first_chunk::<3>()?;
        let status = digits.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
        })?;
        let space = match rest.first() {
            Some(b' ') => 1,
            Some(b'.') | None => 0,
            _ => return None,
        };
        if status < 100 || memchr2(b'\r', 0, rest).is_some() {
            return None;
        }
        self.status = status;
        self.reason = Range32 { start: text.start + 3 + space, end: text.end };
        Some(())
    }

    /// Where the body ends, as the answer to a request of that method (RFC 9112 §6.3). Whether it says so in one way only is
    /// looked at for answers without a body, too.
    ///
    /// A script's Transfer-Encoding tells nothing of its body, which is never in chunks (RFC 3875 §6.3).
    pub fn framing(&self, method: Method, buf: &[u8]) -> Result<Framing, BadAnswer> {
        let length = self.single(Name::ContentLength, buf)?;
        let length = length.map(|value| length_of(value).ok_or(BadAnswer::Length)).transpose()?;
        let coding = self.single(Name::TransferEncoding, buf)?;
        if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case(b"chunked")) {
            return Err(BadAnswer::Coding);
        }
        if coding.is_some() && length.is_some() {
            return Err(BadAnswer::Both);
        }
        if coding.is_some() && self.version == Some(Version::V10) {
            return Err(BadAnswer::OldCoding);
        }
        if method == Method::Head || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(Framing::None);
        }
        Ok(match length {
            Some(length) => Framing::Length(length),
            None if coding.is_some() && self.version.is_some() => Framing::Chunked(Chunked::new()),
            None => Framing::Close,
        })
    }

    /// The value of a field that may stand there once.
    fn single<'b>(&self, id: Name, buf: &'b [u8]) -> Result<Option<&'b [u8]>, BadAnswer> {
        let mut values = self.fields.values(id, buf);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(BadAnswer::Duplicate),
            (value, None) => Ok(value),
        }
    }

    /// Whether the connection may be used for another request once this answer, whose body ends so, is over. As nginx, it
    /// does not keep those of HTTP/1.0. Not asked of scripts, whose protocols say it otherwise.
    pub fn keep_alive(&self, framing: &Framing, buf: &[u8]) -> bool {
        let mut wishes = self.fields.values(Name::Connection, buf).filter_map(wish);
        self.version >= Some(Version::V11)
            && !matches!(framing, Framing::Close)
            && wishes.all(|stays| stays)
    }
}
