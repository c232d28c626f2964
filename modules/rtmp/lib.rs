//! Live video: published by RTMP, played by RTMP, HTTP-FLV and WebSocket-FLV, on the broadcast log.
//!
//! ```text
//! publisher ─▶ session ─▶ feed ─▶ zone (shared memory) ─▶ hub of each worker ─▶ players
//!                                                           RTMP session, HTTP-FLV, WebSocket-FLV
//! ```
//! A record of the log is a message, cut as it goes out by RTMP; its head is kept apart, because each player
//! has its own clock. No worker owns a stream, and no player has a queue: both are places in the log.
#![forbid(unsafe_code)]

mod access;
mod access_log;
mod admin;
mod block;
mod client;
mod directives;
mod draft;
mod events;
mod fault;
mod feed;
mod grace;
mod instance;
mod join;
mod key;
mod lane;
mod login;
mod meta;
mod name;
mod netcall;
mod notify;
mod options;
mod outlet;
mod player;
mod port;
mod protocol;
mod rate;
mod record;
mod session;
mod settings;
mod stats;
mod status;
mod tracks;
mod view;
mod web;
mod wire;
mod zone;

pub use block::Rtmp;
pub use web::Web;
