//! What was recorded, as files, as spans of time, as pieces of a movie. All of this blocks: it is for other threads.
//!
//! ```text
//! journals ─▶ catalogue: recordings of a stream ─▶ one file, as it is now (snapshot)
//!                                               └▶ index of each file ─▶ clips: a span of time ─▶ a playlist, a movie
//!                                                    FLV: as fragments (flv, medium)
//! ```

pub mod catalogue;
pub mod clip;
pub mod flv;
pub mod index;
pub mod medium;
pub mod movie;
pub mod playlist;
pub mod snapshot;
