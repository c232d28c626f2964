//! What there is of a stream: segments and parts, as the heads of the records tell.

mod kept;
mod known;
mod past;
mod read;
mod segments;

pub use kept::{LEAST_MS, SHORTER_MS, SHORTEST_TARGETS};
pub use known::Timeline;
#[cfg(test)]
pub use read::behind;
pub use read::{bytes, follow, is_in_memory, read};
pub use segments::Segment;
