//! HTTP/2 (RFC 9113): a connection's task, and one for each stream that has to wait.
//!
//! ```text
//! Io ─▶ guard: counts frames ─▶ the h2 crate ─▶ connection: accepts streams ─▶ stream: head, phases, answer, body
//!        └▶ proto::http2: who asks too much                                      └▶ layer: a stream as an Io, for what
//!                                                                                   takes a connection over
//! ```
//! Nothing moves unless the connection's task is polled: streams put what they have into the crate's queue, which wakes it.

mod connection;
mod deadlines;
mod free;
mod guard;
mod head;
mod incoming;
mod layer;
mod level;
mod output;
mod piece;
mod preface;
mod priority;
mod render;
mod schedule;
mod send;
mod shared;
mod stream;
mod task;
mod unsent;
mod waits;

pub use connection::serve;
pub use preface::{Beginning, look, wait};
