//! Cutting a record into fragments, and writing them.

use std::io::{self, IoSlice};
use std::ops::Range;

use crate::device::Device;
use crate::fragment::{self, FragmentKind};
use crate::segment::{self, Segment};
use crate::shape::{PAGE, Shape};
use crate::step::step;

/// Pieces of one system call (`IOV_MAX`).
const PIECES: usize = 1000;
/// What is written behind the last fragment: nothing follows yet.
const END: [u8; 8] = [0; 8];
/// The most that stands before a fragment's bytes: a segment's head, the fragment's, the tag.
const FRONT: usize = (segment::HEAD + fragment::HEAD + fragment::TAG) as usize;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first fragment.
    pub at: u64,
    /// Behind its last.
    pub end: u64,
}

/// A fragment's place.
struct Place {
    /// Of the segment's head, if it has one before it, else its own.
    at: u64,
    fragment: u64,
    kind: FragmentKind,
    /// Bytes of the record.
    len: u64,
}

/// How a record of `lead` and `len` bytes is cut, if it is written at `head`. The lead is not cut: what
/// a record is can be told by its first fragment.
fn places(shape: Shape, head: u64, lead: u64, len: u64) -> impl Iterator<Item = Place> {
    let total = lead + len;
    let mut at = head;
    let mut left = total;
    let mut first = true;
    let room = move |at: u64| {
        let head = if shape.offset(at) == 0 { segment::HEAD } else { 0 };
        PAGE.saturating_sub((at + head) % PAGE + fragment::HEAD)
    };
    if room(at) < lead {
        at = at.next_multiple_of(PAGE);
    }
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let begin = at;
        let head = if shape.offset(at) == 0 { segment::HEAD } else { 0 };
        let tag = if first { 0 } else { fragment::TAG };
        let len = left.min(room(at) - tag);
        left -= len;
        let kind = match (first, left == 0) {
            (true, true) => FragmentKind::Full,
            (true, false) => FragmentKind::First,
            (false, false) => FragmentKind::Middle,
            (false, true) => FragmentKind::Last,
        };
        first = false;
        at = begin + head + fragment::HEAD + tag + len;
        Some(Place { at: begin, fragment: begin + head, kind, len })
    })
}

/// Where it would stand.
pub(crate) fn span(shape: Shape, head: u64, lead: u64, len: u64) -> Span {
    let mut span = Span { at: 0, end: head };
    for place in places(shape, head, lead, len) {
        if place.kind.begins() {
            span.at = place.fragment;
        }
        let tag = if place.kind.begins() { 0 } else { fragment::TAG };
        span.end = place.fragment + fragment::HEAD + tag + place.len;
    }
    span
}

/// What is the same for everything that a life writes.
pub(crate) struct Pen<'d, D> {
    pub device: &'d D,
    pub shape: Shape,
    pub secret: [u64; 2],
    pub life: u64,
    pub epoch: u32,
    /// Of the segment that has the position `head - 1`: an earlier life may have begun it.
    pub seed: u32,
}

/// One fragment with what stands before it.
struct Cut {
    at: u64,
    front: [u8; FRONT],
    front_len: usize,
    slices: Range<usize>,
}

impl<D: Device> Pen<'_, D> {
    /// Writes a record at `head`.
    pub fn write(&self, head: u64, lead: &[u8], parts: &[&[u8]]) -> io::Result<()> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let mut slices: Vec<&[u8]> = Vec::with_capacity(parts.len() + 2);
        let mut cuts = Vec::new();
        let mut rest = std::iter::once(lead).chain(parts.iter().copied());
        let mut part: &[u8] = &[];
        let (mut seed, mut tag) = (self.seed, 0);
        let mut end = head;
        for place in places(self.shape, head, lead.len() as u64, len as u64) {
            let begin = slices.len();
            let mut left = place.len as usize;
            while left > 0 {
                if part.is_empty() {
                    part = rest.next().unwrap_or_default();
                    continue;
                }
                let (now, later) = part.split_at(part.len().min(left));
                slices.push(now);
                left -= now.len();
                part = later;
            }
            let mut cut =
                Cut { at: place.at, front: [0; FRONT], front_len: 0, slices: begin..slices.len() };
            if place.fragment != place.at {
                let segment = self.segment(place.at);
                seed = segment.seed(self.secret);
                cut.put(&segment.encode(self.secret));
            }
            let own = |tag: u32| if place.kind.begins() { None } else { Some(tag.to_le_bytes()) };
            let tagged = own(tag);
            let tag_bytes = tagged.as_ref().map_or(&[][..], |tag| &tag[..]);
            let bytes = std::iter::once(tag_bytes).chain(slices[begin..].iter().copied());
            let length = place.len as u16 + tag_bytes.len() as u16;
            let offset = self.shape.offset(place.fragment);
            let crc = fragment::checksum(seed, offset, place.kind, length, bytes);
            if place.kind.begins() {
                tag = crc;
            }
            cut.put(&fragment::head(crc, length, place.kind));
            cut.put(tag_bytes);
            end = place.at + cut.front_len as u64 + place.len;
            cuts.push(cut);
        }
        self.flush(&cuts, &slices, end)
    }

    fn segment(&self, at: u64) -> Segment {
        let number = self.shape.number(at);
        Segment { number, life: self.life, epoch: self.epoch, wall: self.device.now_ns() }
    }

    /// Writes what is contiguous in the file at once.
    fn flush(&self, cuts: &[Cut], slices: &[&[u8]], end: u64) -> io::Result<()> {
        let mut pieces: Vec<IoSlice<'_>> = Vec::with_capacity(slices.len() + cuts.len() + 1);
        let (mut begin, mut next) = (0, 0);
        for cut in cuts {
            let place = self.shape.place(cut.at);
            let many = pieces.len() + cut.slices.len() + 2 > PIECES;
            if !pieces.is_empty() && (place != next || many) {
                self.device.write_at(&pieces, begin)?;
                step("write: a part");
                pieces.clear();
            }
            if pieces.is_empty() {
                (begin, next) = (place, place);
            }
            let all = std::iter::once(&cut.front[..cut.front_len])
                .chain(slices[cut.slices.clone()].iter().copied());
            for piece in all {
                pieces.push(IoSlice::new(piece));
                next += piece.len() as u64;
            }
        }
        if !end.is_multiple_of(PAGE) && PAGE - end % PAGE >= fragment::HEAD {
            pieces.push(IoSlice::new(&END));
        }
        self.device.write_at(&pieces, begin)
    }

    /// Takes the record at `at` back.
    pub fn void(&self, at: u64) -> io::Result<()> {
        self.device.write_at(&[IoSlice::new(&END)], self.shape.place(at))
    }
}

impl Cut {
    fn put(&mut self, bytes: &[u8]) {
        self.front[self.front_len..self.front_len + bytes.len()].copy_from_slice(bytes);
        self.front_len += bytes.len();
    }
}
