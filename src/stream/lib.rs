//! `stream {}`: a core module for connections on which no protocol of ours is spoken.
//!
//! ```text
//! accepted ─▶ a proxy's header ─▶ handshake, which chooses the server ─▶ the client's certificate ─▶ content ─▶ end
//! ```
//! Where it listens, which server a name stands for, what a proxy tells, and the variables of a connection are those of
//! `http {}` (`http::route`, `http::vars`), which know nothing of requests.
#![forbid(unsafe_code)]

mod assemble;
mod block;
mod instance;
mod listener;
mod serve;
mod session;
mod settings;
mod variables;
mod written;

pub use block::Stream;
