//! `scgi_pass`: requests go to applications by SCGI, and their answers come back.
//!
//! Semantics are those of nginx's `ngx_http_scgi_module`. The protocol wants to know how long a body is, so one in chunks is read before.
#![forbid(unsafe_code)]

mod asking;
mod directives;

pub use directives::Scgi;
