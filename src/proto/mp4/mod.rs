//! Cutting MP4 files (ISO/IEC 14496-12): the head of a file that holds only a part of another.
//!
//! ```text
//! file:  ftyp | moov | mdat ………………………………        box: size (4) type (4) [size (8), if the first is 1] content
//!        moov: mvhd  trak*                          a full box begins with version (1) and flags (3)
//!              trak: tkhd  edts(elst)  mdia: mdhd  minf: stbl
//!              stbl: stsd  stts  ctts  stss  stsc  stsz  stco|co64
//!
//! cut:   ftyp | moov' | mdat head | window of the file's mdat
//! ```
//! What is read is the whole `moov` in memory, as long as it is; every count in it is checked against the box that it
//! stands in, so that what it costs is bounded by what was read.

pub(crate) mod boxes;
mod edit;
mod movie;
mod samples;
mod track;

pub use boxes::{BoxHead, head};
pub use movie::{Cut, cut};

use std::fmt;

/// A part of a movie, in milliseconds of its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From here on.
    pub start: u64,
    /// Up to here; `None`: to its end.
    pub end: Option<u64>,
    /// It begins with the key frame before `start`; an edit list has players skip what is too early.
    pub from_key_frame: bool,
}

/// Why a file cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mp4Error {
    /// A box is shorter or longer than what it says of itself.
    Damaged(&'static str),
    /// There are two of it.
    Duplicate(&'static str),
    /// It is missing.
    Missing(&'static str),
    /// The movie is in fragments: it is cut already, for players that ask for them.
    Fragmented,
    /// Nothing is left from there on.
    StartIsOut,
}

impl fmt::Display for Mp4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mp4Error::Damaged(name) => write!(f, "mp4 \"{name}\" atom is damaged"),
            Mp4Error::Duplicate(name) => write!(f, "duplicate mp4 \"{name}\" atom"),
            Mp4Error::Missing(name) => write!(f, "no mp4 \"{name}\" atom was found"),
            Mp4Error::Fragmented => f.write_str("fragmented mp4 files cannot be cut"),
            Mp4Error::StartIsOut => f.write_str("start time is out of the mp4 file"),
        }
    }
}

impl std::error::Error for Mp4Error {}

#[cfg(test)]
mod tests;
