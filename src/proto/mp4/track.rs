//! A track, and which of its samples a part has.

use std::collections::HashSet;

use super::boxes::{self, Boxes, put, u32_at};
use super::edit::{self, Edit};
use super::samples::{Chunk, Samples, pair};
use super::{Mp4Error, Part};

/// A track as it is in the file. Boxes that are not changed are kept as they are.
pub struct Track<'b> {
    trak: &'b [u8],
    timescale: u32,
    edit: Edit,
    has_edit: bool,
    samples: Samples<'b>,
}

/// The samples of a part.
pub struct CutTrack<'b> {
    track: Track<'b>,
    first: u64,
    count: u64,
    /// How long they last, in the track's time.
    duration: u64,
    /// In the movie's time, of what is shown.
    pub shown: u64,
    edit: Edit,
    chunks: Vec<Chunk>,
}

/// Each in the one before.
const CONTAINERS: [[u8; 4]; 3] = [*b"mdia", *b"minf", *b"stbl"];
const DAMAGED: Mp4Error = Mp4Error::Damaged("trak");

fn find<'b>(
    content: &'b [u8],
    name: &[u8; 4],
    within: &'static str,
) -> Result<Option<&'b [u8]>, Mp4Error> {
    let mut first = None;
    for found in Boxes::of(content, within) {
        let (known, inner) = found?;
        // Of two both would be written, each as long as all of it.
        if &known == name && first.replace(inner).is_some() {
            return Err(Mp4Error::Duplicate(within));
        }
    }
    Ok(first)
}

impl<'b> Track<'b> {
    /// Reads a `trak`.
    pub fn read(trak: &'b [u8]) -> Result<Track<'b>, Mp4Error> {
        let need = |found: Option<&'b [u8]>, name| found.ok_or(Mp4Error::Missing(name));
        find(trak, b"tkhd", "trak")?;
        let mdia = need(find(trak, b"mdia", "trak")?, "mdia")?;
        let mdhd = need(find(mdia, b"mdhd", "mdia")?, "mdhd")?;
        let at = if mdhd.first() == Some(&1) { 20 } else { 12 };
        let timescale = u32_at(mdhd, at).filter(|scale| *scale > 0);
        let timescale = timescale.ok_or(Mp4Error::Damaged("mdhd"))?;
        let minf = need(find(mdia, b"minf", "mdia")?, "minf")?;
        let stbl = need(find(minf, b"stbl", "minf")?, "stbl")?;
        let mut samples = Samples::default();
        let mut tables = HashSet::new();
        for found in Boxes::of(stbl, "stbl") {
            let (name, content) = found?;
            // Both are the same table.
            let kind = if &name == b"co64" { *b"stco" } else { name };
            if samples.take(&name, content)? && !tables.insert(kind) {
                return Err(Mp4Error::Duplicate("stbl"));
            }
        }
        let elst = match find(trak, b"edts", "trak")? {
            Some(edts) => find(edts, b"elst", "edts")?,
            None => None,
        };
        let edit = elst.map(edit::read).transpose()?.unwrap_or_default();
        Ok(Track { trak, timescale, edit, has_edit: elst.is_some(), samples })
    }

    /// The samples of a part of the movie, whose time has this scale. A track that has none there is empty.
    pub fn cut(self, part: Part, movie: u32) -> Result<CutTrack<'b>, Mp4Error> {
        let scale = u64::from(self.timescale);
        let pause = scaled(self.edit.pause, scale, movie.into());
        // From the movie's time to that at which samples are shown, and how much is left of the pause.
        let to_track = |ms: u64| {
            let time = scaled(ms, scale, 1000);
            let shown = time.saturating_sub(pause).saturating_add(self.edit.skipped);
            (shown, pause.saturating_sub(time))
        };
        // Frames that are shown in another order than they are decoded in are shown that much later.
        let reorders = self.samples.ctts.is_some();
        let delay = if reorders { self.edit.skipped } else { 0 };
        let (start, left) = to_track(part.start);
        let total = self.samples.count();
        let end = match part.end.map(to_track) {
            Some((_, left)) if left > 0 => 0,
            // A sample that has begun by then is the last one.
            Some((end, _)) => {
                let last = self.samples.at(end.saturating_sub(delay + 1));
                last.map_or(total, |(sample, _)| sample + 1)
            }
            None => total,
        };
        let found = self.samples.at(start.saturating_sub(delay));
        let (mut first, mut begins) = found.unwrap_or((total, start));
        if part.from_key_frame && first < total {
            first = self.samples.key_before(first);
            begins = self.samples.begins(first);
        }
        let count = end.saturating_sub(first);
        let duration = self.samples.begins(first + count) - self.samples.begins(first);
        let skipped = match reorders && !part.from_key_frame {
            true => delay,
            false => start.saturating_sub(begins),
        };
        let edit = Edit { pause: scaled(left, movie.into(), scale), skipped };
        let shown =
            scaled(duration.saturating_sub(skipped - skipped.min(delay)), movie.into(), scale);
        let shown = shown.saturating_add(edit.pause);
        let chunks = cut_chunks(&self.samples, first, count)?;
        Ok(CutTrack { track: self, first, count, duration, shown, edit, chunks })
    }
}

/// A time in another scale.
fn scaled(time: u64, to: u64, from: u64) -> u64 {
    let scaled = u128::from(time) * u128::from(to) / u128::from(from);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Of each chunk the samples of a range.
fn cut_chunks(samples: &Samples<'_>, first: u64, count: u64) -> Result<Vec<Chunk>, Mp4Error> {
    let (mut cut, end) = (Vec::new(), first + count);
    for chunk in samples.chunks() {
        let (from, to) = (chunk.first.max(first), (chunk.first + chunk.count).min(end));
        if from >= to {
            continue;
        }
        let before = samples.bytes(chunk.first, from - chunk.first);
        let offset = chunk.offset.checked_add(before).ok_or(DAMAGED)?;
        cut.push(Chunk { offset, first: from, count: to - from, description: chunk.description });
    }
    match cut.iter().map(|chunk| chunk.count).sum::<u64>() == count {
        true => Ok(cut),
        false => Err(Mp4Error::Damaged("stsc")),
    }
}

impl CutTrack<'_> {
    /// Whether nothing of it is there.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// From where to where in the file its samples lie.
    pub fn bytes(&self) -> impl Iterator<Item = (u64, u64)> {
        let samples = &self.track.samples;
        self.chunks.iter().map(|chunk| {
            (chunk.offset, chunk.offset.saturating_add(samples.bytes(chunk.first, chunk.count)))
        })
    }

    /// Appends the `trak`; its samples begin where `place` says of their old places.
    pub fn write(&self, place: &impl Fn(u64) -> u64, out: &mut Vec<u8>) {
        boxes::write(out, b"trak", |out| self.copy(self.track.trak, &CONTAINERS, place, out));
    }

    /// Copies boxes, and changes those that say how long or where it is; the first of `inner` is gone into.
    fn copy(
        &self,
        content: &[u8],
        inner: &[[u8; 4]],
        place: &impl Fn(u64) -> u64,
        out: &mut Vec<u8>,
    ) {
        for (name, content) in Boxes::of(content, "trak").flatten() {
            if let [first, rest @ ..] = inner
                && *first == name
            {
                boxes::write(out, &name, |out| self.copy(content, rest, place, out));
                continue;
            }
            match &name {
                b"edts" => {}
                b"tkhd" => {
                    boxes::write(out, &name, |out| {
                        out.extend_from_slice(&lasting(content, 20, 28, self.shown))
                    });
                    let changed = self.edit != Edit::default();
                    if changed || self.track.has_edit {
                        edit::write(self.edit, self.shown - self.edit.pause.min(self.shown), out);
                    }
                }
                b"mdhd" => boxes::write(out, &name, |out| {
                    out.extend_from_slice(&lasting(content, 16, 24, self.duration));
                }),
                b"stts" => boxes::write(out, &name, |out| self.counted(content, out)),
                b"ctts" => boxes::write(out, &name, |out| self.counted(content, out)),
                b"stss" => boxes::write(out, &name, |out| self.keys(out)),
                b"stsz" => boxes::write(out, &name, |out| {
                    put(out, 0);
                    self.track.samples.write_sizes(self.first, self.count, out);
                }),
                b"stsc" => boxes::write(out, &name, |out| self.rules(out)),
                b"stco" | b"co64" => self.offsets(place, out),
                // They tell of samples by their numbers.
                b"sdtp" | b"sbgp" | b"saiz" | b"saio" | b"senc" | b"cslg" => {}
                _ => boxes::write(out, &name, |out| out.extend_from_slice(content)),
            }
        }
    }

    /// A table of runs of samples (`stts`, `ctts`): of each run those that are wanted.
    fn counted(&self, content: &[u8], out: &mut Vec<u8>) {
        let mut runs = Vec::new();
        let (mut at, end) = (0, self.first + self.count);
        for (count, value) in
            boxes::entries::<8>(content, 0, "stts").unwrap_or_default().iter().map(pair)
        {
            let (from, to) = (at.max(self.first), (at + u64::from(count)).min(end));
            if from < to {
                runs.push(((to - from) as u32, value));
            }
            at += u64::from(count);
        }
        out.extend_from_slice(content.get(..4).unwrap_or(&[0; 4]));
        put(out, runs.len() as u32);
        runs.into_iter().flat_map(|(count, value)| [count, value]).for_each(|word| put(out, word));
    }

    fn keys(&self, out: &mut Vec<u8>) {
        let keys =
            self.track.samples.stss.unwrap_or_default().iter().copied().map(u32::from_be_bytes);
        let wanted = keys.filter_map(|key| {
            let sample = u64::from(key).checked_sub(1 + self.first)?;
            (sample < self.count).then_some(sample as u32 + 1)
        });
        let wanted: Vec<u32> = wanted.collect();
        put(out, 0);
        put(out, wanted.len() as u32);
        wanted.into_iter().for_each(|key| put(out, key));
    }

    fn rules(&self, out: &mut Vec<u8>) {
        let mut rules: Vec<(u32, u32, u32)> = Vec::new();
        for (number, chunk) in self.chunks.iter().enumerate() {
            let rule = (chunk.count as u32, chunk.description);
            if rules.last().is_none_or(|(_, count, description)| (*count, *description) != rule) {
                rules.push((number as u32 + 1, rule.0, rule.1));
            }
        }
        put(out, 0);
        put(out, rules.len() as u32);
        rules.into_iter().flat_map(|(a, b, c)| [a, b, c]).for_each(|word| put(out, word));
    }

    fn offsets(&self, place: &impl Fn(u64) -> u64, out: &mut Vec<u8>) {
        let places: Vec<u64> = self.chunks.iter().map(|chunk| place(chunk.offset)).collect();
        let is_long = places.iter().any(|place| *place > u64::from(u32::MAX));
        boxes::write(out, if is_long { b"co64" } else { b"stco" }, |out| {
            put(out, 0);
            put(out, places.len() as u32);
            for place in places {
                match is_long {
                    true => out.extend_from_slice(&place.to_be_bytes()),
                    false => put(out, place as u32),
                }
            }
        });
    }
}

/// A box's content with another duration: at one place if its version is 0, else at the other, in 8 bytes.
pub fn lasting(content: &[u8], short: usize, long: usize, duration: u64) -> Vec<u8> {
    let mut content = content.to_vec();
    let bytes = duration.to_be_bytes();
    let (at, bytes) = match content.first() {
        Some(0) => (short, &u32::try_from(duration).unwrap_or(u32::MAX).to_be_bytes()[..]),
        _ => (long, &bytes[..]),
    };
    if let Some(place) = content.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
    content
}
