//! Writing, by the one process that cuts the stream. Everything here blocks.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use proto::fmp4;

use crate::archive::disk::{Piece, index_path, load, media_path, reserved};
use crate::archive::index::{Header, Row};
use crate::part::Format;

/// So many numbers `next` is ahead of the newest segment when it is written.
const AHEAD: u64 = 16;
/// And when it is written again.
const LEAST_AHEAD: u64 = 8;
/// A file has at least so many milliseconds, and at most.
const SHORTEST: u64 = 60_000;
const LONGEST: u64 = 3_600_000;

/// A segment that is to be written.
pub struct Stored {
    /// What its file must begin with.
    pub header: Header,
    /// Its row; the place in the file is not known yet.
    pub row: Row,
    /// How long it is, in milliseconds.
    pub length: u64,
    /// Its bytes: video, then audio.
    pub bytes: Vec<u8>,
}

/// The files of one stream.
pub struct Writer {
    directory: PathBuf,
    channel: Vec<u8>,
    /// How much there is to be, in milliseconds.
    length: u64,
    /// Nobody else writes.
    _lock: File,
    /// Those that are complete, the oldest first.
    pieces: VecDeque<Complete>,
    open: Option<Open>,
    /// The number that the next segment has at least.
    next: u64,
    /// What `next` says.
    reserved: u64,
}

/// A pair of files that nothing is added to.
struct Complete {
    first: u64,
    format: Format,
    length: u64,
}

struct Open {
    first: u64,
    format: Format,
    version: u32,
    length: u64,
    media: File,
    at: u64,
    index: File,
}

/// Where segments are counted from.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    /// The number of the next one.
    pub next: u64,
    /// What was told of the segments that it comes behind; `None`: there are none.
    pub told: Option<Told>,
}

/// What players were told, and what may not change (RFC 8216 §6.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Discontinuities before the next segment, without its own.
    pub discontinuities: u64,
    /// The target duration, in seconds.
    pub target: u32,
}

impl Writer {
    /// Begins with what is there. `unix`: the stream is in no memory any more, and its segments are counted from this second on
    /// if nothing here says more.
    pub fn open(
        directory: PathBuf,
        channel: Vec<u8>,
        length: u64,
        unix: Option<u64>,
    ) -> io::Result<(Writer, Behind)> {
        fs::create_dir_all(&directory)?;
        let lock = File::open(&directory)?;
        sys::lock::exclusive(&lock, false)?;
        if fs::metadata(&directory)?.ino() != lock.metadata()?.ino() {
            // Whoever had it has removed it meanwhile.
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut pieces = load(&directory, &channel)?;
        // One without segments is what a crash has left.
        for piece in pieces.extract_if(.., |piece| piece.rows.is_empty()) {
            remove(&directory, piece.header.first, piece.header.format)?;
        }
        let newest = pieces.last().and_then(|piece| piece.rows.last());
        let target = pieces.iter().flat_map(|piece| &piece.rows).map(|row| row.target).max();
        let end = newest.map_or(0, |row| row.msn + 1);
        let noted = reserved(&directory);
        let reserved = noted.unwrap_or(0).max(end);
        let behind = match (unix, newest) {
            // Without a note nobody knows what was shown.
            (Some(_), Some(newest)) if noted.is_some() && reserved - end <= AHEAD => {
                let discontinuities = newest.discontinuities;
                let told = Told { discontinuities, target: target.unwrap_or(0) };
                Behind { next: reserved, told: Some(told) }
            }
            (unix, _) => Behind { next: unix.unwrap_or(0).max(reserved), told: None },
        };
        let mut writer = Writer {
            directory,
            channel,
            length,
            _lock: lock,
            pieces: pieces.iter().map(Complete::of).collect(),
            open: None,
            next: end,
            reserved,
        };
        if unix.is_some() {
            writer.reserve(behind.next)?;
        }
        Ok((writer, behind))
    }

    /// The number that the next segment has at least.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// A segment of this number may be shown from now on.
    pub fn reserve(&mut self, msn: u64) -> io::Result<()> {
        if msn + LEAST_AHEAD > self.reserved {
            self.set_next(msn + AHEAD)?;
        }
        Ok(())
    }

    /// No segment was shown that is not here.
    pub fn set_complete(&mut self) -> io::Result<()> {
        self.set_next(self.next)
    }

    fn set_next(&mut self, next: u64) -> io::Result<()> {
        let (path, other) = (self.directory.join("next"), self.directory.join("next.new"));
        let write = || {
            // What stands there may be anything.
            unless_gone(fs::remove_file(&other))?;
            let mut file = File::create_new(&other)?;
            file.write_all(format!("{next}\n").as_bytes())?;
            file.sync_data()?;
            fs::rename(&other, &path)
        };
        let written = write().inspect_err(|_| {
            // What is there is true no more: none is what makes a cold start careful.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(&other);
        });
        self.reserved = if written.is_ok() { next } else { 0 };
        written
    }

    /// Writes a segment, and removes what is too old by then.
    pub fn append(&mut self, segment: &Stored) -> io::Result<()> {
        if segment.row.msn < self.next {
            return Ok(());
        }
        let header = &segment.header;
        let fits = |open: &Open| {
            let is_next = self.next == segment.row.msn && open.length < self.piece_length();
            is_next && (open.version, open.format) == (header.version, header.format)
        };
        if !self.open.as_ref().is_some_and(fits) {
            self.complete();
            self.open = Some(Open::create(&self.directory, &self.channel, header)?);
        }
        let written = self.open.as_mut().map_or(Ok(()), |open| open.append(segment));
        if let Err(error) = written {
            // Where that has stopped nobody knows: the next one has files of its own.
            self.give_up();
            return Err(error);
        }
        self.next = segment.row.msn + 1;
        self.trim()
    }

    fn piece_length(&self) -> u64 {
        (self.length / 8).clamp(SHORTEST, LONGEST)
    }

    fn complete(&mut self) {
        if let Some(open) = self.open.take() {
            let Open { first, format, length, .. } = open;
            self.pieces.push_back(Complete { first, format, length });
        }
    }

    fn give_up(&mut self) {
        let empty = self.open.take_if(|open| open.length == 0);
        // Its number is that of the next one.
        let empty = empty.map(|open| remove(&self.directory, open.first, open.format));
        drop(empty);
        self.complete();
    }

    /// Removes files of which everything is too old, whatever a clock says.
    fn trim(&mut self) -> io::Result<()> {
        let lengths = self.pieces.iter().map(|piece| piece.length);
        let mut behind: u64 = lengths.sum::<u64>() + self.open.as_ref().map_or(0, |it| it.length);
        while let Some(oldest) = self.pieces.front() {
            behind -= oldest.length;
            // Players may have just read of it.
            if behind <= self.length.saturating_add(SHORTEST) {
                break;
            }
            remove(&self.directory, oldest.first, oldest.format)?;
            self.pieces.pop_front();
        }
        Ok(())
    }

    /// Removes all of it. What others have put beside it stays, and the directory with it.
    pub fn remove_all(mut self) -> io::Result<()> {
        self.complete();
        for piece in &self.pieces {
            remove(&self.directory, piece.first, piece.format)?;
        }
        for name in ["next", "next.new"] {
            unless_gone(fs::remove_file(self.directory.join(name)))?;
        }
        match fs::remove_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => unless_gone(removed),
        }
    }
}

impl Complete {
    fn of(piece: &Piece) -> Complete {
        let Header { first, format, .. } = piece.header;
        let audio = piece.header.tracks.audio.as_ref().map_or(0, |audio| audio.timescale());
        let length = piece.rows.iter().map(|row| row.length(audio)).sum();
        Complete { first, format, length }
    }
}

impl Open {
    fn create(directory: &Path, channel: &[u8], header: &Header) -> io::Result<Open> {
        let Header { first, format, version, .. } = *header;
        let tracks = &header.tracks;
        let head = match format {
            Format::Ts => Some(Vec::new()),
            Format::Cmaf => fmp4::live_init(tracks.video.as_ref(), tracks.audio.as_ref()),
        };
        let head = head.ok_or(ErrorKind::InvalidData)?;
        let new = |path: PathBuf| {
            fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)
        };
        // With the index the other file is known to be ours.
        let path = media_path(directory, first, format);
        let mut media = new(path.clone())?;
        let index = media.write_all(&head).and_then(|()| new(index_path(directory, first)));
        let mut index = index.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        let header = Header { channel: channel.to_vec(), ..header.clone() };
        index.write_all(&header.write()).inspect_err(|_| {
            let _ = remove(directory, first, format);
        })?;
        Ok(Open { first, format, version, length: 0, media, at: head.len() as u64, index })
    }

    fn append(&mut self, segment: &Stored) -> io::Result<()> {
        self.media.write_all(&segment.bytes)?;
        let row = Row { offset: self.at, ..segment.row };
        self.index.write_all(&row.write())?;
        self.at += segment.bytes.len() as u64;
        self.length += segment.length;
        Ok(())
    }
}

/// The index last: while it is there the file is known to be ours.
fn remove(directory: &Path, first: u64, format: Format) -> io::Result<()> {
    unless_gone(fs::remove_file(media_path(directory, first, format)))?;
    unless_gone(fs::remove_file(index_path(directory, first)))
}

fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
