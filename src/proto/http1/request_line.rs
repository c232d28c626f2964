//! The request line (RFC 9112, 3).
//!
//! ```text
//!   method SP+ target SP+ HTTP/major.minor SP* CRLF
//!   GET SP+ target SP* CRLF                              HTTP/0.9
//!   target = /path?args | scheme://host[:port][/path][?args] | host:port (CONNECT)
//! ```

use super::head::{Head, HeadLimits, Range32, Version};
use super::method::is_method_byte;
use super::{Method, Reject};
use crate::uri::split_args;
use memchr::{memchr, memmem};

const INVALID: Reject =
    Reject::new(400, "client sent invalid request while reading client request line");
const METHOD: Reject =
    Reject::new(400, "client sent invalid method while reading client request line");
const METHOD_09: Reject = Reject::new(
    400,
    "client sent invalid method in HTTP/0.9 request while reading client request line",
);
const VERSION: Reject =
    Reject::new(505, "client sent invalid version while reading client request line");
const TOO_LONG: Reject =
    Reject::new(414, "client sent too long URI while reading client request line");

/// Parses the line into `head`; `false` if its end has not arrived.
pub(super) fn parse(buf: &[u8], head: &mut Head, limits: &HeadLimits) -> Result<bool, Reject> {
    let rest = buf.get(head.len..).unwrap_or_default();
    head.len += rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let start = head.len;
    if start >= limits.total {
        return Err(TOO_LONG);
    }
    let rest = &buf[start..];
    let Some(len) = memchr(b'\n', rest) else {
        // A client that does not speak HTTP at all may never send a line end.
        method(rest)?;
        return if rest.len() < limits.line { Ok(false) } else { Err(TOO_LONG) };
    };
    if len >= limits.line {
        return Err(TOO_LONG);
    }
    let line = rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]);
    words(line, start, head)?;
    head.request_line = Range32::new(start, start + line.len());
    head.len = start + len + 1;
    Ok(true)
}

/// The length of the method at the front of the line.
fn method(line: &[u8]) -> Result<usize, Reject> {
    let len = line.iter().take_while(|&&byte| is_method_byte(byte)).count();
    match line.get(len) {
        Some(b' ') if len > 0 => Ok(len),
        Some(_) => Err(METHOD),
        None => Ok(len),
    }
}

/// The line as method, target and version; it begins at offset `base` of the buffer.
fn words(line: &[u8], base: usize, head: &mut Head) -> Result<(), Reject> {
    let method_len = method(line)?;
    head.method_name = Range32::new(base, base + method_len);
    head.method = Method::of(&line[..method_len]);
    let target_start = method_len + spaces(&line[method_len..]);
    let rest = &line[target_start..];
    let target = &rest[..memchr(b' ', rest).unwrap_or(rest.len())];
    let target_end = target_start + target.len();
    // Without an early end, so that it is compiled to vector instructions.
    if target.iter().fold(false, |bad, &byte| bad | (byte < 0x20) | (byte == 0x7f)) {
        return Err(INVALID);
    }
    split_target(target, base + target_start, head)?;
    let version_start = target_end + spaces(&line[target_end..]);
    head.version = version(&line[version_start..])?;
    // HTTP/0.9 has none, and then the spaces trimmed here are those before it.
    let version_end = line.trim_ascii_end().len().max(version_start);
    head.protocol = Range32::new(base + version_start, base + version_end);
    if head.version == Version::V09 && head.method != Method::Get {
        return Err(METHOD_09);
    }
    Ok(())
}

fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == b' ').count()
}

/// `HTTP/1.x`, with spaces after it; nothing at all is HTTP/0.9.
fn version(text: &[u8]) -> Result<Version, Reject> {
    match text {
        b"HTTP/1.1" => return Ok(Version::V11),
        b"HTTP/1.0" => return Ok(Version::V10),
        b"" => return Ok(Version::V09),
        _ => {}
    }
    let digits = text.strip_prefix(b"HTTP/").ok_or(INVALID)?;
    let (major, minor) = match memchr(b'.', digits) {
        Some(dot) => (&digits[..dot], &digits[dot + 1..]),
        None => (digits, &b""[..]),
    };
    // The major number decides first: whatever follows HTTP/2 is a version we do not speak.
    match major.first() {
        Some(b'1') if major.len() == 1 => {}
        Some(b'1') if major[1].is_ascii_digit() => return Err(VERSION),
        Some(b'2'..=b'9') => return Err(VERSION),
        _ => return Err(INVALID),
    }
    let minor = &minor[..minor.len() - minor.iter().rev().take_while(|&&b| b == b' ').count()];
    if minor.is_empty() || minor.len() > 3 || !minor.iter().all(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    Ok(if minor.iter().all(|&digit| digit == b'0') { Version::V10 } else { Version::V11 })
}

/// Finds path, arguments and host in the target, which begins at offset `base`.
pub(super) fn split_target(target: &[u8], base: usize, head: &mut Head) -> Result<(), Reject> {
    let range = |start: usize, end: usize| Range32::new(base + start, base + end);
    head.target = range(0, target.len());
    head.uri = head.target;
    let path_start = match target.first() {
        Some(b'/') => 0,
        Some(_) if head.method == Method::Connect => {
            head.host_in_target = Some(head.target);
            let whole = authority(target) == Some(target.len());
            return if whole { Ok(()) } else { Err(INVALID) };
        }
        Some(byte) if byte.is_ascii_alphabetic() => {
            let host = scheme(target).ok_or(INVALID)?;
            let end = host + authority(&target[host..]).ok_or(INVALID)?;
            head.host_in_target = Some(range(host, end));
            head.uri = range(end, target.len());
            end
        }
        _ => return Err(INVALID),
    };
    let (path, args) = split_args(target);
    let path_end = path.len();
    if let Some(args) = args {
        head.args = range(path_end + 1, path_end + 1 + args.len());
    }
    head.path = match target.get(path_start) {
        Some(b'/') => range(path_start, path_end),
        // No path: the slash before the host serves as "/".
        Some(b'?') => range(scheme_slash(target), scheme_slash(target) + 1),
        None => {
            head.uri = range(scheme_slash(target), scheme_slash(target) + 1);
            head.uri
        }
        Some(_) => return Err(INVALID),
    };
    Ok(())
}

/// The offset after `scheme://`.
fn scheme(target: &[u8]) -> Option<usize> {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let len = target.iter().take_while(|&byte| is_scheme(byte)).count();
    target[len..].starts_with(b"://").then_some(len + 3)
}

/// The offset of the second slash of `://`.
fn scheme_slash(target: &[u8]) -> usize {
    memmem::find(target, b"//").map_or(0, |at| at + 1)
}

/// The length of `host[:port]` at the front; `None` if an address in brackets is not closed.
fn authority(text: &[u8]) -> Option<usize> {
    let count = |text: &[u8], of: fn(u8) -> bool| text.iter().take_while(|&&b| of(b)).count();
    let host = match text.strip_prefix(b"[") {
        Some(literal) => {
            let len = count(literal, is_literal_byte);
            (literal.get(len) == Some(&b']')).then_some(len + 2)?
        }
        None => count(text, is_host_byte),
    };
    match text.get(host) {
        Some(b':') => Some(host + 1 + count(&text[host + 1..], |byte| byte.is_ascii_digit())),
        _ => Some(host),
    }
}

/// What an address in brackets may contain.
fn is_literal_byte(byte: u8) -> bool {
    is_host_byte(byte) || b":_~!$&'()*+,;=".contains(&byte)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}
