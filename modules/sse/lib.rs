//! Event streams: publish by POST, subscribe by EventSource or WebSocket, on the broadcast log.
//!
//! ```text
//! POST ─▶ publish ─▶ zone (shared memory) ─▶ hub of each worker ─▶ subscribers: one write each
//!                      GET ─▶ subscribe ──────────┘   a subscriber is a cursor
//! ```
//! A record in the log is a finished chunk of an HTTP/1.1 event stream: it is rendered when it is
//! published, and goes out from where it lies. Other framings (HTTP/1.0, gzip, WebSocket) are made of
//! it, once for all subscribers of a worker.
#![forbid(unsafe_code)]

mod channels;
mod endpoint;
mod json;
mod publish;
mod record;
mod settings;
mod subscribe;
mod zone;

pub use channels::check as check_name;
pub use publish::internal::{publish, try_publish};
pub use settings::directives::Sse;
