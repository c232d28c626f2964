//! Compression: `gzip` of what is answered, `gunzip` of what is compressed already, for clients that cannot take it.
//!
//! ```text
//! header filter: is it to be done? ─▶ fields, no length    body filter: wraps the body, which is asked for piece by piece
//! ```
//! A short body is compressed at once, and stays a chain: nothing waits.
#![forbid(unsafe_code)]

mod conf;
mod deflate;
mod filter;
mod inflate;

pub use conf::{Conf, Gzip};
