//! The first handshake message of a connection, out of the records that carry it.

use std::borrow::Cow;

/// RFC 8446, 5.1: the longest plaintext of a record.
const MOST_FRAGMENT: usize = 1 << 14;
/// Of a record: kind, version, length.
const HEADER: usize = 5;
/// Of a message: kind, length.
const MESSAGE_HEADER: usize = 4;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What the bytes are so far.
pub enum Message<'a> {
    /// A whole hello without its header, and how many bytes of records it took.
    Whole(Cow<'a, [u8]>, usize),
    /// The beginning of one, which has so many bytes of records at least.
    Incomplete(usize),
    /// No hello, and what is wrong.
    Invalid(&'static str),
}

/// Finds it in the first `most` bytes. What is decided stays so however much follows.
pub fn message(bytes: &[u8], most: usize) -> Message<'_> {
    match whole(&bytes[..bytes.len().min(most)], most) {
        Message::Incomplete(_) if bytes.len() >= most => {
            Message::Invalid("a hello that is too long")
        }
        Message::Incomplete(least) => Message::Incomplete(least.min(most)),
        decided => decided,
    }
}

fn whole(bytes: &[u8], most: usize) -> Message<'_> {
    let mut joined = Cow::Borrowed(&[][..]);
    let (mut used, mut least) = (0, HEADER);
    loop {
        let (fragment, len) = match record(&bytes[used..]) {
            Ok(Some(record)) => record,
            Ok(None) => return Message::Incomplete(least),
            Err(fault) => return Message::Invalid(fault),
        };
        match joined.is_empty() {
            true => joined = Cow::Borrowed(fragment),
            false => joined.to_mut().extend_from_slice(fragment),
        }
        // What is there of a record tells already whether it is worth waiting for the rest.
        let end = match end(&joined) {
            Ok(end) => end,
            Err(fault) => return Message::Invalid(fault),
        };
        if end.is_some_and(|end| end > most) {
            return Message::Invalid("a hello that is too long");
        }
        used += HEADER + len;
        let after = joined.len() + len - fragment.len();
        let more = end.unwrap_or(MESSAGE_HEADER).saturating_sub(after);
        least = used + if more == 0 { 0 } else { HEADER + more };
        if fragment.len() < len {
            return Message::Incomplete(least);
        }
        match end {
            Some(end) if end == joined.len() => return Message::Whole(body(joined), used),
            // Its answer changes the keys: nothing may stand behind it (RFC 8446, 5.1).
            Some(end) if end < joined.len() => return Message::Invalid("bytes after the hello"),
            _ => {}
        }
    }
}

/// What has come of a record's fragment, and how long that will be.
fn record(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, &'static str> {
    if bytes.first().is_some_and(|kind| *kind != HANDSHAKE) {
        return Err("a record that is no handshake");
    }
    if bytes.get(1).is_some_and(|major| *major != 3) {
        return Err("a record of an unknown version");
    }
    let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    match usize::from(u16::from_be_bytes([high, low])) {
        0 => Err("an empty record"),
        len if len > MOST_FRAGMENT => Err("a record that is too long"),
        len => Ok(Some((&rest[..rest.len().min(len)], len))),
    }
}

/// Where the message ends, as its header says.
fn end(joined: &[u8]) -> Result<Option<usize>, &'static str> {
    if joined.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err("a handshake that does not begin with a hello");
    }
    let Some(&[_, a, b, c]) = joined.first_chunk() else { return Ok(None) };
    Ok(Some(4 + u32::from_be_bytes([0, a, b, c]) as usize))
}

fn body(message: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match message {
        Cow::Borrowed(message) => Cow::Borrowed(&message[4..]),
        Cow::Owned(mut message) => Cow::Owned(message.split_off(4)),
    }
}
