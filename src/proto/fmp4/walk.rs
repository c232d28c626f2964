//! Going through a file of fragments whose end may be torn.

use super::parse::Moof;
use super::room::Roomy;
use crate::mp4;

/// A fragment that is whole, with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where its `moof` begins.
    pub start: u64,
    /// Where its `mdat` ends.
    pub end: u64,
    /// Its number.
    pub sequence: u32,
    /// The track that it is of; the first, if it has several.
    pub track: u32,
    /// When it begins, in ticks of its track.
    pub base: u64,
    /// How long it is.
    pub duration: u64,
    /// Decoding can begin with it.
    pub key: bool,
}

/// Goes from box to box. It asks for pieces of the file (see [`Walk::wanted`]): heads, and the `moof`s.
#[derive(Clone, Debug)]
pub struct Walk {
    size: u64,
    /// Where the next box begins, and how much of it is wanted.
    next: u64,
    want: usize,
    /// A `moof` that waits for its data.
    moof: Option<(u64, Moof)>,
    end: u64,
    head: u64,
    /// Of a file with room: where the box is that decides, and where that which stands before fragments begins and ends.
    switch: Option<u64>,
    init: (u64, u64),
}

/// A box's head, and what is read along with it: most `moof`s are not longer.
const PIECE: usize = 2048;

/// A `moof` that is longer is taken for damaged.
const LONGEST: u64 = 1 << 22;

impl Walk {
    /// A walk through a file of so many bytes.
    pub fn new(size: u64) -> Walk {
        Walk { size, next: 0, want: PIECE, moof: None, end: 0, head: 0, switch: None, init: (0, 0) }
    }

    /// A walk that goes on at the end of a fragment, in a file whose head was found to have so many bytes.
    pub fn from(place: u64, head: u64, size: u64) -> Walk {
        Walk { next: place, end: place, head, ..Walk::new(size) }
    }

    /// Where the piece begins that is wanted next, and its bytes, fewer if the file ends before; `None`: that was all.
    pub fn wanted(&self) -> Option<(u64, usize)> {
        (self.want > 0).then_some((self.next, self.want))
    }

    /// Takes that piece; gives the fragment that is whole by it.
    pub fn take(&mut self, piece: &[u8]) -> Option<Fragment> {
        let wanted = std::mem::take(&mut self.want);
        let mp4::BoxHead { name, head, size } = mp4::head(piece)?;
        let start = self.next;
        // Whatever it says of itself: it may be a movie already.
        let switch = super::room::switch(piece).filter(|_| start > 0 && self.head == 0);
        if let Some(size) = switch {
            (self.switch, self.init.0) = (Some(start), start + super::room::SWITCH as u64);
            (self.next, self.want) = (start.checked_add(size)?, PIECE);
            return None;
        }
        let size = size?;
        let end = start.checked_add(size).filter(|end| *end <= self.size)?;
        let mut whole = None;
        match &name {
            b"moof" if size > LONGEST || self.head == 0 => return None,
            b"moof" if size > piece.len() as u64 => {
                // Once with its head, then with all of it; if that does not come, there is no end to it.
                self.want = if wanted as u64 >= size { 0 } else { size as usize };
                return None;
            }
            b"moof" => {
                let content = piece.get(head as usize..size as usize)?;
                self.moof = Some((start, Moof::of(content)?));
            }
            b"mdat" => {
                if let Some((start, moof)) = self.moof.take() {
                    let Moof { sequence, track, base, duration, key } = moof;
                    whole = Some(Fragment { start, end, sequence, track, base, duration, key });
                    self.end = end;
                }
            }
            // A head, or what may stand between fragments; it belongs to what follows it.
            b"moov" if self.head == 0 => {
                (self.head, self.end, self.init.1) = (end, end, end);
            }
            // The room.
            b"free" if self.switch.is_some() && self.end == start && self.head == start => {
                (self.head, self.end) = (end, end);
            }
            b"ftyp" | b"free" | b"skip" | b"styp" | b"sidx" | b"prft" | b"emsg" | b"uuid" => {}
            // The file was finished: nothing of it is to be kept when it goes on.
            _ => return None,
        }
        (self.next, self.want) = (end, PIECE);
        whole
    }

    /// Where the last whole fragment ends, or the head if there is none: behind this the file is to be cut. 0: there is no head.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Where the head ends: `ftyp` and `moov`, and the room of a file that has some.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Where what stands before fragments begins and ends: the head, but for the room.
    pub fn init(&self) -> (u64, u64) {
        self.init
    }

    /// What is where in a file with room; `None`: it has none.
    pub fn roomy(&self) -> Option<Roomy> {
        let switch = self.switch.filter(|_| self.head > self.init.1)?;
        Some(Roomy { switch, init: self.init, room: self.head })
    }
}
