//! A value from memcached (its doc/protocol.txt, the text protocol).
//!
//! ```text
//!   get KEY CRLF                                       ──▶
//!   VALUE KEY flags bytes CRLF data CRLF END CRLF      ◀──
//!   END CRLF                                           ◀──    there is none
//!   ERROR CRLF   CLIENT_ERROR … CRLF   SERVER_ERROR … CRLF    ◀──
//! ```

use memchr::memchr;
use std::fmt;

/// The longest line that is taken in an answer: that of an error, which quotes.
const MOST_LINE: usize = 2048;
/// What stands behind the data.
const END: &[u8] = b"\r\nEND\r\n";

/// How an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So many bytes of data follow, and an [`End`].
    Value {
        /// What whoever has stored it wanted to be kept with it.
        flags: u32,
        /// Bytes of data.
        length: u64,
    },
    /// There is no such value; nothing follows.
    Absent,
}

/// Why an answer is refused; shown in nginx's words, but for the line itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// The server could not do what it was asked: `ERROR`, `CLIENT_ERROR`, `SERVER_ERROR`.
    Failed,
    /// No line of the protocol.
    Line,
    /// The value of another key.
    Key,
    /// Flags that are no number of 32 bits.
    Flags,
    /// A length that is no number, or none that a file can have.
    Length,
    /// The data does not end where it should.
    End,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadAnswer::Failed => "memcached sent an error",
            BadAnswer::Line => "memcached sent invalid response",
            BadAnswer::Key => "memcached sent invalid key in response",
            BadAnswer::Flags => "memcached sent invalid flags in response",
            BadAnswer::Length => "memcached sent invalid length in response",
            BadAnswer::End => "memcached sent invalid trailer",
        })
    }
}

impl std::error::Error for BadAnswer {}

/// Appends a key as it is sent: what would end it is escaped, and `%`. Servers refuse more than 250 bytes themselves.
pub fn escape_key(key: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in key {
        match byte {
            ..=b' ' | b'%' => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'%', high, low]);
            }
            _ => out.push(byte),
        }
    }
}

/// Appends the request for the value of a key that is escaped.
pub fn get(escaped_key: &[u8], out: &mut Vec<u8>) {
    for part in [b"get ", escaped_key, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// How the answer to the request for a key begins, and how long that is. `None`: it is not all there.
pub fn parse(bytes: &[u8], escaped_key: &[u8]) -> Result<Option<(Answer, usize)>, BadAnswer> {
    let Some(end) = memchr(b'\n', bytes) else {
        let most = MOST_LINE + escaped_key.len();
        return if bytes.len() < most { Ok(None) } else { Err(BadAnswer::Line) };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(BadAnswer::Line)?;
    let answer = match line.strip_prefix(b"VALUE ") {
        Some(rest) => value(rest, escaped_key)?,
        None if line == b"END" => Answer::Absent,
        None => {
            let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
            let failed = [&b"ERROR"[..], b"CLIENT_ERROR", b"SERVER_ERROR"].contains(&word);
            return Err(if failed { BadAnswer::Failed } else { BadAnswer::Line });
        }
    };
    Ok(Some((answer, end + 1)))
}

/// `KEY flags bytes`.
fn value(text: &[u8], key: &[u8]) -> Result<Answer, BadAnswer> {
    let rest = text.strip_prefix(key).ok_or(BadAnswer::Key)?;
    let rest = rest.strip_prefix(b" ").ok_or(BadAnswer::Key)?;
    let space = memchr(b' ', rest).ok_or(BadAnswer::Line)?;
    let flags = number(&rest[..space]).and_then(|flags| u32::try_from(flags).ok());
    let length = number(&rest[space + 1..]).filter(|&length| length <= i64::MAX as u64);
    let flags = flags.ok_or(BadAnswer::Flags)?;
    Ok(Answer::Value { flags, length: length.ok_or(BadAnswer::Length)? })
}

/// Digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
}

/// What stands behind the data, as it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct End {
    /// Bytes of it that are there.
    seen: usize,
}

impl End {
    /// Takes what has arrived, and tells how much of it belongs to the answer.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<usize, BadAnswer> {
        let wanted = &END[self.seen..];
        let len = wanted.len().min(bytes.len());
        if bytes[..len] != wanted[..len] {
            return Err(BadAnswer::End);
        }
        self.seen += len;
        Ok(len)
    }

    /// Whether all of it is there: if nothing follows, the connection may be used for another request.
    pub fn is_done(&self) -> bool {
        self.seen == END.len()
    }
}
