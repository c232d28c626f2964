//! Writing chunks.

use super::{EXTENDED, LONGEST};
use std::ops::Deref;

/// A chunk's header, in place.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBytes {
    bytes: [u8; 18],
    len: usize,
}

impl HeaderBytes {
    /// With the basic header for this chunk stream; 0 and 1 are no chunk streams.
    fn new(format: u8, csid: u32) -> HeaderBytes {
        let mut header = HeaderBytes { bytes: [0; 18], len: 0 };
        let format = format << 6;
        match csid.clamp(2, 65_599) {
            csid @ 2..=63 => header.push(&[format | csid as u8]),
            csid @ 64..=319 => header.push(&[format, (csid - 64) as u8]),
            csid => {
                let [low, high, ..] = (csid - 64).to_le_bytes();
                header.push(&[format | 1, low, high]);
            }
        }
        header
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn push_u24(&mut self, value: u32) {
        self.push(&value.to_be_bytes()[1..]);
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Format 0, a header that says all. The timestamp is in milliseconds; `len` is at most [`LONGEST`].
pub fn full(csid: u32, kind: u8, stream: u32, timestamp: u32, len: usize) -> HeaderBytes {
    header(0, csid, kind, Some(stream), timestamp, len)
}

/// Format 1, for a message of the same stream as the one before on this chunk stream, so many
/// milliseconds after it.
pub fn delta(csid: u32, kind: u8, delta: u32, len: usize) -> HeaderBytes {
    header(1, csid, kind, None, delta, len)
}

fn header(
    format: u8,
    csid: u32,
    kind: u8,
    stream: Option<u32>,
    time: u32,
    len: usize,
) -> HeaderBytes {
    let mut header = HeaderBytes::new(format, csid);
    header.push_u24(time.min(EXTENDED));
    header.push_u24(len.min(LONGEST) as u32);
    header.push(&[kind]);
    if let Some(stream) = stream {
        header.push(&stream.to_le_bytes());
    }
    if time >= EXTENDED {
        header.push(&time.to_be_bytes());
    }
    header
}

/// Appends a whole message: format 0, and format 3 for its later chunks, which repeat a timestamp
/// that is extended. What is beyond [`LONGEST`] of a payload is left out.
pub fn write_message(
    out: &mut Vec<u8>,
    chunk_size: usize,
    csid: u32,
    kind: u8,
    stream: u32,
    timestamp: u32,
    payload: &[u8],
) {
    let payload = &payload[..payload.len().min(LONGEST)];
    let mut next = HeaderBytes::new(3, csid);
    if timestamp >= EXTENDED {
        next.push(&timestamp.to_be_bytes());
    }
    out.extend_from_slice(&full(csid, kind, stream, timestamp, payload.len()));
    for (index, piece) in payload.chunks(chunk_size.max(1)).enumerate() {
        if index > 0 {
            out.extend_from_slice(&next);
        }
        out.extend_from_slice(piece);
    }
}
