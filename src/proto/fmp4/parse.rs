//! Reading a `moof`: of which track it is, when it begins and how long it is.

use super::{AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK};
use crate::mp4::boxes::{Boxes, u32_at, u64_at};

/// What is told of the first track in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moof {
    pub sequence: u32,
    pub track: u32,
    pub base: u64,
    pub duration: u64,
    pub key: bool,
}

/// The bit of a sample's flags by which it is none to begin with.
pub(super) const NOT_SYNC: u32 = 0x0001_0000;

impl Moof {
    /// Reads the content of the box; `None`: it is damaged, or has no track or no time.
    pub(super) fn of(content: &[u8]) -> Option<Moof> {
        let sequence = u32_at(child(content, b"mfhd")?, 4)?;
        let traf = child(content, b"traf")?;
        let header = Header::of(child(traf, b"tfhd")?)?;
        let time = child(traf, b"tfdt")?;
        let base = match time.first()? {
            0 => u64::from(u32_at(time, 4)?),
            _ => u64_at(time, 4)?,
        };
        let (duration, flags) = header.run(child(traf, b"trun")?)?;
        let key = flags & NOT_SYNC == 0;
        Some(Moof { sequence, track: header.track, base, duration, key })
    }
}

/// The tracks of a head of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales {
    /// There are pictures.
    pub video: bool,
    /// Ticks a second of the sound, if there is some.
    pub audio: Option<u32>,
}

/// Reads what a file begins with, up to the end of its `moov`; `None`: it is damaged, or has no track of ours.
pub fn scales(head: &[u8]) -> Option<Scales> {
    let mut scales = Scales { video: false, audio: None };
    for found in Boxes::of(child(head, b"moov")?, "moov") {
        let (b"trak", content) = found.as_ref().map(|(name, content)| (name, *content)).ok()?
        else {
            continue;
        };
        let id = u32_at(child(content, b"tkhd")?, 12)?;
        let scale = u32_at(child(child(content, b"mdia")?, b"mdhd")?, 12)?;
        match id {
            VIDEO_TRACK => scales.video = scale == VIDEO_TIMESCALE,
            AUDIO_TRACK => scales.audio = Some(scale).filter(|scale| *scale > 0),
            _ => return None,
        }
    }
    (scales.video || scales.audio.is_some()).then_some(scales)
}

/// The content of a box in another one.
pub(super) fn child<'b>(content: &'b [u8], name: &[u8; 4]) -> Option<&'b [u8]> {
    let found = Boxes::of(content, "moof").find_map(|child| match child {
        Ok((found, content)) if found == *name => Some(Some(content)),
        Ok(_) => None,
        Err(_) => Some(None),
    });
    found.flatten()
}

/// A `tfhd`.
struct Header {
    track: u32,
    duration: u32,
    flags: u32,
}

impl Header {
    fn of(content: &[u8]) -> Option<Header> {
        let told = u32_at(content, 0)?;
        let mut at = 8;
        let mut field = |flag: u32, size: usize| {
            let here = at;
            at += if told & flag == 0 { 0 } else { size };
            if told & flag == 0 { Some(0) } else { u32_at(content, here) }
        };
        // Where the data begin, which of the sample entries.
        field(0x01, 8)?;
        field(0x02, 4)?;
        let duration = field(0x08, 4)?;
        field(0x10, 4)?;
        Some(Header { track: u32_at(content, 4)?, duration, flags: field(0x20, 4)? })
    }

    /// How long a run is, and the flags of its first sample.
    fn run(&self, content: &[u8]) -> Option<(u64, u32)> {
        let (told, count) = (u32_at(content, 0)?, u32_at(content, 4)?);
        let mut at = 8 + if told & 0x001 == 0 { 0 } else { 4 };
        let mut first = self.flags;
        if told & 0x004 != 0 {
            first = u32_at(content, at)?;
            at += 4;
        }
        let width = 4 * (told & 0xF00).count_ones() as usize;
        let samples = content.get(at..)?;
        if told & 0x400 != 0 && count > 0 {
            let before = 4 * (told & 0x300).count_ones() as usize;
            first = u32_at(samples, before)?;
        }
        if told & 0x100 == 0 {
            return Some((u64::from(self.duration) * u64::from(count), first));
        }
        let mut durations = samples.chunks_exact(width).take(count as usize);
        let sum = durations.try_fold(0, |sum, sample| Some(sum + u64::from(u32_at(sample, 0)?)))?;
        Some((sum, first))
    }
}
