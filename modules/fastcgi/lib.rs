//! `fastcgi_pass`: requests go to applications by FastCGI, PHP's above all, and their answers come back.
//!
//! Semantics are those of nginx's `ngx_http_fastcgi_module`, but for an answer that breaks off before the application has said that
//! it has ended: it is not taken for the whole.
#![forbid(unsafe_code)]

mod asking;
mod directives;
mod split;

pub use directives::FastCgi;
