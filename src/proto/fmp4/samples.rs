//! The samples of a fragment, read from its `moof`; only one as [`super::fragment()`] makes it: one track, one run.

use super::fragment::{
    COMPOSITION, DEFAULT_DURATION, DEFAULT_FLAGS, DEFAULT_SIZE, DURATION, FIRST_FLAGS, FLAGS,
    PLACE, SIZE, Sample,
};
use super::parse::{NOT_SYNC, child};
use crate::mp4::boxes::u32_at;

/// Reads a whole `moof`, head included: where its data begin, counted from its own beginning, and its samples. `None`: it is none of
/// ours, or damaged.
pub fn samples(moof: &[u8]) -> Option<(u64, Vec<Sample>)> {
    let traf = child(moof.get(8..)?, b"traf")?;
    let defaults = Defaults::of(child(traf, b"tfhd")?)?;
    let run = child(traf, b"trun")?;
    let (told, count) = (u32_at(run, 0)?, u32_at(run, 4)? as usize);
    if told & PLACE == 0 {
        return None;
    }
    let (place, mut at) = (u32_at(run, 8)?, 12);
    let mut first = None;
    if told & FIRST_FLAGS != 0 {
        first = Some(u32_at(run, at)?);
        at += 4;
    }
    let width = 4 * (told & 0xF00).count_ones() as usize;
    let rows = run.get(at..at.checked_add(count.checked_mul(width)?)?)?;
    // What is told of all of them is told by no row: then the box has no bytes that would bound them.
    if width == 0 && count > MOST_ALIKE {
        return None;
    }
    let mut samples = Vec::with_capacity(count);
    for number in 0..count {
        let mut row = number * width;
        let mut field = |flag: u32, or: u32| {
            if told & flag == 0 {
                return Some(or);
            }
            row += 4;
            u32_at(rows, row - 4)
        };
        let duration = field(DURATION, defaults.duration)?;
        let size = field(SIZE, defaults.size)?;
        let flags = field(FLAGS, defaults.flags)?;
        let cts = field(COMPOSITION, 0)? as i32;
        let flags = first.filter(|_| number == 0).unwrap_or(flags);
        samples.push(Sample { size, duration, cts, key: flags & NOT_SYNC == 0 });
    }
    Some((place.into(), samples))
}

/// Samples of a run that tells nothing of each: a fragment lasts a second or so.
const MOST_ALIKE: usize = 1 << 16;

struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    fn of(content: &[u8]) -> Option<Defaults> {
        let told = u32_at(content, 0)?;
        // Neither a place of its own nor another sample entry.
        if told & 0x03 != 0 {
            return None;
        }
        let mut at = 8;
        let mut field = |flag: u32| {
            if told & flag == 0 {
                return Some(0);
            }
            at += 4;
            u32_at(content, at - 4)
        };
        let (duration, size) = (field(DEFAULT_DURATION)?, field(DEFAULT_SIZE)?);
        Some(Defaults { duration, size, flags: field(DEFAULT_FLAGS)? })
    }
}
