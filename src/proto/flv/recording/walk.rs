//! Going through a recording whose end may be torn: after a power failure, a full disk, a killed process.

use super::index::Index;
use super::{TagHead, tag_head};
use crate::flv::file::TAG_HEADER;
use crate::flv::media::Video;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Where the last whole tag ends, with what follows it: behind this the file is to be cut. 0: it is no FLV file.
    pub end: u64,
    /// Where the head ends, for [`super::patch`]; 0: the first tag is no `onMetaData`'s.
    pub head: u64,
    /// The milliseconds of the last frame; `None`: there is none.
    pub last: Option<u32>,
    /// Its places of entry.
    pub index: Index,
}

/// Goes from tag to tag. It asks for pieces of the file (see [`Walk::wanted`]), and looks at the beginnings of tags alone.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Where the size of the tag before stands, the next thing to look at.
    next: u64,
    /// That size, and the tag that it belongs to; it is whole if the size is right.
    back: u32,
    tag: Option<Tag>,
    finished: bool,
    has_video: bool,
    found: Walked,
}

#[derive(Clone, Copy, Debug)]
struct Tag {
    kind: u8,
    at: u64,
    timestamp: u32,
    key: bool,
}

/// The file's header, without the size behind it.
const HEADER: usize = 9;
const BACK: usize = 4;
/// How much of a payload tells whether it is a key frame.
const PEEK: usize = 32;

/// The least piece with which the walk comes further.
const PIECE: usize = BACK + TAG_HEADER + PEEK;

impl Walk {
    /// A walk that makes an index of so many entries.
    pub fn new(capacity: usize) -> Walk {
        let found = Walked { end: 0, head: 0, last: None, index: Index::new(capacity) };
        Walk { next: 0, back: 0, tag: None, finished: false, has_video: false, found }
    }

    /// Where the piece begins that is wanted next; `None`: that was all. It should be long, and has to have 64 bytes unless the
    /// file ends before.
    pub fn wanted(&self) -> Option<u64> {
        (!self.finished).then_some(self.next)
    }

    /// Takes that piece; `last`: it goes to the file's end.
    pub fn take(&mut self, piece: &[u8], last: bool) {
        let mut rest = piece;
        if self.next == 0 && !self.finished {
            rest = self.header(piece);
        }
        while !self.finished && (last || rest.len() >= PIECE) {
            match self.tag(rest) {
                // It may lie far behind the piece.
                Some(length) => rest = rest.get(length..).unwrap_or_default(),
                None => self.finished = true,
            }
            if rest.is_empty() && !last {
                break;
            }
        }
        // Less than asked for, and not the end: nothing would ever come of it.
        self.finished |= piece.len() < PIECE;
    }

    /// What was found so far.
    pub fn found(self) -> Walked {
        self.found
    }

    fn header<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        match piece {
            [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, rest @ ..] => {
                self.has_video = flags & 1 == 1;
                self.next = HEADER as u64;
                rest
            }
            _ => {
                self.finished = true;
                &[]
            }
        }
    }

    /// Looks at the end of the tag before and at the beginning of the next one; gives how far on that one ends. `None`: the file
    /// ends, or is damaged from there on.
    fn tag(&mut self, bytes: &[u8]) -> Option<usize> {
        let (back, bytes) = bytes.split_first_chunk::<BACK>()?;
        if u32::from_be_bytes(*back) != self.back {
            return None;
        }
        self.whole();
        let TagHead { kind, length, timestamp } = tag_head(bytes)?;
        let payload = bytes.get(TAG_HEADER..)?;
        let peek = &payload[..payload.len().min(PEEK).min(length as usize)];
        let key = kind == 9 && Video::of(peek).is_some_and(|video| video.key);
        self.tag = Some(Tag { kind, at: self.next + BACK as u64, timestamp, key });
        self.back = length + TAG_HEADER as u32;
        let step = BACK + self.back as usize;
        self.next += step as u64;
        Some(step)
    }

    /// The tag before is whole.
    fn whole(&mut self) {
        self.found.end = self.next + BACK as u64;
        let Some(Tag { kind, at, timestamp, key }) = self.tag.take() else { return };
        match kind {
            9 if key => self.found.index.add(at, timestamp.into()),
            8 if !self.has_video => self.found.index.add_sound(at, timestamp.into()),
            18 if at == (HEADER + BACK) as u64 => self.found.head = self.found.end,
            _ => {}
        }
        if matches!(kind, 8 | 9) {
            self.found.last = Some(timestamp);
        }
    }
}
