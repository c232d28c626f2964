//! What a stream consists of, whatever carries it: its tracks, the units of their frames, their times.
//!
//! A *track* is what a sequence header tells. The header itself is kept as it was sent: `avcC`, `hvcC`, `av1C` and `vpcC`
//! are the same bytes in FLV, RTMP and MP4, and so are AudioSpecificConfig, OpusHead and STREAMINFO.

mod ac3;
mod audio;
pub(crate) mod av1;
mod clock;
pub(crate) mod hevc;
mod mp3;
mod name;
mod units;
mod video;
mod vp9;

pub use audio::AudioTrack;
pub use clock::AudioClock;
pub use units::{Sets, Units};
pub use video::VideoTrack;

pub use crate::flv::media::{AudioCodec, VideoCodec};
