//! Live video: published by RTMP, played by RTMP, HTTP-FLV and WebSocket-FLV, on the broadcast log.
//!
//! ```text
//! client ─▶ session ─▶ publisher ─▶ zone (shared memory) ─▶ hub of each worker ─▶ players
//!                                                           RTMP session, HTTP-FLV, WebSocket-FLV
//! ```
//! A record of the log is a message, cut as it goes out by RTMP; its head is kept apart, because each player
//! has its own clock. No worker owns a stream, and no player has a queue: both are places in the log.
#![forbid(unsafe_code)]

mod access;
mod admin;
mod client;
mod events;
pub mod follow;
mod hooks;
mod instance;
mod listener;
mod log;
mod module;
mod name;
mod play;
mod publish;
mod rate;
mod record;
mod running;
mod session;
mod settings;
mod viewers;
mod web;
mod zone;

pub use hooks::hook::{Hook, hook};
pub use hooks::telling::Telling;
pub use module::{Application, Entry, StreamModule, entry};
pub use play::newest::Newest;
pub use play::output::Container;
pub use settings::block::Rtmp;
pub use viewers::ViewerLimits;
pub use web::admit::{Admitted, Refused, admit_path};
pub use web::directives::Web;
pub use web::playing;
