//! What stands where in the file.
//!
//! A *position* counts bytes through all laps: the segment's number times its size, and the offset in
//! it. So positions only grow, and each has one place in the file.

pub(crate) const PAGE: u64 = 4096;

/// The two pages of the header.
pub(crate) const HEADERS: u64 = 2 * PAGE;

/// The shortest file of a log.
pub const SMALLEST: u64 = 256 << 10;

const SMALLEST_SEGMENT: u64 = 64 << 10;
const FEWEST: u64 = 3;
const MOST: u64 = 64;

/// How the file is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bytes of a segment, whole pages.
    pub segment: u64,
    /// How many there are.
    pub count: u64,
}

impl Shape {
    /// Divides a file of `len` bytes. `None`: it is too short.
    pub fn of(len: u64) -> Option<Shape> {
        if len < SMALLEST {
            return None;
        }
        let room = len - HEADERS;
        let count = (room / SMALLEST_SEGMENT).clamp(FEWEST, MOST);
        Some(Shape { segment: room / count / PAGE * PAGE, count })
    }

    /// What a header says. `None`: it makes no sense.
    pub fn found(segment: u64, count: u64) -> Option<Shape> {
        let sensible = segment >= 2 * PAGE
            && segment.is_multiple_of(PAGE)
            && segment <= 1 << 40
            && (FEWEST..=MOST).contains(&count);
        sensible.then_some(Shape { segment, count })
    }

    /// The number of the segment in which `position` is.
    pub fn number(&self, position: u64) -> u64 {
        position / self.segment
    }

    /// How far behind its segment's beginning `position` is.
    pub fn offset(&self, position: u64) -> u64 {
        position % self.segment
    }

    /// Where in the file `position` is.
    pub fn place(&self, position: u64) -> u64 {
        HEADERS + self.number(position) % self.count * self.segment + self.offset(position)
    }

    /// The bytes of the file in use.
    pub fn len(&self) -> u64 {
        HEADERS + self.count * self.segment
    }

    /// How many bytes the largest record takes, its name and numbers included: half the ring, so that
    /// the other half still has what is kept beside it.
    pub fn largest(&self) -> u64 {
        let pages = (self.count - 1) * self.segment / 2 / PAGE - 1;
        pages * (PAGE - 64)
    }
}

/// The beginning of the page that has `position`.
pub(crate) fn page_of(position: u64) -> u64 {
    position - position % PAGE
}
