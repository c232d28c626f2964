//! From the messages of a stream to parts of segments.
//!
//! ```text
//! messages ─▶ Clock (a time that does not wrap; what does not follow from what was)
//!                 │
//!                 ▼
//!             Segmenter ── pictures: one waits for the next: then its length is known
//!                 │    ├── sound: it waits for the pictures that are shown with it
//!                 │    ├── Cutter: where a segment ends; where a part does
//!                 │    ├── cues: they wait for a segment to begin
//!                 │    └── Wall: when that was by the clock on the wall
//!                 ▼
//!             Packer (TS or CMAF) ─▶ part: Head, tracks, bytes ─▶ hls_zone
//! ```
//! Nothing here knows of time, files or memory that is shared: what is to be kept goes to a [`Sink`].
//!
//! Whatever a publisher sends: no segment is longer than playlists say, none has no length, and new tracks or another clock
//! begin no more often than once a second.

mod begin;
mod clock;
mod cues;
pub mod cutter;
mod ends;
pub mod packer;
mod pictures;
mod resume;
mod sound;
mod state;
pub mod tracks;
mod wall;

pub use state::{Given, Media, Options, Segmenter, Sink};
#[cfg(test)]
mod tests;
