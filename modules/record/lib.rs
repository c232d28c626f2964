//! Recording: what is published becomes files.
//!
//! ```text
//! the log ─▶ Recording (a stream, a recorder) ─▶ Flv: tags ─▶ live::Appender: another thread ─▶ the file
//!                │                                                              journal: which files are ours
//!                └─▶ a note in the log: file, offset, upto
//!
//! journals ─▶ play: catalogue, indexes, clips, movies (other threads) ─▶ web: lists, files, playlists for HTTP
//! ```
//! A recording is a follower of the stream. What it has written it notes, with the place in the log; whoever goes on after
//! it cuts the file at that offset and reads behind that place: no frame is missing, and none is there twice.
#![forbid(unsafe_code)]

mod file;
mod library;
mod module;
mod play;
mod recorder;
mod recording;
mod settings;
mod sweep;
mod web;

pub use module::Record;
pub use web::directives::Web;
