//! A file as it is at one moment. What is given of it never becomes something else: of one that still grows, that is its head as
//! it was in the beginning, for that alone is written over at the end, and as much behind it as there is.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use proto::flv::recording::{Index, Totals, patch};
use proto::fmp4::{self, set_duration};
use sys::file::Stat;

use crate::play::catalogue::Recording;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FLV.
    Flv,
    /// Fragmented MP4.
    Fmp4,
    /// The same that becomes an ordinary MP4, or is one.
    Mp4,
}

impl Kind {
    /// What a file is that begins like this; `None`: none of ours.
    pub fn of(file: &File) -> io::Result<Option<Kind>> {
        let mut bytes = [0; 128];
        let count = sys::file::read_at(file, &mut bytes, 0)?;
        Ok(match &bytes[..count] {
            [b'F', b'L', b'V', 1, ..] => Some(Kind::Flv),
            all @ [_, _, _, _, b'f', b't', b'y', b'p', ..] => match fmp4::has_room(all) {
                true => Some(Kind::Mp4),
                false => Some(Kind::Fmp4),
            },
            _ => None,
        })
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Flv => "video/x-flv",
            Kind::Fmp4 | Kind::Mp4 => "video/mp4",
        }
    }

    /// As `record_format` has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Flv => "flv",
            Kind::Fmp4 => "fmp4",
            Kind::Mp4 => "mp4",
        }
    }
}

/// A file as it is at one moment.
pub struct Snapshot {
    /// It.
    pub file: File,
    /// What it is.
    pub kind: Kind,
    /// Its bytes at that moment.
    pub size: u64,
    /// What stands in the place of its first bytes.
    pub head: Vec<u8>,
    /// Tells it from itself at any other moment at which it was another.
    pub etag: String,
    /// Seconds of Unix time; `None`: a date would not tell that it has changed.
    pub modified: Option<u64>,
}

/// A date tells seconds: what was written so lately may be written again within the same one.
const SETTLED_MS: u64 = 2000;

/// Looks at a file at this moment, in milliseconds of Unix time.
pub fn snapshot(recording: &Recording, now: u64) -> io::Result<Snapshot> {
    let (file, stat) = recording.open()?;
    let kind = Kind::of(&file)?.ok_or(ErrorKind::NotFound)?;
    let Stat { size, mtime, mtime_nsec, inode, .. } = stat;
    if !recording.entry.open {
        let settled = now.saturating_sub(SETTLED_MS) / 1000 > mtime.max(0) as u64;
        let modified = settled.then_some(mtime.max(0) as u64);
        let etag = format!("\"{mtime:x}.{mtime_nsec:x}-{size:x}\"");
        return Ok(Snapshot { file, kind, size, head: Vec::new(), etag, modified });
    }
    let head = match kind {
        Kind::Fmp4 | Kind::Mp4 => fmp4_head(&file, size)?,
        Kind::Flv => flv_head(&file)?,
    };
    let head = head.filter(|head| head.len() as u64 <= size).ok_or(ErrorKind::NotFound)?;
    let last = recording.entry.began.last().map_or(0, |(_, wall)| *wall);
    // Who goes on in another worker may begin it again, with more in its head; what follows is the same.
    let mut hash = DefaultHasher::new();
    head.hash(&mut hash);
    let etag = format!("\"{inode:x}.{last:x}.{:x}-{size:x}\"", hash.finish());
    Ok(Snapshot { file, kind, size, head, etag, modified: None })
}

/// The head of an FLV file as it was in the beginning; empty: it has none that would be written over.
fn flv_head(file: &File) -> io::Result<Option<Vec<u8>>> {
    const BEFORE: usize = 13;
    const TAG: usize = 11;
    let mut bytes = vec![0; BEFORE + TAG];
    if sys::file::read_at(file, &mut bytes, 0)? < bytes.len() {
        return Ok(None);
    }
    let [18, a, b, c, ..] = bytes[BEFORE..] else { return Ok(Some(Vec::new())) };
    let length = BEFORE + TAG + u32::from_be_bytes([0, a, b, c]) as usize + 4;
    bytes.resize(length, 0);
    if sys::file::read_at(file, &mut bytes, 0)? < length {
        return Ok(None);
    }
    patch(&mut bytes, Totals::default(), &Index::new(0));
    Ok(Some(bytes))
}

/// The head of a fragmented MP4 as it was in the beginning; `None`: it has none, or is not so far.
fn fmp4_head(file: &File, size: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(walk) = head_of(file, size)? else { return Ok(None) };
    let mut head = vec![0; walk.head() as usize];
    file.read_exact_at(&mut head, 0)?;
    set_duration(&mut head, 0);
    Ok(Some(head))
}

/// What stands before the fragments of a file.
pub struct Init {
    /// It, and it tells no duration.
    pub bytes: Vec<u8>,
    /// Where it begins.
    pub at: u64,
    /// Where the fragments begin.
    pub first: u64,
}

/// What stands before the fragments of a file, whether it is one of fragments or a movie; `None`: it has none, or is not so far.
pub fn init(file: &File, size: u64) -> io::Result<Option<Init>> {
    let Some(walk) = head_of(file, size)? else { return Ok(None) };
    let (at, end) = walk.init();
    let mut bytes = vec![0; end.saturating_sub(at) as usize];
    file.read_exact_at(&mut bytes, at)?;
    set_duration(&mut bytes, 0);
    Ok(Some(Init { bytes, at, first: walk.head() }))
}

/// A walk through a file's head; `None`: it has none.
fn head_of(file: &File, size: u64) -> io::Result<Option<fmp4::Walk>> {
    /// There are two tracks in it, and what a movie takes.
    const LONGEST: u64 = 1 << 20;
    const STEPS: usize = 8;
    let mut walk = fmp4::Walk::new(size);
    for _ in 0..STEPS {
        // What follows may belong to it.
        let next = walk.wanted().filter(|(place, _)| *place <= walk.head() || walk.head() == 0);
        let Some((place, want)) = next else { break };
        let mut piece = vec![0; want];
        let count = sys::file::read_at(file, &mut piece, place)?;
        walk.take(&piece[..count]);
    }
    Ok((walk.head() > 0 && walk.head() <= LONGEST).then_some(walk))
}

/// How many milliseconds a complete file has by what its head says.
pub fn told_duration(file: &File, kind: Kind, size: u64) -> io::Result<Option<u64>> {
    match kind {
        Kind::Fmp4 | Kind::Mp4 => {
            let mut head = vec![0; size.min(8192) as usize];
            let count = sys::file::read_at(file, &mut head, 0)?;
            Ok(fmp4::duration(&head[..count]).filter(|duration| *duration > 0))
        }
        Kind::Flv => {
            let mut head = [0; 200];
            let count = sys::file::read_at(file, &mut head, 0)?;
            Ok(proto::flv::recording::duration(&head[..count]))
        }
    }
}
