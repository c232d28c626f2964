//! The head of a segment: which use of its place this is.

use crate::record::{MAX_SEQ, u32_at, u64_at};
use crate::shape::Shape;

/// "RSERVSEG".
const MAGIC: [u8; 8] = *b"RSERVSEG";

/// Bytes of a segment's head; fragments follow.
pub(crate) const HEAD: u64 = 40;

/// A use of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Counts up with each use.
    pub number: u64,
    /// Which life of the log began it: after a power cut a number may be used again, and pages of its
    /// first use may be there still.
    pub life: u64,
    /// The ids of its first records are of this epoch.
    pub epoch: u32,
    /// When it was begun, in nanoseconds.
    pub wall: u64,
}

impl Segment {
    pub fn encode(&self, secret: [u64; 2]) -> [u8; HEAD as usize] {
        let mut out = [0; HEAD as usize];
        out[..8].copy_from_slice(&MAGIC);
        out[8..16].copy_from_slice(&self.number.to_le_bytes());
        out[16..24].copy_from_slice(&self.life.to_le_bytes());
        out[24..32].copy_from_slice(&self.wall.to_le_bytes());
        out[32..36].copy_from_slice(&self.epoch.to_le_bytes());
        let crc = crc32c::crc32c_append(of_secret(secret), &out[..36]);
        out[36..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// What stands at the beginning of a segment in place `slot`. `None`: nothing that is ours.
    pub fn decode(bytes: &[u8], shape: Shape, slot: u64, secret: [u64; 2]) -> Option<Segment> {
        let bytes = bytes.get(..HEAD as usize)?;
        let crc = crc32c::crc32c_append(of_secret(secret), &bytes[..36]);
        if bytes[..8] != MAGIC || bytes[36..] != crc.to_le_bytes() {
            return None;
        }
        let segment = Segment {
            number: u64_at(bytes, 8)?,
            life: u64_at(bytes, 16)?,
            wall: u64_at(bytes, 24)?,
            epoch: u32_at(bytes, 32)?,
        };
        // What is counted on from here has room to grow.
        let sane = segment.number < MAX_SEQ / shape.segment && segment.life <= MAX_SEQ;
        (sane && segment.number % shape.count == slot).then_some(segment)
    }

    /// What the checksums of this use's fragments begin with.
    pub fn seed(&self, secret: [u64; 2]) -> u32 {
        let seed = crc32c::crc32c_append(of_secret(secret), &self.number.to_le_bytes());
        crc32c::crc32c_append(seed, &self.life.to_le_bytes())
    }
}

fn of_secret([a, b]: [u64; 2]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&a.to_le_bytes()), &b.to_le_bytes())
}
