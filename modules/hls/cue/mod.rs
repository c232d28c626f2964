//! `hls_cue`: what a publisher says happens in its stream: breaks for advertisements, and other moments.
//!
//! ```text
//! onCuePoint ─▶ Cue ─▶ the segmenter: waits until a segment begins ─▶ Cues, behind the head of a part ─▶ hls_zone
//!                                                                                      │
//!                                                    EXT-X-DATERANGE, EXT-X-CUE-OUT ◀──┘
//! ```
//! Whoever goes on with a stream reads in its newest part which break is in force, and what waits.

mod listed;
mod message;
mod point;
mod record;
mod state;
#[cfg(test)]
mod tests;

pub use listed::Listing;
pub use message::read;
#[cfg(test)]
pub use point::MOST;
pub use point::{Action, Break};
pub use record::is_cues;
pub use state::Cues;
