//! The boxes of a file: which of them are read.

use std::fmt;

use http::{Error, read_chain};
use mem::{Chain, Str};
use proto::mp4::{self, Mp4Error, Part};

/// Bytes of a `ftyp`, at most.
const LONGEST_TYPE: u64 = 1024;
/// Boxes of a file, at most: more have only those that are in fragments.
const MOST_BOXES: usize = 1000;

/// Why there is no part.
pub enum Failure {
    Read(Error),
    Mp4(Mp4Error),
    TooLarge(&'static str, u64),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Read(error)
    }
}

impl From<Mp4Error> for Failure {
    fn from(error: Mp4Error) -> Failure {
        Failure::Mp4(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Read(error) => write!(f, "reading mp4 failed ({error})"),
            Failure::Mp4(error) => error.fmt(f),
            Failure::TooLarge("moov", size) => {
                write!(
                    f,
                    "mp4 moov atom is too large: {size}, you may want to increase mp4_max_buffer_size"
                )
            }
            Failure::TooLarge(name, size) => write!(f, "mp4 {name} atom is too large: {size}"),
        }
    }
}

/// A part of the file that `file` is a window of.
pub fn cut(file: &Chain, part: Part, most: u64) -> Result<Chain, Failure> {
    let len = file.len();
    let (mut ftyp, mut moov) = (Vec::new(), None);
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        if at >= len {
            break;
        }
        let bytes = read(file, at, 16.min(len - at))?;
        let found = mp4::head(&bytes).ok_or(Mp4Error::Damaged("file"))?;
        let size = found.size.unwrap_or(len - at);
        if size > len - at {
            return Err(Mp4Error::Damaged("file").into());
        }
        match &found.name {
            b"ftyp" if size > LONGEST_TYPE => return Err(Failure::TooLarge("ftyp", size)),
            b"ftyp" => ftyp = read(file, at, size)?,
            b"moov" if size > most => return Err(Failure::TooLarge("moov", size)),
            b"moov" if moov.is_none() => {
                moov = Some(read(file, at + found.head, size - found.head)?)
            }
            b"moof" => return Err(Mp4Error::Fragmented.into()),
            _ => {}
        }
        at += size;
    }
    let moov = moov.ok_or(Mp4Error::Missing("moov"))?;
    let cut = mp4::cut(&ftyp, &moov, part, len)?;
    let mut body = Chain::new();
    body.push_str(Str::from(cut.head));
    let (offset, bytes) = cut.window;
    body.append(&mut file.slice(offset, bytes));
    Ok(body)
}

fn read(file: &Chain, offset: u64, len: u64) -> Result<Vec<u8>, Failure> {
    let mut window = file.slice(offset, len);
    let mut bytes = Vec::with_capacity(len as usize);
    while !window.is_empty() {
        read_chain(&mut window, &mut bytes, len as usize)?;
    }
    Ok(bytes)
}
