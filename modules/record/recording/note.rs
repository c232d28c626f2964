//! What the one is to know who goes on after this process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::recording::frame::Headers;

/// How far a recording is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What came up to this seq is in files, or is in none.
    pub upto: u64,
    /// The file that is being recorded.
    pub file: Option<Open>,
    /// The one before.
    pub last: Option<Last>,
    /// Files may begin.
    pub wanted: bool,
    /// What an operator was told that the file would be.
    pub named: Option<PathBuf>,
    /// The headers that the stream had.
    pub headers: Headers,
}

/// A file that is being recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Where.
    pub path: PathBuf,
    /// Everything up to `upto` is before this.
    pub offset: u64,
    /// Whether there are pictures in it, and sound.
    pub tracks: (bool, bool),
    /// When it began.
    pub begun: Begun,
    /// Frames in it.
    pub frames: u64,
    /// Pictures have begun.
    pub has_key: bool,
    /// Sound is of another track by now: it ends before the next key frame.
    #[serde(default)]
    pub is_stale: bool,
}

/// When a file began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The stream's clock, milliseconds.
    pub time: u32,
    /// What is added to times in the file: it had something before.
    pub shift: u32,
    /// Milliseconds of Unix time.
    pub wall: u64,
}

/// A file of this publication that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Where.
    pub path: PathBuf,
    /// When it began.
    pub begun: Begun,
    /// It could not be written on: the next one goes on in it.
    pub failed: bool,
    /// A track had another header, which its form cannot have.
    pub cut: bool,
}
