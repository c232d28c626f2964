//! A file or a live stream of tags (FLV 10.1 §E.2 to §E.4).
//!
//! ```text
//! "FLV" 1 flags (1) 9 (4)                              flags: 4 audio, 1 video
//! 0 (4)                                                previous tag size
//! kind (1) length (3) time (3) its high byte (1) 0 (3) a tag's header
//! payload (length)
//! length + 11 (4)                                      previous tag size
//! kind (1) …
//! ```

use std::fmt;

/// The bytes of a tag's header.
pub const TAG_HEADER: usize = 11;

/// The file's header, and the size of the tag before the first.
pub fn header(audio: bool, video: bool) -> [u8; 13] {
    let flags = u8::from(audio) << 2 | u8::from(video);
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// A tag's header. Kinds are those of RTMP's messages, the timestamp is in milliseconds, and `len`,
/// the payload's, is at most 2^24 - 1.
pub fn tag_header(kind: u8, len: usize, timestamp: u32) -> [u8; TAG_HEADER] {
    let [_, l0, l1, l2] = (len.min(0xFF_FFFF) as u32).to_be_bytes();
    let [t0, t1, t2, t3] = timestamp.to_be_bytes();
    [kind, l0, l1, l2, t1, t2, t3, t0, 0, 0, 0]
}

/// What follows a payload of this length.
pub fn previous_tag_size(len: usize) -> [u8; 4] {
    (len.min(0xFF_FFFF) as u32 + TAG_HEADER as u32).to_be_bytes()
}

/// A tag that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// 8: audio, 9: video, 18: data.
    pub kind: u8,
    /// Milliseconds.
    pub timestamp: u32,
    /// Its content.
    pub payload: &'a [u8],
    /// The size that follows it.
    pub back: u32,
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is no FLV file.
    NotFlv,
    /// A tag, or the file's header, is longer than it may be.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::NotFlv => "no FLV file",
            Error::TooLong => "a tag is too long",
        })
    }
}

impl std::error::Error for Error {}

/// Takes a file apart. Memory is bounded by the size given.
#[derive(Debug)]
pub struct Reader {
    max: usize,
    flags: Option<u8>,
    /// What has come of the header or of a tag, if it came in pieces.
    part: Vec<u8>,
}

impl Reader {
    /// A file whose tags have at most `max` bytes of payload.
    pub fn new(max: usize) -> Reader {
        Reader { max, flags: None, part: Vec::new() }
    }

    /// The flags of the file's header, once it was read.
    pub fn flags(&self) -> Option<u8> {
        self.flags
    }

    /// Takes the next bytes, and calls `each` with every tag that they complete. After an error there
    /// is no going on.
    pub fn feed(&mut self, input: &[u8], mut each: impl FnMut(Tag<'_>)) -> Result<(), Error> {
        let mut rest = input;
        let mut part = std::mem::take(&mut self.part);
        while !part.is_empty() {
            // What is there tells how much is missing; then it tells more.
            let wanted = self.wanted(&part)?;
            let Some(missing) = wanted.checked_sub(part.len()).filter(|missing| *missing > 0)
            else {
                self.take(&part, &mut each);
                part.clear();
                break;
            };
            if rest.is_empty() {
                break;
            }
            let (more, after) = rest.split_at(rest.len().min(missing));
            part.extend_from_slice(more);
            rest = after;
        }
        if part.is_empty() {
            loop {
                let wanted = self.wanted(rest)?;
                let Some((unit, after)) = rest.split_at_checked(wanted) else { break };
                self.take(unit, &mut each);
                rest = after;
            }
            part.extend_from_slice(rest);
        }
        self.part = part;
        Ok(())
    }

    /// How long what begins like this is, as far as that can be told.
    fn wanted(&self, begin: &[u8]) -> Result<usize, Error> {
        if self.flags.is_none() {
            let signature = begin.len().min(4);
            if begin[..signature] != b"FLV\x01"[..signature] {
                return Err(Error::NotFlv);
            }
            let Some([.., a, b, c, d]) = begin.first_chunk::<9>() else { return Ok(9) };
            return match u32::from_be_bytes([*a, *b, *c, *d]) {
                len @ 9..=64 => Ok(len as usize + 4),
                _ => Err(Error::TooLong),
            };
        }
        let Some(&[_, a, b, c, ..]) = begin.first_chunk::<TAG_HEADER>() else {
            return Ok(TAG_HEADER);
        };
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        if len > self.max { Err(Error::TooLong) } else { Ok(TAG_HEADER + len + 4) }
    }

    /// Takes a header or a tag that is whole.
    fn take(&mut self, unit: &[u8], each: &mut impl FnMut(Tag<'_>)) {
        if self.flags.is_none() {
            self.flags = unit.get(4).copied();
            return;
        }
        let Some((header, rest)) = unit.split_first_chunk::<TAG_HEADER>() else { return };
        let Some((payload, back)) = rest.split_last_chunk() else { return };
        let [kind, _, _, _, t1, t2, t3, t0, ..] = *header;
        each(Tag {
            // The bits before are for encryption.
            kind: kind & 0x1F,
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            payload,
            back: u32::from_be_bytes(*back),
        });
    }
}
