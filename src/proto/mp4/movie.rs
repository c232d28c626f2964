//! A movie, cut.

use super::boxes::{self, Boxes, put, u32_at};
use super::track::{CutTrack, Track, lasting};
use super::{Mp4Error, Part};

/// What a part of a file is made of: this, and a window of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// `ftyp`, `moov` and the head of `mdat`.
    pub head: Vec<u8>,
    /// Where the window begins in the file, and how long it is.
    pub window: (u64, u64),
}

/// Cuts a movie. `ftyp` is that whole box, `moov` the content of its box; `file` is the file's length.
pub fn cut(ftyp: &[u8], moov: &[u8], part: Part, file: u64) -> Result<Cut, Mp4Error> {
    let mut tracks = Vec::new();
    let mut movie = None;
    for found in Boxes::of(moov, "moov") {
        let (name, content) = found?;
        match &name {
            b"mvex" => return Err(Mp4Error::Fragmented),
            b"mvhd" if movie.is_some() => return Err(Mp4Error::Duplicate("moov")),
            b"mvhd" => {
                let at = if content.first() == Some(&1) { 20 } else { 12 };
                movie = u32_at(content, at).filter(|scale| *scale > 0);
            }
            b"trak" => tracks.push(Track::read(content)?),
            _ => {}
        }
    }
    let movie = movie.ok_or(Mp4Error::Missing("mvhd"))?;
    if tracks.is_empty() {
        return Err(Mp4Error::Missing("trak"));
    }
    let cut = tracks.into_iter().map(|track| track.cut(part, movie));
    let tracks = cut.collect::<Result<Vec<_>, _>>()?;
    if tracks.iter().all(CutTrack::is_empty) {
        return Err(Mp4Error::StartIsOut);
    }
    let (from, to) = tracks
        .iter()
        .flat_map(CutTrack::bytes)
        .fold((u64::MAX, 0), |(from, to), (start, end)| (from.min(start), to.max(end)));
    if to > file || from > to {
        return Err(Mp4Error::Damaged("stco"));
    }
    let window = (from, to - from);
    // Where the samples are then depends on how long the head is, and that on how long these numbers are.
    let mut head = write(ftyp, moov, &tracks, window, 0);
    for _ in 0..2 {
        let len = head.len() as u64;
        head = write(ftyp, moov, &tracks, window, len);
    }
    Ok(Cut { head, window })
}

fn write(
    ftyp: &[u8],
    moov: &[u8],
    tracks: &[CutTrack<'_>],
    window: (u64, u64),
    len: u64,
) -> Vec<u8> {
    let mut out = ftyp.to_vec();
    let (from, bytes) = window;
    let place = |old: u64| old.saturating_sub(from) + len;
    let duration = tracks.iter().map(|track| track.shown).max().unwrap_or(0);
    boxes::write(&mut out, b"moov", |out| {
        let mut tracks = tracks.iter();
        for (name, content) in Boxes::of(moov, "moov").flatten() {
            match &name {
                b"mvhd" => boxes::write(out, &name, |out| {
                    out.extend_from_slice(&lasting(content, 16, 24, duration));
                }),
                b"trak" => {
                    if let Some(track) = tracks.next()
                        && !track.is_empty()
                    {
                        track.write(&place, out);
                    }
                }
                _ => boxes::write(out, &name, |out| out.extend_from_slice(content)),
            }
        }
    });
    match u32::try_from(bytes.saturating_add(8)) {
        Ok(size) => {
            put(&mut out, size);
            out.extend_from_slice(b"mdat");
        }
        Err(_) => {
            put(&mut out, 1);
            out.extend_from_slice(b"mdat");
            out.extend_from_slice(&bytes.saturating_add(16).to_be_bytes());
        }
    }
    out
}
