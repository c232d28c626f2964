//! Opening a file to record into, and making one whole that was left as it was. All of this blocks: it is for other threads.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use live::appender::{Existing, Failed, at, open};
use proto::flv::recording::{Index, Totals, Walk, Walked, patch};
use proto::fmp4::{AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, mfra, set_duration};
use sys::lock;

use crate::file::duration::tell_duration;
use crate::file::name::numbered;
use crate::file::whole::{each, finish, reopen};

/// How a recording begins with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is empty, whatever it was.
    Replace,
    /// It is empty, and no other that has something in it: else it has a number in its name.
    New,
    /// Behind the last whole tag, or fragment.
    Append,
    /// At this offset, where another process stopped. What that one has written behind it stays until it is written
    /// over: it is the same, frame for frame, and who reads the file sees it grow alone.
    Resume(u64),
}

/// What a file is to be.
#[derive(Clone, Debug)]
pub enum Form {
    /// FLV, with an index of so many key frames.
    Flv(usize),
    /// Fragmented MP4 that begins like this; one that is resumed has a head of its own.
    Fmp4(Vec<u8>),
}

/// A file that can be written.
pub struct Opened {
    /// Where it is.
    pub path: PathBuf,
    /// It.
    pub file: Arc<File>,
    /// What is in it, if it is not empty.
    pub found: Option<Found>,
    /// Nothing was at its path before.
    pub is_made: bool,
}

/// What is in a file.
pub enum Found {
    /// FLV.
    Flv(Walked),
    /// Fragmented MP4.
    Fmp4(Fragments),
}

/// Fragments of a file.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    /// Where the last ends.
    pub end: u64,
    /// Its number.
    pub sequence: u32,
    /// Where the tracks end, in their ticks: pictures, sound.
    pub ends: [u64; 2],
    /// Time and place of those to begin with.
    pub index: Vec<(u64, u64)>,
    /// Bytes of the head.
    pub head: u64,
}

impl Found {
    /// Milliseconds up to where it goes on; `scale`: of its sound.
    pub fn duration(&self, scale: Option<u32>) -> u64 {
        match self {
            Found::Flv(walked) => walked.last.map_or(0, |last| u64::from(last) + 1),
            Found::Fmp4(found) => {
                let [pictures, sounds] = found.ends;
                let sounds = sounds.saturating_mul(1000) / u64::from(scale.unwrap_or(1000).max(1));
                (pictures / u64::from(VIDEO_TIMESCALE / 1000)).max(sounds) + 1
            }
        }
    }

    fn end(&self) -> u64 {
        match self {
            Found::Flv(walked) => walked.end,
            Found::Fmp4(fragments) => fragments.end,
        }
    }
}

fn wrong<T>(why: &str) -> Result<T, Failed> {
    Err(Failed { call: "open", error: io::Error::other(why) })
}

/// Opens a file. `sole`: nobody else may be writing to it.
pub fn begin(path: &Path, how: How, sole: bool, form: &Form) -> Result<Opened, Failed> {
    let path = if how == How::New { at("open", free(path))? } else { path.to_owned() };
    let is_new = matches!(how, How::Replace | How::New);
    // An empty file of somebody else may be written into, but it is not ours to take away.
    let is_made = how == How::New && make(&path);
    let file =
        Arc::new(open(&path, if is_new { Existing::Replace } else { Existing::Keep }, sole)?);
    let len = at("fstat", file.metadata())?.len();
    match how {
        How::Resume(offset) if len < offset => return wrong("it is shorter than it was"),
        // Not even its head is known.
        How::Resume(0) => at("ftruncate", file.set_len(0))?,
        _ => {}
    }
    let len = if let How::Resume(offset) = how { offset } else { len };
    if matches!(form, Form::Fmp4(_)) && len > 0 {
        reopen(&file)?;
    }
    if len == 0 {
        return Ok(Opened { path, file, found: None, is_made });
    }
    let found = match form {
        Form::Flv(index) => Found::Flv(at("read", walk(&file, len, *index))?),
        Form::Fmp4(head) => {
            let fragments = at("read", fragments(&file, len))?;
            if !matches!(how, How::Resume(_)) && !at("read", has_head(&file, head))? {
                return wrong("there is something else in it");
            }
            Found::Fmp4(fragments)
        }
    };
    match (how, found.end()) {
        (_, 0) => return wrong("there is something else in it"),
        (How::Resume(offset), end) if end != offset => return wrong("it is not as it was"),
        (How::Resume(_), _) => {}
        (_, end) => at("ftruncate", file.set_len(end))?,
    }
    Ok(Opened { path, file, found: Some(found), is_made })
}

/// The path, or with a number before its ending the first at which there is nothing, or an empty file, as one who was killed at once has
/// left it.
fn free(path: &Path) -> io::Result<PathBuf> {
    const MOST: u32 = 1000;
    let is_free = |path: &Path| {
        fs::symlink_metadata(path).map_or(true, |about| about.is_file() && about.len() == 0)
    };
    let numbered = (1..MOST).map(|number| numbered(path, number));
    let mut all = std::iter::once(path.to_owned()).chain(numbered);
    all.find(|path| is_free(path)).ok_or_else(|| io::Error::other("all names are taken"))
}

/// Makes an empty file, if nothing has its name.
fn make(path: &Path) -> bool {
    OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).is_ok()
}

/// Takes away a file that was made ([`Opened::is_made`]) under a name that nobody else was told of, and that nothing was written to.
pub fn abandon(file: &File, path: &Path) {
    let is_it = |mine: Metadata, there: Metadata| {
        mine.len() == 0 && (mine.dev(), mine.ino()) == (there.dev(), there.ino())
    };
    if let (Ok(mine), Ok(there)) = (file.metadata(), fs::symlink_metadata(path))
        && is_it(mine, there)
    {
        // Left there it does no harm.
        let _ = fs::remove_file(path);
    }
}

/// Whether a file has this head, whatever it says of its duration.
fn has_head(file: &File, head: &[u8]) -> io::Result<bool> {
    let mut bytes = vec![0; head.len()];
    let count = sys::file::read_at(file, &mut bytes, 0)?;
    set_duration(&mut bytes, 0);
    Ok(count == head.len() && bytes == head)
}

/// Writes what is known at the end into a file's head, which has so many bytes; 0: it has none of ours. One that did not come to be
/// written stays so.
pub fn seal(file: &File, head: u64, totals: Totals, index: &Index) -> Result<(), Failed> {
    if at("fstat", file.metadata())?.len() < head {
        return Ok(());
    }
    let mut bytes = vec![0; head as usize];
    at("read", file.read_exact_at(&mut bytes, 0))?;
    match patch(&mut bytes, totals, index) {
        true => at("write", file.write_all_at(&bytes, 0)),
        false => Ok(()),
    }
}

/// Makes a file whole that a crash or a loss of power has left: it ends behind the last whole tag or fragment, and says how long it is.
/// What is neither FLV nor MP4 stays as it is.
pub fn repair(path: &Path, index: usize, is_ours: impl Fn(&File) -> bool) -> Result<(), Failed> {
    let file = open(path, Existing::Require, true)?;
    // Where there are no locks nobody knows whether it is being recorded.
    at("flock", lock::exclusive(&file, false))?;
    if !is_ours(&file) {
        return Ok(());
    }
    let len = at("fstat", file.metadata())?.len();
    let walked = at("read", walk(&file, len, index))?;
    if walked.end > 0 {
        at("ftruncate", file.set_len(walked.end))?;
        let last = u64::from(walked.last.unwrap_or(0));
        let totals = Totals { duration: last, last, size: walked.end };
        return seal(&file, walked.head, totals, &walked.index);
    }
    reopen(&file)?;
    let found = at("read", fragments(&file, len))?;
    if found.end > 0 {
        at("ftruncate", file.set_len(found.end))?;
        // How long sound is its head would have to tell.
        let duration = found.ends[0] * 1000 / u64::from(VIDEO_TIMESCALE);
        tell_duration(&file, found.head, duration)?;
        let track = if found.ends[0] > 0 { VIDEO_TRACK } else { AUDIO_TRACK };
        let end = mfra(&[(track, &found.index)]);
        finish(&file, &end, true)?;
    }
    Ok(())
}

/// Those in the first `len` bytes.
fn fragments(file: &File, len: u64) -> io::Result<Fragments> {
    let mut found = Fragments::default();
    let mut sounds = Vec::new();
    let walk = each(file, len, |fragment| {
        found.sequence = fragment.sequence;
        let is_sound = fragment.track == AUDIO_TRACK;
        found.ends[usize::from(is_sound)] = fragment.base.saturating_add(fragment.duration);
        if fragment.key {
            let index = if is_sound { &mut sounds } else { &mut found.index };
            index.push((fragment.base, fragment.start));
        }
        Ok(())
    })?;
    if found.ends[0] == 0 {
        found.index = sounds;
    }
    (found.end, found.head) = (walk.end(), walk.head());
    Ok(found)
}

/// The tags in the first `len` bytes.
fn walk(file: &File, len: u64, index: usize) -> io::Result<Walked> {
    /// Frames of sound are short: several of them come with one piece.
    const PIECE: usize = 4 << 10;
    let mut piece = [0; PIECE];
    let mut walk = Walk::new(index);
    while let Some(place) = walk.wanted() {
        let most = usize::try_from(len.saturating_sub(place)).map_or(PIECE, |rest| rest.min(PIECE));
        let count = sys::file::read_at(file, &mut piece[..most], place)?;
        walk.take(&piece[..count], place.saturating_add(count as u64) >= len);
    }
    Ok(walk.found())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
