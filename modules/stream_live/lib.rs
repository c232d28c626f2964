//! `stream_live`: one address of a stream for all formats, by suffix, by `Upgrade` or by `Accept`.
//!
//! ```text
//! request ─▶ address: which stream, which form ─▶ rtmp: may it be played? ─┬▶ rtmp: FLV, MPEG-TS, MP4 without an end
//!               └─▶ negotiate, without a suffix                            ├▶ hls: playlists, segments, DASH
//!                                                                          └▶ page, picture
//! ```
//! It makes no media: it finds out what is asked for, and asks those who do, with one rule for all forms of who may.
#![forbid(unsafe_code)]

mod address;
mod directives;
mod handler;
mod negotiate;
mod page;
mod picture;

pub use directives::StreamLive;
