//! Codecs without I/O: bytes in, values out.
//!
//! Nothing here reads a socket or a clock, and no input can make it panic. Where HTTP leaves a
//! choice, the choice is nginx's, since its users bring their expectations along.
#![forbid(unsafe_code)]

pub mod accept;
mod bits;
pub mod cached;
pub mod cgi;
pub mod conditional;
pub mod dash;
pub mod date;
pub mod escape;
pub mod fastcgi;
pub mod flv;
pub mod fmp4;
pub mod hex;
pub mod hls;
pub mod http1;
pub mod http2;
pub mod media;
pub mod memcached;
pub mod mp4;
pub mod multipart;
pub mod proxy_protocol;
pub mod query;
pub mod range;
pub mod rtmp;
pub mod scgi;
pub mod scte35;
pub mod sse;
pub mod tls;
pub mod ts;
pub mod uri;
pub mod uwsgi;
pub mod websocket;
