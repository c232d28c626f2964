//! Writing MPEG transport streams (ISO 13818-1), as HLS has them.
//!
//! ```text
//! packet      47  start (1) PID (13)  00 adaptation (1) payload (1) continuity (4)  [adaptation field]  payload    188 bytes
//! adaptation  length (8)  discontinuity (1) random access (1) …  PCR (1) …  [PCR (48)]  FF …
//! PES         000001 stream (8) length (16)  84  PTS (1) DTS (1) …  length (8)  PTS (40) [DTS (40)]  frame
//! video       access unit delimiter, [parameter sets], units, each after 00000001
//! audio       ( [ADTS header] frame )*
//! ```
//! Times are those of the stream and ten seconds, so that none is negative; the clock of the program runs 0.7 s behind the
//! decoding times, which is how long a frame may be on its way. All wrap at 2^33 ticks, after 26.5 hours.
//!
//! A frame is gone through twice: its units' heads, for what it will be; then it is copied, once, into packets.

mod adts;
mod audio;
mod continuity;
mod muxer;
mod packets;
mod tables;
mod video;

pub use continuity::Continuity;
pub use muxer::Muxer;

/// Bytes of a packet.
pub const PACKET: usize = 188;
