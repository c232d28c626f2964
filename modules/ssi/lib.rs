//! Server side includes: commands in a page that put other pages, variables and conditions into it.
//!
//! ```text
//! body ─▶ parse ─▶ text ────────────────▶ parts, in order ─▶ out
//!              └─▶ command ─▶ commands ─▶ (text, bodies of subrequests)
//! ```
//! A page is read as its client takes it. What is included is asked for as soon as its command has been read, a few at a
//! time, and goes out in its place. Variables, blocks and what expressions have captured are the client's request's: all
//! pages that it is made of see them.
#![forbid(unsafe_code)]

mod commands;
mod conf;
mod filter;
mod include;
mod page;
pub mod parse;
mod shared;
mod variables;
pub mod words;

pub use conf::{Conf, Ssi};
