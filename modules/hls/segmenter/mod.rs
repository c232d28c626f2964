//! From the messages of a stream to parts of segments.
//!
//! ```text
//! messages ─▶ Frames (one video frame waits for the next: then its length is known)
//!                 │
//!                 ▼
//!             Segmenter ── Cutter: where a segment ends; where a part does
//!                 │
//!                 ▼
//!             Packer (TS or CMAF) ─▶ part: Head, tracks, bytes ─▶ hls_zone
//! ```
//! Nothing here knows of time, files or memory that is shared: what is to be kept goes to a [`Sink`].

pub mod cutter;
pub mod packer;
mod segmenter;
mod sound;
pub mod tracks;

pub use segmenter::{Media, Options, Segmenter, Sink};
#[cfg(test)]
mod tests;
