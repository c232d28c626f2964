//! Fragments told as an ordinary movie (ISO 14496-12 §8.5 to §8.7): a `moov` that says where each sample is.
//!
//! ```text
//! moov: mvhd  trak*: tkhd [edts: elst] mdia: mdhd hdlr minf: vmhd|smhd dinf stbl: stsd stts [ctts] [stss] stsc stsz stco|co64
//! ```
//! The data stay where they are: those of a fragment are a chunk. What is not a table is the init's.

use super::fragment::Sample;
use super::parse::child;
use crate::mp4::boxes::{Boxes, put, u32_at, write};

/// The samples of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// When it begins, in its ticks.
    begin: Option<u64>,
    /// Where its newest sample begins, and where it ends.
    last: u64,
    end: u64,
    /// How many last so long.
    durations: Vec<(u32, u32)>,
    /// How many are shown so much later than they are decoded.
    compositions: Vec<(u32, i32)>,
    sizes: Vec<u32>,
    /// The numbers of those to begin with, from 1 on.
    keys: Vec<u32>,
    /// Where a run of samples begins, and how many they are.
    chunks: Vec<(u64, u32)>,
}

/// Counts one more of the same, or the first of others.
fn count<T: PartialEq>(runs: &mut Vec<(u32, T)>, value: T) {
    match runs.last_mut() {
        Some((count, known)) if *known == value => *count += 1,
        _ => runs.push((1, value)),
    }
}

impl Table {
    /// Adds a fragment that begins at `base`, and whose data are at `place`.
    pub fn add(&mut self, base: u64, place: u64, samples: &[Sample]) {
        // What was there before lasts until this begins: an ordinary movie has no gaps.
        let mut time = base.max(self.end);
        self.begin.get_or_insert(base);
        if time > self.end && !self.sizes.is_empty() {
            self.stretch(time);
        }
        for sample in samples {
            count(&mut self.durations, sample.duration);
            count(&mut self.compositions, sample.cts);
            self.sizes.push(sample.size);
            if sample.key {
                self.keys.push(self.sizes.len() as u32);
            }
            self.last = time;
            time += u64::from(sample.duration);
        }
        self.end = time;
        self.chunks.push((place, samples.len() as u32));
    }

    /// The newest sample lasts until then.
    fn stretch(&mut self, time: u64) {
        if let Some((count, _)) = self.durations.last_mut() {
            *count -= 1;
            if *count == 0 {
                self.durations.pop();
            }
        }
        let duration = u32::try_from(time.saturating_sub(self.last)).unwrap_or(u32::MAX);
        count(&mut self.durations, duration);
        self.end = time;
    }

    /// Bytes that it will have, about.
    pub fn len(&self) -> usize {
        8 * (self.durations.len() + self.compositions.len() + self.chunks.len())
            + 4 * (self.sizes.len() + self.keys.len())
    }

    /// Whether there is no sample in it.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    fn write(&self, out: &mut Vec<u8>) {
        full(out, b"stts", 0, self.durations.len(), |out| {
            self.durations.iter().flat_map(|it| [it.0, it.1]).for_each(|word| put(out, word));
        });
        if self.compositions.iter().any(|(_, cts)| *cts != 0) {
            // Version 1: they may be negative.
            full(out, b"ctts", 1 << 24, self.compositions.len(), |out| {
                let words = self.compositions.iter().flat_map(|it| [it.0, it.1 as u32]);
                words.for_each(|word| put(out, word));
            });
        }
        if self.keys.len() < self.sizes.len() {
            full(out, b"stss", 0, self.keys.len(), |out| {
                self.keys.iter().for_each(|word| put(out, *word));
            });
        }
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (number, (_, samples)) in self.chunks.iter().enumerate() {
            if runs.last().is_none_or(|(_, known)| known != samples) {
                runs.push((number as u32 + 1, *samples));
            }
        }
        full(out, b"stsc", 0, runs.len(), |out| {
            runs.iter().flat_map(|it| [it.0, it.1, 1]).for_each(|word| put(out, word));
        });
        write(out, b"stsz", |out| {
            [0, 0, self.sizes.len() as u32].into_iter().for_each(|word| put(out, word));
            self.sizes.iter().for_each(|word| put(out, *word));
        });
        let places = || self.chunks.iter().map(|(place, _)| *place);
        match places().all(|place| u32::try_from(place).is_ok()) {
            true => full(out, b"stco", 0, self.chunks.len(), |out| {
                places().for_each(|place| put(out, place as u32));
            }),
            false => full(out, b"co64", 0, self.chunks.len(), |out| {
                places().for_each(|place| out.extend_from_slice(&place.to_be_bytes()));
            }),
        }
    }
}

/// Appends a box of version and flags, a number of entries, and these.
fn full(
    out: &mut Vec<u8>,
    name: &[u8; 4],
    version: u32,
    count: usize,
    entries: impl FnOnce(&mut Vec<u8>),
) {
    write(out, name, |out| {
        [version, count as u32].into_iter().for_each(|word| put(out, word));
        entries(out);
    });
}

/// The `moov` of a movie with these tables, of pictures and of sound; `init` is what stands before its fragments. `None`: that is damaged,
/// or there is no sample. Tracks without samples are left out.
pub fn movie(init: &[u8], tables: &[Table; 2]) -> Option<Vec<u8>> {
    let moov = child(init, b"moov")?;
    let scale = u32_at(child(moov, b"mvhd")?, 12).filter(|scale| *scale > 0)?;
    let mut tracks = Vec::new();
    for found in Boxes::of(moov, "moov") {
        let (name, content) = found.ok()?;
        if &name == b"trak" {
            let id = u32_at(child(content, b"tkhd")?, 12)?;
            let table = tables.get((id as usize).checked_sub(1)?)?;
            let own = u32_at(child(child(content, b"mdia")?, b"mdhd")?, 12)?;
            let track = Track { content, table, scale: own.max(1), movie: scale };
            tracks.extend((!table.is_empty()).then_some(track));
        }
    }
    let duration = tracks.iter().map(Track::shown).max()?;
    let mut out = Vec::with_capacity(2048 + tables.iter().map(Table::len).sum::<usize>());
    write(&mut out, b"moov", |out| {
        for (name, content) in Boxes::of(moov, "moov").flatten() {
            if &name == b"mvhd" {
                write(out, &name, |out| lasting(out, content, 16, duration));
            }
        }
        tracks.iter().for_each(|track| track.write(out));
    });
    Some(out)
}

/// A track of the init, and its samples.
struct Track<'a> {
    content: &'a [u8],
    table: &'a Table,
    /// Ticks a second: its own, and the movie's.
    scale: u32,
    movie: u32,
}

/// Appends the content of a box with a duration of 32 bits at this place, or with the most that has room.
fn lasting(out: &mut Vec<u8>, content: &[u8], at: usize, duration: u64) {
    let start = out.len();
    out.extend_from_slice(content);
    let duration = u32::try_from(duration).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start + at..start + at + 4) {
        place.copy_from_slice(&duration.to_be_bytes());
    }
}

impl Track<'_> {
    fn in_movie(&self, ticks: u64) -> u64 {
        ticks.saturating_mul(self.movie.into()) / u64::from(self.scale)
    }

    /// When it is over, in the movie's ticks.
    fn shown(&self) -> u64 {
        self.in_movie(self.table.end)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let begin = self.in_movie(self.table.begin.unwrap_or(0));
        write(out, b"trak", |out| {
            for (name, content) in Boxes::of(self.content, "trak").flatten() {
                match &name {
                    b"tkhd" => {
                        write(out, &name, |out| lasting(out, content, 20, self.shown()));
                        if begin > 0 {
                            self.edits(out, begin);
                        }
                    }
                    b"mdia" => write(out, &name, |out| self.media(out, content)),
                    _ => write(out, &name, |out| out.extend_from_slice(content)),
                }
            }
        });
    }

    /// Nothing is shown at first, then everything.
    fn edits(&self, out: &mut Vec<u8>, begin: u64) {
        let narrow = |ticks: u64| u32::try_from(ticks).unwrap_or(u32::MAX);
        write(out, b"edts", |out| {
            full(out, b"elst", 0, 2, |out| {
                let rest = narrow(self.shown().saturating_sub(begin));
                [narrow(begin), u32::MAX, 1 << 16, rest, 0, 1 << 16]
                    .into_iter()
                    .for_each(|word| put(out, word));
            });
        });
    }

    fn media(&self, out: &mut Vec<u8>, content: &[u8]) {
        let ticks = self.table.end.saturating_sub(self.table.begin.unwrap_or(0));
        for (name, content) in Boxes::of(content, "mdia").flatten() {
            match (&name, u32::try_from(ticks)) {
                (b"mdhd", Ok(_)) => write(out, &name, |out| lasting(out, content, 16, ticks)),
                (b"mdhd", Err(_)) => write(out, &name, |out| {
                    // Version 1: 64 bits.
                    [1 << 24, 0, 0, 0, 0, self.scale].into_iter().for_each(|word| put(out, word));
                    out.extend_from_slice(&ticks.to_be_bytes());
                    out.extend_from_slice(content.get(20..).unwrap_or_default());
                }),
                (b"minf", _) => write(out, &name, |out| self.information(out, content)),
                _ => write(out, &name, |out| out.extend_from_slice(content)),
            }
        }
    }

    fn information(&self, out: &mut Vec<u8>, content: &[u8]) {
        for (name, content) in Boxes::of(content, "minf").flatten() {
            write(out, &name, |out| match &name {
                b"stbl" => {
                    if let Some(entry) = child(content, b"stsd") {
                        write(out, b"stsd", |out| out.extend_from_slice(entry));
                    }
                    self.table.write(out);
                }
                _ => out.extend_from_slice(content),
            });
        }
    }
}
