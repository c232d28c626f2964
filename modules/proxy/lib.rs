//! `proxy_pass`: requests go on to other servers by HTTP/1, and their answers come back.
//!
//! ```text
//! pass      where to: an upstream, an address, a word with variables
//! uri       what is asked there for a request's URI
//! head      the head of the request      ─▶ upstream::Passing: asks, and answers
//!                                            redirect, cookies: what is changed in the answer's head
//! ```
//! Semantics are those of nginx's `ngx_http_proxy_module`, but for what a message's `Connection` names, which belongs to
//! that connection and is not passed on (RFC 9110 §7.6.1).
#![forbid(unsafe_code)]

mod cookies;
mod directives;
mod handler;
mod head;
mod pass;
mod proxying;
mod redirect;
mod uri;
mod variables;

pub use directives::Proxy;
