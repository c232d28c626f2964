//! What there is of a stream: segments and parts, as the heads of the records tell.

mod kept;
mod read;
mod timeline;

pub use read::{bytes, follow};
pub use timeline::{Segment, Timeline, Track};
