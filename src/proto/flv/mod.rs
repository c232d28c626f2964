//! Flash Video: files, and what is in their tags and in RTMP's audio and video messages alike.
//!
//! Sources: Adobe's Video File Format 10.1 (2010), annex E; Enhanced RTMP v2 (Veovera, 2024).

pub mod aac;
pub mod avc;
pub mod file;
pub mod media;
pub mod recording;
pub mod sound;

pub use file::{Error, Reader, Tag, header, previous_tag_size, tag_header};
pub use media::{Audio, AudioCodec, Video, VideoCodec};
