//! What is fuzzed: each target takes bytes and panics if a promise is broken.
//!
//! ```text
//!   fuzz_targets/*.rs ── libFuzzer, endless ──┐
//!                                             ├──> TARGETS
//!   tests/short.rs ── corpus and mutations ───┘
//! ```
#![forbid(unsafe_code)]

mod amf;
mod cached;
mod cgi_head;
mod chunked;
mod client_hello;
mod conf;
mod dns;
mod fastcgi;
mod flv;
mod flv_recording;
mod fmp4;
mod hls_arguments;
mod hls_playlist;
mod htpasswd;
mod http2;
mod jwt;
mod media;
mod memcached;
mod mp4;
pub mod mutate;
mod proxy_protocol;
mod query;
mod range;
mod request;
mod response;
mod response_head;
mod rtmp_chunk;
mod rtmp_handshake;
mod scte35;
mod sse;
mod ssi;
mod ticket;
mod ts;
mod websocket;

pub use self::sse::sse;
pub use self::ssi::ssi;
pub use amf::amf;
pub use cached::cached;
pub use cgi_head::cgi_head;
pub use chunked::chunked;
pub use client_hello::client_hello;
pub use conf::conf;
pub use dns::dns;
pub use fastcgi::fastcgi;
pub use flv::flv;
pub use flv_recording::flv_recording;
pub use fmp4::fmp4;
pub use hls_arguments::hls_arguments;
pub use hls_playlist::hls_playlist;
pub use htpasswd::htpasswd;
pub use http2::http2;
pub use jwt::jwt;
pub use memcached::memcached;
pub use mp4::mp4;
pub use proxy_protocol::proxy_protocol;
pub use query::query;
pub use range::range;
pub use request::request;
pub use response::response;
pub use response_head::response_head;
pub use rtmp_chunk::rtmp_chunk;
pub use rtmp_handshake::rtmp_handshake;
pub use scte35::scte35;
pub use ticket::ticket;
pub use ts::ts;
pub use websocket::websocket;

/// A target: takes any bytes, and panics if a promise is broken.
pub type Target = fn(&[u8]);

/// All targets with their names, which are also those of their corpora.
pub const TARGETS: [(&str, Target); 32] = [
    ("conf", conf),
    ("request", request),
    ("range", range),
    ("chunked", chunked),
    ("sse", sse),
    ("rtmp_handshake", rtmp_handshake),
    ("rtmp_chunk", rtmp_chunk),
    ("amf", amf),
    ("flv", flv),
    ("websocket", websocket),
    ("query", query),
    ("response", response),
    ("proxy_protocol", proxy_protocol),
    ("client_hello", client_hello),
    ("http2", http2),
    ("ticket", ticket),
    ("mp4", mp4),
    ("ssi", ssi),
    ("jwt", jwt),
    ("htpasswd", htpasswd),
    ("ts", ts),
    ("fmp4", fmp4),
    ("flv_recording", flv_recording),
    ("hls_arguments", hls_arguments),
    ("scte35", scte35),
    ("hls_playlist", hls_playlist),
    ("response_head", response_head),
    ("cgi_head", cgi_head),
    ("fastcgi", fastcgi),
    ("cached", cached),
    ("memcached", memcached),
    ("dns", dns),
];

/// Runs a target over the files that are named on the command line.
pub fn replay(target: Target) -> std::io::Result<()> {
    for path in std::env::args_os().skip(1) {
        target(&std::fs::read(path)?);
    }
    Ok(())
}
