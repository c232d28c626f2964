//! What applications behind FastCGI, SCGI and uwsgi have in common (CGI, RFC 3875): the variables of a request, and the head of
//! an answer.
//!
//! ```text
//!   Status: 404 Not Found CRLF        the status; without it 302 if there is a Location, else 200
//!   Name: value CRLF                  as in HTTP, CRLF or LF
//!   CRLF
//! ```

use crate::http1::{AnswerHead, BadAnswer, Name, Parsed, Range32};
use memchr::memchr;

/// What a line `HTTP/1.1 404 Not Found` in front of the fields is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusLine {
    /// Nothing: passed over. FastCGI.
    Skipped,
    /// The status: SCGI and uwsgi. Of which version it says to be does not matter: uWSGI repeats that of the client's
    /// request, and so may say HTTP/2.0.
    Read,
}

/// Parses what has arrived of a script's head: as [`parse_answer`](crate::http1::parse_answer), but there is no version.
pub fn parse(
    buf: &[u8],
    head: &mut AnswerHead,
    status_line: StatusLine,
) -> Result<Parsed, BadAnswer> {
    if status_line == StatusLine::Read && head.fields.end == 0 {
        match memchr(b'\n', buf) {
            Some(end) if read_status_line(&buf[..end], head).is_some() => head.fields.end = end + 1,
            // It is a field, or a line that is passed over.
            Some(_) => {}
            None => return Ok(Parsed::Partial),
        }
    }
    let parsed = head.fields.parse_head(buf)?;
    if parsed == Parsed::Complete && head.status == 0 {
        match head.fields.get(Name::Status) {
            Some(field) => head.set_status(field.value, buf).ok_or(BadAnswer::Status)?,
            None if head.fields.get(Name::Location).is_some() => head.status = 302,
            None => head.status = 200,
        }
    }
    Ok(parsed)
}

/// Reads a status line without its LF.
fn read_status_line(line: &[u8], head: &mut AnswerHead) -> Option<()> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let major = line.strip_prefix(b"HTTP/")?;
    let (major, rest) = major.split_at(digits(major));
    let minor = rest.strip_prefix(b".")?;
    let (minor, rest) = minor.split_at(digits(minor));
    let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
    if major.is_empty() || minor.is_empty() || spaces == 0 {
        return None;
    }
    let start = line.len() - rest.len() + spaces;
    head.set_status(Range32 { start: start as u32, end: line.len() as u32 }, line)
}

/// Appends the name of the variable that tells of a field of the request (RFC 3875 §4.1.18): `HTTP_ACCEPT_LANGUAGE`.
pub fn field_variable(name: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP_");
    out.extend(name.iter().map(|byte| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_uppercase(),
    }));
}

/// Why the variables of a request cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadVariables {
    /// They are more than 65535 bytes in all, which is as far as their length can be written, or nginx writes it.
    TooLarge,
    /// There is a NUL in one, where NUL ends it: what follows would be a variable of the client's choice.
    Nul,
}

impl std::fmt::Display for BadVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            BadVariables::TooLarge => "the request's variables are more than 65535 bytes",
            BadVariables::Nul => "a variable of the request has a NUL in it",
        })
    }
}

impl std::error::Error for BadVariables {}
