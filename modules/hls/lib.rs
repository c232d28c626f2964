//! HLS: streams cut into segments, which outlive their workers as the streams do.
//!
//! ```text
//! stream ─▶ segmenter (a follower, in the publisher's worker) ─▶ hls_zone ─▶ timeline of each worker ─▶ playlists, segments
//!                                                                       ├▶ files under hls_path
//!                                                                       └▶ hls_window: what has left the zone
//! ```
//! A part is a record of the zone (`part.rs`); a segment is its parts in a row; a playlist is made of their heads. Any
//! worker serves them, and whoever goes on with a stream finds in its newest part where that is.
#![forbid(unsafe_code)]

mod applications;
mod archive;
mod cue;
mod dash;
mod files;
mod keys;
mod master;
mod module;
mod numbers;
mod part;
mod playlists;
mod segmenter;
mod segments;
mod settings;
mod sink;
mod stream;
mod tell;
mod timeline;
mod waiters;
mod watch;
mod web;
mod zone;

pub use applications::{has_dash, has_hls};
pub use files::earlier::{Earlier, Ours};
pub use module::Hls;
pub use web::directives::Web;
pub use web::{Place, Resource, Serving, arguments_of};
