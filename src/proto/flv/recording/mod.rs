//! Recordings: FLV files that tell their length, and where their key frames are.
//!
//! ```text
//! header (13)
//! tag 18  "onMetaData" ECMA array:  duration  filesize  lasttimestamp
//!                                   keyframes { filepositions [n]  times [n] }  filler [2 (capacity - n)]
//!                                   width height …
//! tag 9, tag 8 …
//! ```
//! The head is as long at the end as it was in the beginning: the filler gives what the index takes, 18 bytes for a key frame.
//! So it is written over in place, and a file whose end never came is played all the same. What stands before `width` has fixed
//! places; only a head that looks like this is written over.

mod head;
mod index;
mod walk;

pub use head::{Description, Sound, Totals, duration, head, patch};
pub use index::{Index, MAX_ENTRIES};
pub use walk::{Walk, Walked};

use super::file::{TAG_HEADER, previous_tag_size, tag_header};

/// The longest payload that a tag tells of.
pub const LONGEST: usize = 0xFF_FFFF;

/// The head of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagHead {
    /// 8: audio, 9: video, 15: data as AMF3, 18: data.
    pub kind: u8,
    /// Bytes of its payload; never 0.
    pub length: u32,
    /// Milliseconds.
    pub timestamp: u32,
}

/// Reads the head of a tag of a recording; `None`: it is none, or is not there as a whole.
pub fn tag_head(bytes: &[u8]) -> Option<TagHead> {
    let [kind @ (8 | 9 | 15 | 18), a, b, c, t1, t2, t3, t0, 0, 0, 0] =
        *bytes.first_chunk::<TAG_HEADER>()?
    else {
        return None;
    };
    let length = u32::from_be_bytes([0, a, b, c]);
    let timestamp = u32::from_be_bytes([t0, t1, t2, t3]);
    (length > 0).then_some(TagHead { kind, length, timestamp })
}

/// Appends a tag with what follows it. `false`: it is left out, for it is empty, which players take for the end, or too long.
pub fn tag(out: &mut Vec<u8>, kind: u8, timestamp: u32, payload: &[u8]) -> bool {
    if payload.is_empty() || payload.len() > LONGEST {
        return false;
    }
    out.extend_from_slice(&tag_header(kind, payload.len(), timestamp));
    out.extend_from_slice(payload);
    out.extend_from_slice(&previous_tag_size(payload.len()));
    true
}
