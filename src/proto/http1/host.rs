//! The host that a request is for (RFC 9110, 7.2): `name[:port]` or `[v6][:port]`.

use super::Reject;
use std::borrow::Cow;

/// A host as the choice of a server needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// In lower case, without the trailing dot; copied only if that changes it.
    pub host: Cow<'a, [u8]>,
    /// The port, if one is named.
    pub port: Option<u16>,
}

const INVALID: Reject =
    Reject::new(400, "client sent invalid host header while reading client request headers");

/// Checks the value of a Host field, or the authority of an absolute target.
///
/// An empty value is refused. Whether a request may come without Host is up to its version.
pub fn host(value: &[u8]) -> Result<HostPort<'_>, Reject> {
    let name_len = match value.first() {
        Some(b'[') => memchr::memchr(b']', value).ok_or(INVALID)? + 1,
        _ => memchr::memchr(b':', value).unwrap_or(value.len()),
    };
    let (name, rest) = value.split_at(name_len);
    let port = match rest {
        [] | [b':'] => None,
        [b':', digits @ ..] => Some(port(digits).ok_or(INVALID)?),
        _ => return Err(INVALID),
    };
    let (mut bad, mut upper, mut before) = (false, false, 0);
    let (literal, inner) = match name {
        [b'[', inner @ .., b']'] => (true, inner),
        name => (false, name),
    };
    for &byte in inner {
        bad |=
            !(NAME[usize::from(byte)] || literal && byte == b':') || byte == b'.' && before == b'.';
        upper |= byte.is_ascii_uppercase();
        before = byte;
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    if bad || name.is_empty() {
        return Err(INVALID);
    }
    let host = if upper { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) };
    Ok(HostPort { host, port })
}

/// What may stand in a name (RFC 3986, 3.2.2: unreserved, sub-delims, `%`). Anything else would mean
/// something of its own where the host is put into a URL: `@`, `#`, `?`, `\`.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let others = b"-._~!$&'()*+,;=%";
    let mut at = 0;
    while at < 256 {
        table[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

fn port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |port, &byte| {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    })
}
