//! Fragments: a record is cut at the ends of pages, so that a page that is lost takes only its own.
//!
//! ```text
//! crc32c u32 │ len u16 │ kind u8 │ 0 │ len bytes; of a middle or last one, its record's tag first
//! ```
//! Eight zeros where the next one would stand: the page's rest is not used, or not yet.

use std::ops::Range;

use crate::shape::PAGE;

/// Bytes before a fragment's own.
pub(crate) const HEAD: u64 = 8;
/// What ties the later fragments of a record to its first one: that one's checksum.
pub(crate) const TAG: u64 = 4;

/// Which part of its record a fragment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FragmentKind {
    Full = 1,
    First = 2,
    Middle = 3,
    Last = 4,
}

impl FragmentKind {
    fn of(byte: u8) -> Option<FragmentKind> {
        match byte {
            1 => Some(FragmentKind::Full),
            2 => Some(FragmentKind::First),
            3 => Some(FragmentKind::Middle),
            4 => Some(FragmentKind::Last),
            _ => None,
        }
    }

    /// Whether a record begins with it.
    pub fn begins(self) -> bool {
        matches!(self, FragmentKind::Full | FragmentKind::First)
    }

    /// Whether a record ends with it.
    pub fn ends(self) -> bool {
        matches!(self, FragmentKind::Full | FragmentKind::Last)
    }
}

/// The checksum of a fragment `offset` bytes behind its segment's beginning, over its bytes in pieces.
pub(crate) fn checksum<'b>(
    seed: u32,
    offset: u64,
    kind: FragmentKind,
    len: u16,
    bytes: impl Iterator<Item = &'b [u8]>,
) -> u32 {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&offset.to_le_bytes());
    place[8..10].copy_from_slice(&len.to_le_bytes());
    place[10] = kind as u8;
    bytes.fold(crc32c::crc32c_append(seed, &place), crc32c::crc32c_append)
}

/// What stands before a fragment's bytes.
pub(crate) fn head(crc: u32, len: u16, kind: FragmentKind) -> [u8; HEAD as usize] {
    let mut out = [0; HEAD as usize];
    out[..4].copy_from_slice(&crc.to_le_bytes());
    out[4..6].copy_from_slice(&len.to_le_bytes());
    out[6] = kind as u8;
    out
}

/// A fragment that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub kind: FragmentKind,
    /// Of a first one its checksum, of a later one what it says its record's first has.
    pub tag: u32,
    /// Where in its page its part of the record is.
    pub data: Range<usize>,
}

/// What stands at a place of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Fragment(Fragment),
    /// The rest of the page is not used.
    End,
    /// Nothing that was written here in this use of the segment.
    Bad,
}

/// Looks at byte `at` of a page that begins `offset` bytes behind its segment's beginning.
pub(crate) fn at(seed: u32, page: &[u8], offset: u64, at: usize) -> Found {
    let start = at + HEAD as usize;
    if start > PAGE as usize {
        return Found::End;
    }
    let Some(head) = page.get(at..start) else { return Found::Bad };
    if head == [0; HEAD as usize] {
        return Found::End;
    }
    let crc = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let len = u16::from_le_bytes([head[4], head[5]]);
    let end = start + usize::from(len);
    let (Some(kind), Some(bytes), 0) = (FragmentKind::of(head[6]), page.get(start..end), head[7])
    else {
        return Found::Bad;
    };
    if checksum(seed, offset + at as u64, kind, len, [bytes].into_iter()) != crc {
        return Found::Bad;
    }
    if kind.begins() {
        return Found::Fragment(Fragment { kind, tag: crc, data: start..end });
    }
    match bytes.first_chunk() {
        Some(tag) => {
            let data = start + TAG as usize..end;
            Found::Fragment(Fragment { kind, tag: u32::from_le_bytes(*tag), data })
        }
        None => Found::Bad,
    }
}
