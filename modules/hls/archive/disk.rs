//! Reading what is there, from any process. Everything here blocks.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::archive::index::{Header, ROW, Row};
use crate::part::{Format, Track};

/// An index that has more bytes is none of ours: that are 800,000 segments.
const LONGEST: u64 = 64 << 20;

/// An index.
#[derive(Debug)]
pub struct Piece {
    /// See there.
    pub header: Header,
    /// The segments, one behind the other.
    pub rows: Vec<Row>,
}

/// The index that begins with this segment.
pub fn index_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first}.index"))
}

/// The file with its segments.
pub fn media_path(directory: &Path, first: u64, format: Format) -> PathBuf {
    let extension = match format {
        Format::Ts => "ts",
        Format::Cmaf => "mp4",
    };
    directory.join(format!("{first}.{extension}"))
}

/// The segments that indexes in a directory begin with, the oldest first.
fn firsts(directory: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let name = entry.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".index"));
        firsts.extend(first.and_then(|first| first.parse::<u64>().ok()));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// What `next` says. `None`: nothing that is a number.
pub fn reserved(directory: &Path) -> Option<u64> {
    let mut text = String::new();
    open(&directory.join("next")).ok()?.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Opens a file that is one, and no link to one elsewhere.
pub fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::ffi::OsStrExt;
    let directory = path.parent().map_or(0, |parent| parent.as_os_str().len());
    let symlinks = sys::file::Symlinks::Refuse { from: directory };
    let file = sys::file::open(path.as_os_str().as_bytes(), symlinks)?;
    match sys::file::stat(&file)?.is_file() {
        true => Ok(file),
        false => Err(ErrorKind::InvalidData.into()),
    }
}

/// Reads an index. `None`: it is not this stream's.
fn piece(directory: &Path, channel: &[u8], first: u64) -> io::Result<Option<Piece>> {
    let mut bytes = Vec::new();
    open(&index_path(directory, first))?.take(LONGEST).read_to_end(&mut bytes)?;
    let Some((header, len)) = Header::read(&bytes) else { return Ok(None) };
    if header.channel != channel || header.first != first {
        return Ok(None);
    }
    let rows = bytes[len..].chunks_exact(ROW).filter_map(Row::read);
    // What a power cut has left is no row.
    let rows = rows.zip(first..).take_while(|(row, msn)| row.msn == *msn).map(|(row, _)| row);
    Ok(Some(Piece { rows: rows.collect(), header }))
}

/// All indexes of a stream, the oldest first. What is not there any more, or not the stream's, is left out.
pub fn load(directory: &Path, channel: &[u8]) -> io::Result<Vec<Piece>> {
    let firsts = match firsts(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        firsts => firsts?,
    };
    let mut pieces = Vec::new();
    for first in firsts {
        match piece(directory, channel, first) {
            Ok(piece) => pieces.extend(piece),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if sys::file::is_link_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(pieces)
}

/// The file, the place in it, and the length.
pub type Place = (File, u64, u64);

/// Where a segment's track is. `None`: nowhere.
pub fn find(directory: &Path, channel: &[u8], msn: u64, track: Track) -> io::Result<Option<Place>> {
    let firsts = firsts(directory)?;
    let Some(&first) = firsts.iter().rfind(|first| **first <= msn) else { return Ok(None) };
    let index = open(&index_path(directory, first))?;
    let mut head = vec![0; 128 << 10];
    let have = sys::file::read_at(&index, &mut head, 0)?;
    let Some((header, len)) = Header::read(&head[..have]) else { return Ok(None) };
    if header.channel != channel {
        return Ok(None);
    }
    let mut row = [0; ROW];
    let at = (msn - first).saturating_mul(ROW as u64).saturating_add(len as u64);
    match index.read_exact_at(&mut row, at) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let Some(row) = Row::read(&row).filter(|row| row.msn == msn) else { return Ok(None) };
    let file = open(&media_path(directory, first, header.format))?;
    let (at, len) = row.range(track);
    let is_there = sys::file::stat(&file)?.size >= row.end();
    Ok(is_there.then_some((file, at, len)))
}
