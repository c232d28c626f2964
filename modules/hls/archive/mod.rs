//! `hls_window`: what has left memory, in files of the stream's directory.
//!
//! ```text
//! PATH/NAME/1790000000.mp4    segments in a row, behind what a decoder needs first: it can be played as it is
//! PATH/NAME/1790000000.index  where each of them is
//! PATH/NAME/next              segments below this number may have been shown to somebody
//! ```
//! A segment is written when it is whole, long before it leaves memory, by the process that cuts the stream; its row in the
//! index comes last, so what a crash has left half-written is not there. Whoever goes on begins another pair of files. Others
//! read them: a worker learns of what was before from the indexes when a client asks for the stream first, and of the rest from
//! the zone. Bytes and names of a segment are the same in memory and here.
//!
//! `next` is kept ahead of the segments: after a crash of the whole server it is gone on behind it, and the few numbers that
//! are in no index are gaps in the playlist. So no name ever has other bytes.

pub mod disk;
pub mod index;
mod leftovers;
mod output;
pub mod window;
mod writer;

pub use leftovers::Leftovers;
pub use output::Archive;

pub use writer::{Behind, Told};
