//! `hls_path`, `dash_path`: what is in the zone, as files.
//!
//! ```text
//! NAME.m3u8  NAME-1790000000.ts …            hls_nested: NAME/index.m3u8  NAME/1790000000.ts …
//! ```
//! The zone is what counts, and files follow it: each time a segment ends it is looked which files are missing, and which are
//! not wanted any more. So whoever goes on with a stream goes on with its files, too. A file is made under another name and
//! renamed when it is whole; it is listed when it is there, and removed when it can be asked for no more. Which files are
//! ours a journal tells, `.NAME-m3u8` or `NAME/.m3u8`: what a crash or an error has left is removed by it, and nothing else.
//! Other threads do it, one job of a stream at a time.

pub mod earlier;
mod inventory;
mod job;
mod layout;
mod leftovers;
pub mod names;
mod output;
mod turns;

pub use inventory::Files;
pub use layout::Layout;
pub use leftovers::Leftovers;
pub use names::{Naming, Places, is_fit};
pub use output::Output;
