//! A record as it stands in the file, once its fragments are put together.
//!
//! ```text
//! seq │ number │ key │ time │ wall │ max_age   u64 each
//! place │ flags │ head │ max_count │ len       u32 each
//! name's length u8 │ copy u8 │ 0 u16 │ of a copy: when it was made u64 │ name │ len bytes
//! ```

/// The longest name of a channel.
pub const MAX_CHANNEL: usize = 255;

/// No zone comes to greater ones; so there is room to count on.
pub(crate) const MAX_SEQ: u64 = 1 << 62;

const FIXED: usize = 72;
/// What stands before the bytes, at most.
pub(crate) const LONGEST_LEAD: usize = FIXED + 8 + MAX_CHANNEL;

/// A record of a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number in the zone, from 1 on.
    pub seq: u64,
    /// Its number in its channel.
    pub number: u64,
    /// Hash of its idempotency key, 0: none.
    pub key: u64,
    /// The caller's.
    pub place: u32,
    /// Zone time in milliseconds.
    pub time: u64,
    /// The wall clock when it was written, in milliseconds: with it the file's date is compared. Of one that is
    /// appended it is not looked at.
    pub wall: u64,
    /// The caller's.
    pub flags: u32,
    /// How many of its bytes are the head.
    pub head: u32,
    /// The channel's limit of number.
    pub max_count: u32,
    /// The channel's limit of age.
    pub max_age: u64,
    /// The channel's name, at most [`MAX_CHANNEL`] bytes.
    pub channel: &'a [u8],
    /// Its bytes, head and body, one part after the other.
    pub parts: &'a [&'a [u8]],
}

impl Record<'_> {
    /// How many bytes its parts have.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes stand before its own.
    pub(crate) fn lead_len(&self) -> usize {
        FIXED + self.channel.len()
    }

    /// What stands before the bytes. `copied`: when, if it is a copy, in milliseconds.
    pub(crate) fn lead(&self, copied: Option<u64>) -> Vec<u8> {
        let mut out = Vec::with_capacity(LONGEST_LEAD);
        for word in [self.seq, self.number, self.key, self.time, self.wall, self.max_age] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let len = self.len() as u32;
        for word in [self.place, self.flags, self.head, self.max_count, len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&[self.channel.len() as u8, u8::from(copied.is_some()), 0, 0]);
        out.extend(copied.map(u64::to_le_bytes).into_iter().flatten());
        out.extend_from_slice(self.channel);
        out
    }
}

/// What stands before a record's bytes, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lead<'a> {
    /// Without its parts.
    pub record: Record<'a>,
    /// When it was copied, if it is a copy.
    pub copied: Option<u64>,
    /// How many bytes this is, and how many follow.
    pub lead: u64,
    pub len: u64,
}

impl Lead<'_> {
    pub fn decode(bytes: &[u8]) -> Option<Lead<'_>> {
        let (long, short) = (|at| u64_at(bytes, at), |at| u32_at(bytes, at));
        let &[name, copy, 0, 0] = bytes.get(68..FIXED)? else { return None };
        let (copied, at) = match copy {
            0 => (None, FIXED),
            1 => (Some(long(FIXED)?), FIXED + 8),
            _ => return None,
        };
        let record = Record {
            seq: long(0)?,
            number: long(8)?,
            key: long(16)?,
            time: long(24)?,
            wall: long(32)?,
            max_age: long(40)?,
            place: short(48)?,
            flags: short(52)?,
            head: short(56)?,
            max_count: short(60)?,
            channel: bytes.get(at..at + usize::from(name))?,
            parts: &[],
        };
        let len = u64::from(short(64)?);
        if record.seq == 0 || record.seq > MAX_SEQ {
            return None;
        }
        Some(Lead { record, copied, lead: (at + usize::from(name)) as u64, len })
    }

    /// When it was written, in nanoseconds.
    pub fn written(&self) -> u64 {
        self.copied.unwrap_or(self.record.wall).saturating_mul(1_000_000)
    }
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
