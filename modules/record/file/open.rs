//! Opening a file to record into, and making one whole that was left as it was. All of this blocks: it is for other threads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use live::appender::{Existing, Failed, at, open};
use proto::flv::recording::{Index, Totals, Walk, Walked, patch};
use sys::lock;

/// How a recording begins with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is empty, whatever it was.
    Replace,
    /// Behind the last whole tag.
    Append,
    /// At this offset, where another process stopped.
    Resume(u64),
}

/// A file that can be written.
pub struct Opened {
    /// It.
    pub file: File,
    /// What is in it, if it is not empty.
    pub walked: Option<Walked>,
}

/// Opens a file. `sole`: nobody else may be writing to it.
pub fn begin(path: &Path, how: How, sole: bool, index: usize) -> Result<Opened, Failed> {
    let existing = if how == How::Replace { Existing::Replace } else { Existing::Keep };
    let file = open(path, existing, sole)?;
    let len = at("fstat", file.metadata())?.len();
    let wrong = |why: &str| Err(Failed { call: "open", error: io::Error::other(why) });
    match how {
        How::Resume(offset) if len < offset => return wrong("it is shorter than it was"),
        How::Resume(offset) => at("ftruncate", file.set_len(offset))?,
        _ => {}
    }
    let len = if let How::Resume(offset) = how { offset } else { len };
    if len == 0 {
        return Ok(Opened { file, walked: None });
    }
    let walked = at("read", walk(&file, index))?;
    match (how, walked.end) {
        (_, 0) => return wrong("this is no FLV file"),
        (How::Resume(offset), end) if end != offset => return wrong("it is not as it was"),
        (_, end) => at("ftruncate", file.set_len(end))?,
    }
    Ok(Opened { file, walked: Some(walked) })
}

/// Writes what is known at the end into a file's head, which has so many bytes; 0: it has none of ours.
pub fn seal(file: &File, head: u64, totals: Totals, index: &Index) -> Result<(), Failed> {
    let mut bytes = vec![0; head as usize];
    at("read", file.read_exact_at(&mut bytes, 0))?;
    match patch(&mut bytes, totals, index) {
        true => at("write", file.write_all_at(&bytes, 0)),
        false => Ok(()),
    }
}

/// Makes a file whole that a crash or a loss of power has left: it ends behind the last whole tag, and says how long it is.
/// What is no FLV file stays as it is.
pub fn repair(path: &Path, index: usize, is_ours: impl Fn(&File) -> bool) -> Result<(), Failed> {
    let file = open(path, Existing::Require, true)?;
    // Where there are no locks nobody knows whether it is being recorded.
    at("flock", lock::exclusive(&file, false))?;
    if !is_ours(&file) {
        return Ok(());
    }
    let walked = at("read", walk(&file, index))?;
    if walked.end == 0 {
        return Ok(());
    }
    at("ftruncate", file.set_len(walked.end))?;
    let last = u64::from(walked.last.unwrap_or(0));
    let totals = Totals { duration: last, last, size: walked.end };
    seal(&file, walked.head, totals, &walked.index)
}

fn walk(file: &File, index: usize) -> io::Result<Walked> {
    /// Frames of sound are short: several of them come with one piece.
    const PIECE: usize = 4 << 10;
    let len = file.metadata()?.len();
    let mut piece = [0; PIECE];
    let mut walk = Walk::new(index);
    while let Some(place) = walk.wanted() {
        let count = sys::file::read_at(file, &mut piece, place)?;
        walk.take(&piece[..count], place.saturating_add(count as u64) >= len);
    }
    Ok(walk.found())
}
