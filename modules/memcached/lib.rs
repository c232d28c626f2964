//! `memcached_pass`: values from memcached are answers; what is not there another location may make (`error_page 404 = @fallback`).
//!
//! Semantics are those of nginx's `ngx_http_memcached_module`.
#![forbid(unsafe_code)]

mod directives;
mod handler;

pub use directives::Memcached;
