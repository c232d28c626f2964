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

use super::file::{previous_tag_size, tag_header};

/// The longest payload that a tag tells of.
pub const LONGEST: usize = 0xFF_FFFF;

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
