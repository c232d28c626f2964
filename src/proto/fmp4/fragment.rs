//! A run of samples of one track, with what is in them.
//!
//! ```text
//! moof: mfhd: 0 sequence
//!       traf: tfhd: 02xxxx track  [duration] [size] [flags]      what all samples have in common
//!             tfdt: 01000000 time (64)
//!             trun: 01xxxx count  place of the data  [flags of the first]  ( [duration] [size] [flags] [composition] )*
//! mdat: the samples in a row
//! ```

use super::init::{OTHER, SYNC};

/// A sample. Times are in ticks of its track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Its bytes.
    pub size: u32,
    /// To the next one.
    pub duration: u32,
    /// By how much it is shown later than it is decoded; may be negative.
    pub cts: i32,
    /// Decoding can begin with it.
    pub key: bool,
}

impl Sample {
    fn flags(&self) -> u32 {
        if self.key { SYNC } else { OTHER }
    }
}

/// The place of the first sample, and what the samples of a run tell each for itself.
pub(super) const PLACE: u32 = 0x001;
pub(super) const FIRST_FLAGS: u32 = 0x004;
pub(super) const DURATION: u32 = 0x100;
pub(super) const SIZE: u32 = 0x200;
pub(super) const FLAGS: u32 = 0x400;
pub(super) const COMPOSITION: u32 = 0x800;

/// The same told once for all of them.
pub(super) const DEFAULT_DURATION: u32 = 0x08;
pub(super) const DEFAULT_SIZE: u32 = 0x10;
pub(super) const DEFAULT_FLAGS: u32 = 0x20;
/// Places are counted from the `moof`.
const BASE_IS_MOOF: u32 = 0x02_0000;

/// Appends a fragment of a track that begins at `base` and has these samples; `data` is theirs in a row, shorter than 4 GB.
pub fn fragment(
    out: &mut Vec<u8>,
    sequence: u32,
    track_id: u32,
    base: u64,
    samples: &[Sample],
    data: &[u8],
    first_of_segment: bool,
) {
    fragment_head(out, sequence, track_id, base, samples, data.len(), first_of_segment);
    out.extend_from_slice(data);
}

/// Appends all of a fragment that stands before its data, which has so many bytes: what has those elsewhere need not copy
/// them.
pub fn fragment_head(
    out: &mut Vec<u8>,
    sequence: u32,
    track_id: u32,
    base: u64,
    samples: &[Sample],
    data_len: usize,
    first_of_segment: bool,
) {
    let run = Run::of(samples);
    let (tfhd, trun) = (run.tfhd_len(), run.trun_len());
    let traf = 8 + tfhd + 20 + trun;
    let moof = 8 + 16 + traf;
    out.reserve(24 + moof + 8);
    if first_of_segment {
        styp(out);
    }
    head(out, moof, b"moof");
    head(out, 16, b"mfhd");
    words(out, &[0, sequence]);
    head(out, traf, b"traf");
    head(out, tfhd, b"tfhd");
    run.defaults(out, track_id);
    head(out, 20, b"tfdt");
    words(out, &[1 << 24, (base >> 32) as u32, base as u32]);
    head(out, trun, b"trun");
    run.samples(out, moof + 8);
    head(out, 8 + data_len, b"mdat");
}

/// Appends what a segment begins with. [`fragment`] does so itself, unless something is to stand between.
pub fn styp(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\0\0\0\x18stypmsdh\0\0\0\0msdhcmfs");
}

/// Appends what goes before a fragment that says when it was (ISO 14496-12 §8.16.5): a media time of a track and the milliseconds
/// since 1970 at which the encoder had it.
pub fn prft(out: &mut Vec<u8>, track_id: u32, wall_ms: u64, media_time: u64) {
    // NTP: seconds since 1900, and parts of 2^32 of one.
    let seconds = (wall_ms / 1000).wrapping_add(2_208_988_800);
    let part = ((wall_ms % 1000) << 32) / 1000;
    head(out, 32, b"prft");
    words(out, &[1 << 24, track_id, seconds as u32, part as u32]);
    out.extend_from_slice(&media_time.to_be_bytes());
}

/// Samples, and what they have in common.
struct Run<'s> {
    samples: &'s [Sample],
    first: Sample,
    /// What the run tells of each, and what is told of all.
    each: u32,
    all: u32,
}

impl<'s> Run<'s> {
    fn of(samples: &'s [Sample]) -> Run<'s> {
        let first = samples.first().copied().unwrap_or_default();
        let rest = samples.get(1..).unwrap_or_default();
        let (mut each, mut all) = (PLACE, BASE_IS_MOOF);
        let mut told = |same: bool, by_all: u32, by_each: u32| {
            if same { all |= by_all } else { each |= by_each }
        };
        told(
            rest.iter().all(|sample| sample.duration == first.duration),
            DEFAULT_DURATION,
            DURATION,
        );
        told(rest.iter().all(|sample| sample.size == first.size), DEFAULT_SIZE, SIZE);
        // Usually none of the others is a key frame, or all are.
        let alike = rest.windows(2).all(|two| two[0].key == two[1].key);
        told(alike, DEFAULT_FLAGS, FLAGS);
        if alike && rest.first().is_some_and(|second| second.key != first.key) {
            each |= FIRST_FLAGS;
        }
        if samples.iter().any(|sample| sample.cts != 0) {
            each |= COMPOSITION;
        }
        Run { samples, first, each, all }
    }

    fn tfhd_len(&self) -> usize {
        16 + 4 * (self.all & 0xFF).count_ones() as usize
    }

    fn trun_len(&self) -> usize {
        let each = 4 * (self.each & 0xF00).count_ones() as usize;
        let once = 4 * (self.each & 0xFF).count_ones() as usize;
        16 + once + each * self.samples.len()
    }

    fn defaults(&self, out: &mut Vec<u8>, track_id: u32) {
        words(out, &[self.all, track_id]);
        // That of the second holds for all but the first, which tells its own.
        let other = self.samples.get(1).unwrap_or(&self.first);
        for (flag, value) in [
            (DEFAULT_DURATION, self.first.duration),
            (DEFAULT_SIZE, self.first.size),
            (DEFAULT_FLAGS, other.flags()),
        ] {
            if self.all & flag != 0 {
                words(out, &[value]);
            }
        }
    }

    fn samples(&self, out: &mut Vec<u8>, place: usize) {
        words(out, &[1 << 24 | self.each, self.samples.len() as u32, place as u32]);
        if self.each & FIRST_FLAGS != 0 {
            words(out, &[self.first.flags()]);
        }
        for sample in self.samples {
            for (flag, value) in [
                (DURATION, sample.duration),
                (SIZE, sample.size),
                (FLAGS, sample.flags()),
                (COMPOSITION, sample.cts as u32),
            ] {
                if self.each & flag != 0 {
                    words(out, &[value]);
                }
            }
        }
    }
}

fn head(out: &mut Vec<u8>, size: usize, name: &[u8; 4]) {
    words(out, &[u32::try_from(size).unwrap_or(u32::MAX)]);
    out.extend_from_slice(name);
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}
