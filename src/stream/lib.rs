//! `stream {}`: a core module for connections on which no protocol of ours is spoken.
//!
//! ```text
//! accepted ─▶ a proxy's header ─▶ who may come ─▶ handshake, which chooses the server ─▶ the client's certificate
//!   ─▶ what the client says first ─▶ content ─▶ log ─▶ end
//! ```
//! Where it listens, which server a name stands for, what a proxy tells, and the variables of a connection are those of
//! `http {}` (`http::route`, `http::vars`), which know nothing of requests.
#![forbid(unsafe_code)]

mod api;
mod assemble;
mod block;
mod datagrams;
mod instance;
mod listener;
mod look;
mod pass;
mod serve;
mod session;
mod set;
mod settings;
mod text;
mod variables;
mod written;

pub use api::{Declarations, Entry, Hooks, Module, Template, Variable, entry};
pub use block::Stream;
pub use look::Look;
pub use session::{BoxFuture, Content, Handler, Logger, Phase, Preread, Session};
