//! `stream {}`: what clients say is passed on to other servers, and what these say to clients.
//!
//! ```text
//! session ─▶ Pass: a group ─▶ connect(): one of its peers ─▶ a proxy's header, an encryption ─▶ Duplex: both ways ─▶ end
//!                                                        └▶ Exchange: datagrams, question by question
//! ```
#![forbid(unsafe_code)]

mod datagrams;
mod directives;
mod groups;
mod pass;
mod proxying;
mod variables;

pub use directives::Proxy;
pub use groups::Groups;
