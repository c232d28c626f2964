//! Where the parts of a movie are, told at its beginning (ISO 14496-12 §8.16.3): players know how long it is, and find any time.
//!
//! ```text
//! sidx: 01000000  track  timescale  first time (64)  0 (64)  0 (16) count (16)  ( bytes  ticks  90000000 )*
//! ```

use crate::mp4::boxes::{put, write};

/// Entries that one has place for.
pub const MOST_PARTS: usize = 0xFFFF;

/// A part that begins with a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub size: u32,
    /// Ticks of the track.
    pub duration: u32,
}

/// The box for what follows it at once: parts in a row, [`MOST_PARTS`] at most, of a track that begins at time 0.
pub fn sidx(track: u32, timescale: u32, parts: &[Part]) -> Vec<u8> {
    /// Each begins with a picture from which everything can be decoded.
    const SAP: u32 = 0x9000_0000;
    let parts = &parts[..parts.len().min(MOST_PARTS)];
    let mut out = Vec::with_capacity(44 + 12 * parts.len());
    write(&mut out, b"sidx", |out| {
        [1 << 24, track, timescale, 0, 0, 0, 0, parts.len() as u32]
            .into_iter()
            .for_each(|word| put(out, word));
        for part in parts {
            // The first bit would say that it is another index.
            [part.size & 0x7FFF_FFFF, part.duration, SAP]
                .into_iter()
                .for_each(|word| put(out, word));
        }
    });
    out
}
