//! A span of time as one movie: one head, and behind it the fragments of all files, whose times run on.
//!
//! The head ends with an index (`sidx`), so that players can seek. How long it is is known from the indexes: a fragment that is given another time has as many bytes as before. So it is made
//! from any byte on, and nothing of it is kept.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::sync::Arc;

use proto::fmp4::{AUDIO_TRACK, MOST_PARTS, Part, VIDEO_TRACK, scales, set_duration, sidx, splice};
use proto::mp4;

use crate::play::catalogue::Recording;
use crate::play::clip::{Clip, cell};
use crate::play::flv::Units;
use crate::play::medium::{Medium, Pieces};

/// The whole movie.
#[derive(Debug)]
pub struct Movie {
    /// What it begins with.
    pub head: Vec<u8>,
    pieces: Vec<Piece>,
    /// Bytes of it.
    pub len: u64,
    /// Its entity tag.
    pub etag: String,
}

/// A piece of a file.
#[derive(Debug)]
struct Piece {
    recording: Recording,
    /// Places of fragments in it, in their order.
    keys: Vec<u64>,
    end: u64,
    /// Ticks a second of pictures or of what leads, and of sound.
    scales: (u64, u64),
    /// The earliest time in it, and when that is in the movie: in ticks of what leads.
    begin: u64,
    time: u64,
    /// Where it begins in the movie.
    place: u64,
    number: u32,
    units: Option<Arc<Units>>,
}

/// Fragments of a file have numbers below this.
const NUMBERS: u32 = 1 << 20;

impl Movie {
    /// Of these clips, as far as they have the same tracks; `None`: there are none.
    pub fn of(clips: Vec<Clip>) -> Option<Movie> {
        let mut head = clips.first()?.head.clone();
        let scale = clips.first()?.scale;
        let (mut pieces, mut len, mut time) = (Vec::new(), head.len() as u64, 0);
        let (mut parts, before) = (Vec::new(), len);
        let mut hash = DefaultHasher::new();
        head.hash(&mut hash);
        for (at, clip) in clips.into_iter().enumerate() {
            if clip.head != head {
                break;
            }
            let from = clip.keys.first().map_or(clip.end.1, |(_, place)| *place);
            let entry = &clip.recording.entry;
            (&entry.path, entry.inode, &entry.began, from, clip.end).hash(&mut hash);
            let place = len;
            len += clip.end.1.saturating_sub(from);
            parts_of(&clip, &mut parts);
            let begin = clip.begin;
            let end = time + clip.end.0.saturating_sub(begin);
            pieces.push(Piece {
                keys: clip.keys.iter().map(|(_, place)| *place).collect(),
                end: clip.end.1,
                scales: (clip.scale, clip.audio_scale),
                begin,
                time,
                place,
                number: (at as u32).wrapping_mul(NUMBERS),
                recording: clip.recording,
                units: clip.units,
            });
            time = end;
        }
        let ms = u128::from(time) * 1000 / u128::from(scale.max(1));
        set_duration(&mut head, u64::try_from(ms).unwrap_or(u64::MAX));
        let track = if scales(&head)?.video { VIDEO_TRACK } else { AUDIO_TRACK };
        head.extend(sidx(track, scale as u32, &parts));
        // What is behind the head is as much farther.
        let more = head.len() as u64 - before;
        pieces.iter_mut().for_each(|piece: &mut Piece| piece.place += more);
        let etag = format!("\"{:016x}\"", hash.finish());
        Some(Movie { head, pieces, len: len + more, etag })
    }
}

/// Adds the parts of a clip to those of an index: as long as segments of a playlist, longer ones if there would be too many.
fn parts_of(clip: &Clip, parts: &mut Vec<Part>) {
    let mut from = (clip.begin, clip.keys.first().map_or(clip.end.1, |(_, place)| *place));
    let cells = |time: u64| cell(time, clip.scale);
    let firsts = clip.keys.windows(2).filter(|two| cells(two[0].0) != cells(two[1].0));
    let ends = firsts.map(|two| two[1]).chain([clip.end]);
    for to in ends {
        let (ticks, bytes) = (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1));
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let is_full = parts.len() >= MOST_PARTS;
        match parts.last_mut().filter(|_| is_full) {
            Some(last) => {
                last.size = last.size.saturating_add(narrow(bytes));
                last.duration = last.duration.saturating_add(narrow(ticks));
            }
            None => parts.push(Part { size: narrow(bytes), duration: narrow(ticks) }),
        }
        from = to;
    }
}

impl Piece {
    fn from(&self) -> u64 {
        self.keys.first().copied().unwrap_or(self.end)
    }

    /// Gives a fragment its time in the movie.
    fn time(&self, track: u32, base: u64) -> u64 {
        let (scale, audio) = self.scales;
        let ticks = |time: u64| match track {
            AUDIO_TRACK => i128::from(time) * i128::from(audio) / i128::from(scale.max(1)),
            _ => i128::from(time),
        };
        let time = i128::from(base) - ticks(self.begin) + ticks(self.time);
        u64::try_from(time).unwrap_or(0)
    }
}

/// Reads a movie from a byte on.
pub struct Reader {
    movie: Arc<Movie>,
    /// Where it is, and where it ends.
    at: u64,
    end: u64,
    open: Option<Open>,
}

/// The file that is read.
struct Open {
    number: usize,
    medium: Medium,
    /// The next byte of it, and how many from there on are data.
    place: u64,
    data: u64,
    /// Bytes that are before what is wanted.
    skip: usize,
}

/// A head of a fragment is no longer.
const LONGEST: u64 = 1 << 22;

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the recording is not as it was")
}

impl Reader {
    /// The bytes from `at` to `end`.
    pub fn new(movie: Arc<Movie>, at: u64, end: u64) -> Reader {
        Reader { movie, at, end, open: None }
    }

    /// Bytes of the file that is read, or of the next one.
    fn piece(&mut self, movie: &Movie, most: usize) -> io::Result<Vec<u8>> {
        let number = movie.pieces.partition_point(|piece| piece.place <= self.at).saturating_sub(1);
        let piece = movie.pieces.get(number).ok_or_else(damaged)?;
        let mut open = match self.open.take().filter(|open| open.number == number) {
            Some(open) => open,
            None => open_at(piece, number, self.at - piece.place)?,
        };
        if open.place >= piece.end {
            return Err(damaged());
        }
        let mut out = open.read(piece, most)?;
        let before = open.skip.min(out.len());
        out.drain(..before);
        open.skip -= before;
        self.open = Some(open);
        Ok(out)
    }
}

impl Pieces for Reader {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    fn read(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let movie = self.movie.clone();
        let mut out = match movie.head.get(usize::try_from(self.at).unwrap_or(usize::MAX)..) {
            Some(head) if !head.is_empty() => head.to_vec(),
            _ => Vec::new(),
        };
        while out.is_empty() && self.left() > 0 {
            out = self.piece(&movie, most)?;
        }
        out.truncate(usize::try_from(self.left()).unwrap_or(usize::MAX));
        self.at += out.len() as u64;
        Ok(out)
    }
}

/// Opens the file of a piece at this byte of the piece.
fn open_at(piece: &Piece, number: usize, offset: u64) -> io::Result<Open> {
    let mut medium = Medium::new(piece.recording.open()?.0, piece.units.clone());
    let wanted = piece.from() + offset;
    let key = piece.keys.partition_point(|place| *place <= wanted).saturating_sub(1);
    let mut place = piece.keys.get(key).copied().ok_or_else(damaged)?;
    loop {
        let mut head = [0; 16];
        let count = medium.read_at(&mut head, place)?;
        let found = mp4::head(&head[..count]).ok_or_else(damaged)?;
        let next =
            place + found.size.filter(|size| *size <= piece.end - place).ok_or_else(damaged)?;
        if next <= wanted {
            place = next;
            continue;
        }
        let is_data = &found.name == b"mdat" && wanted - place >= found.head;
        let (place, data, skip) = match is_data {
            true => (wanted, next - wanted, 0),
            false => (place, 0, (wanted - place) as usize),
        };
        return Ok(Open { number, medium, place, data, skip });
    }
}

impl Open {
    /// The next bytes, whole heads of fragments among them, which have other times.
    fn read(&mut self, piece: &Piece, most: usize) -> io::Result<Vec<u8>> {
        let left = (piece.end - self.place).min(most.max(self.skip + 1) as u64);
        let mut bytes = vec![0; left as usize];
        let count = self.medium.read_at(&mut bytes, self.place)?;
        bytes.truncate(count);
        let mut at = 0;
        while at < bytes.len() {
            if self.data > 0 {
                let count = self.data.min((bytes.len() - at) as u64);
                (self.data, at) = (self.data - count, at + count as usize);
                continue;
            }
            let found = mp4::head(&bytes[at..]);
            let size = found.and_then(|found| found.size);
            let is_head = found.is_some_and(|found| &found.name == b"moof");
            match size {
                Some(size) if !is_head => {
                    // Of what is data nothing is changed.
                    self.data = size;
                }
                Some(size) if size <= (bytes.len() - at) as u64 => {
                    let moof = &mut bytes[at..at + size as usize];
                    let told = |number: u32, track, base| {
                        let number = piece.number.wrapping_add(number % NUMBERS);
                        (number, piece.time(track, base))
                    };
                    if !splice(moof, told) {
                        return Err(damaged());
                    }
                    at += size as usize;
                }
                _ if at > 0 => break,
                // It is longer than what was read.
                Some(size) if size <= LONGEST && self.place + size <= piece.end => {
                    let most = usize::try_from(size).map_err(|_| damaged())?;
                    return match most > bytes.len() && count == left as usize {
                        true => self.read(piece, most),
                        false => Err(damaged()),
                    };
                }
                _ => return Err(damaged()),
            }
        }
        bytes.truncate(at);
        self.place += at as u64;
        Ok(bytes)
    }
}
