//! Fragmented MP4 (ISO 14496-12 §8.8) as CMAF has it (ISO 23000-19): for HLS, DASH and recordings.
//!
//! ```text
//! init      ftyp  moov: mvhd trak* mvex: [mehd] trex*
//!                 trak: tkhd mdia: mdhd hdlr minf: vmhd|smhd dinf stbl: stsd stts stsc stsz stco (the last four empty)
//! fragment  [styp] [prft]  moof: mfhd traf: tfhd tfdt trun  mdat
//! end       mfra: tfra* mfro                                               of files only
//! ```
//! Pictures are track 1 and have 90000 ticks a second; sound is track 2 and has its own rate. What a decoder needs is the sequence
//! header, byte for byte, but for what FLV has in another form. A fragment is of one track.

mod data;
mod entry;
mod fragment;
mod init;
mod mfra;
mod parse;
mod room;
mod samples;
mod sidx;
mod splice;
mod tables;
mod walk;

pub use data::picture;
pub use fragment::{Sample, fragment, fragment_head, prft, styp};
pub use init::{audio_init, duration, live_init, movie_init, set_duration, video_init};
pub use mfra::{mfra, mfra_len, read_mfra};
pub use parse::{Scales, scales};
pub use room::{Roomy, SWITCH, has_room, roomy};
pub use samples::samples;
pub use sidx::{MOST_PARTS, Part, sidx};
pub use splice::splice;
pub use tables::{Table, movie};
pub use walk::{Fragment, Walk};

/// Ticks a second of pictures.
pub const VIDEO_TIMESCALE: u32 = 90_000;

/// The number of the track of pictures.
pub const VIDEO_TRACK: u32 = 1;

/// The number of the track of sound.
pub const AUDIO_TRACK: u32 = 2;
