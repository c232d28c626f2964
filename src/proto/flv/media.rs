//! What an audio or a video payload is, as far as a server has to know.
//!
//! ```text
//! video   frame (4) codec (4)                       codec 7: packet (8) composition time (24) data
//!         1 frame (3) packet (4)  [ModEx] [tracks]  FourCC (32)         data
//! audio   format (4) rate (2) size (1) stereo (1)   format 10: packet (8) data
//!         9 (4) packet (4)        [ModEx] [tracks]  FourCC (32)         data
//!
//! ModEx   packet 7: size - 1 (8; 255: size - 1 (16)) data  kind (4) packet (4)   may come again
//! tracks  kind (4) packet (4)       0: FourCC track (8)                one track
//!                                   1: FourCC track (8) size (24)      many tracks, one codec
//!                                   2: (FourCC track (8) size (24) …)  many codecs
//! ```
//!
//! The first line of each is FLV 10.1 §E.4.2 and §E.4.3, the rest Enhanced RTMP v1 and v2. What is
//! told of a payload with several tracks is told of the first.

mod audio;
mod extended;
mod video;

pub use audio::{Audio, AudioCodec};
pub use video::{Video, VideoCodec};
