//! HLS playlists (RFC 8216, and draft-pantos-hls-rfc8216bis for low latency): as they are written, and what a request for one
//! may ask for.
//!
//! ```text
//! #EXTM3U
//! #EXT-X-VERSION:9
//! #EXT-X-TARGETDURATION:4
//! #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.515,CAN-SKIP-UNTIL=24.0
//! #EXT-X-PART-INF:PART-TARGET=0.505
//! #EXT-X-MEDIA-SEQUENCE:1790000000
//! #EXT-X-DISCONTINUITY-SEQUENCE:29833333
//! #EXT-X-MAP:URI="video-init-1790000000.mp4"
//! #EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
//! #EXTINF:4.000,
//! video-1790000000.m4s
//! #EXT-X-PART:DURATION=0.500,URI="video-1790000001.0.m4s",INDEPENDENT=YES
//! #EXT-X-PRELOAD-HINT:TYPE=PART,URI="video-1790000001.1.m4s"
//! ```

mod arguments;
mod daterange;
mod decimal;
mod master;
mod media;
#[cfg(test)]
mod tests;

pub use arguments::{Answer, Arguments, Available, answer};
pub use daterange::{DateRange, Scte35, Splice};
pub use master::{Audio, Caption, Master, Variant};
pub use media::{Key, Kind, Media, Part, Report, Segment, playlist};
