//! Paths and percent-encoding (RFC 3986, 2.1, 5.2.4 and 6.2.2).

use memchr::{memchr, memchr2};
use std::fmt;

/// A path that has no meaning: bad `%XX`, `%00`, or `..` above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUri;

impl fmt::Display for BadUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client sent invalid request")
    }
}

impl std::error::Error for BadUri {}

/// Whether [`normalize`] would leave the path as it is, so that no copy is needed. It may say no
/// where nothing would change.
pub fn is_plain(path: &[u8], merge_slashes: bool) -> bool {
    let merge = merge_slashes;
    let pairs = path.iter().zip(path.get(1..).unwrap_or_default());
    // Without an early end, so that it is compiled to vector instructions.
    let changes = pairs.fold(false, |changes, (&byte, &next)| {
        changes | (byte == b'%') | ((byte == b'/') & ((next == b'.') | (merge & (next == b'/'))))
    });
    path.first() == Some(&b'/') && path.last() != Some(&b'%') && !changes
}

/// Decodes the path, then removes `.` and `..` and, if asked, empty segments.
///
/// Decoding comes first, so `%2F` separates and `%2E%2E` goes up like what they stand for; it is
/// done once, so `%252E` is the text `%2E`. The path must begin with `/`.
pub fn normalize(path: &[u8], merge_slashes: bool, out: &mut Vec<u8>) -> Result<(), BadUri> {
    out.clear();
    let mut bytes = Decoder { rest: path };
    if bytes.next()? != Some(b'/') {
        return Err(BadUri);
    }
    out.push(b'/');
    // `out[segment..]` is the segment being read; a slash stands before it.
    let mut segment = 1;
    loop {
        let byte = bytes.next()?;
        if let Some(byte) = byte.filter(|&byte| byte != b'/') {
            out.push(byte);
            continue;
        }
        match &out[segment..] {
            b"." => out.truncate(segment),
            b".." => {
                let parent = out[..segment - 1].iter().rposition(|&byte| byte == b'/');
                out.truncate(parent.ok_or(BadUri)? + 1);
            }
            b"" if merge_slashes => {}
            _ if byte.is_some() => out.push(b'/'),
            _ => {}
        }
        segment = out.len();
        if byte.is_none() {
            return Ok(());
        }
    }
}

/// The bytes of a path with `%XX` replaced.
struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn next(&mut self) -> Result<Option<u8>, BadUri> {
        let byte = match *self.rest {
            [] => return Ok(None),
            [b'%', high, low, ..] => {
                self.rest = &self.rest[3..];
                hex(high, low).ok_or(BadUri)?
            }
            [b'%', ..] => return Err(BadUri),
            [byte, ..] => {
                self.rest = &self.rest[1..];
                byte
            }
        };
        if byte == 0 { Err(BadUri) } else { Ok(Some(byte)) }
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// Replaces each `%XX`; what is not followed by two hex digits stays.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let decoded = match *rest {
            [b'%', high, low, ..] => hex(high, low),
            _ => None,
        };
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &rest[3..] } else { tail };
    }
}

/// Appends a decoded path as it must stand in a URI, e.g. in a redirect.
pub fn escape(path: &[u8], out: &mut Vec<u8>) {
    for &byte in path {
        match must_escape(byte) {
            true => percent(byte, out),
            false => out.push(byte),
        }
    }
}

/// Appends a decoded text as a value in a query, where `&` would end it.
pub fn escape_args(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'#' | b'%' | b'&' | b'+' | b';' | b'?' => percent(byte, out),
            byte if must_escape(byte) => percent(byte, out),
            byte => out.push(byte),
        }
    }
}

/// Decodes the path of a redirect as far as that does not change what it means: visible characters above `%`, up to a `?`
/// (nginx, `NGX_UNESCAPE_REDIRECT`).
pub fn unescape_redirect(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'?' {
            break;
        }
        let decoded = match *rest {
            [b'%', high, low, ..] => hex(high, low),
            _ => None,
        };
        match decoded {
            Some(byte @ b'&'..=b'~') => {
                out.push(byte);
                rest = &rest[3..];
                if byte == b'?' {
                    break;
                }
            }
            Some(_) => {
                out.extend_from_slice(&rest[..3]);
                rest = &rest[3..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out.extend_from_slice(rest);
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'%', HEX[byte as usize >> 4], HEX[byte as usize & 15]]);
}

/// What RFC 3986 does not allow in a URI, and what would end the path.
fn must_escape(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7f || b"\"#%<>?\\^`{|}".contains(&byte)
}

/// Cuts a target at its fragment and splits it at the first `?`.
pub fn split_args(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr2(b'?', b'#', target) {
        Some(at) if target[at] == b'?' => {
            let args = &target[at + 1..];
            let end = memchr(b'#', args).unwrap_or(args.len());
            (&target[..at], Some(&args[..end]))
        }
        Some(at) => (&target[..at], None),
        None => (target, None),
    }
}
