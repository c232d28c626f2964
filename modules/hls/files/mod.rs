//! `hls_path`, `dash_path`: what is in the zone, as files.
//!
//! ```text
//! NAME.m3u8  NAME-1790000000.ts …            hls_nested: NAME/index.m3u8  NAME/1790000000.ts …
//! ```
//! The zone is what counts, and files follow it: each time a segment ends it is looked which files are missing, and which are
//! not wanted any more. So whoever goes on with a stream goes on with its files, too: nothing has to be written down. A file
//! is made under another name and renamed when it is whole; it is listed when it is there, and removed when it can be
//! asked for no more. Other threads do it, one job of a stream at a time.

mod job;
mod layout;
mod names;
mod output;

pub use layout::Layout;
pub use names::{Naming, Places};
pub use output::{Files, Output};
