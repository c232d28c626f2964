//! A span of time: which pieces of which files it is.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::play::catalogue::{Recording, is_gone};
use crate::play::flv::Units;
use crate::play::index::{self, Index};
use crate::play::snapshot::Kind;

/// A span of the wall clock, in milliseconds of Unix time.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// `None`: from the first recording on.
    pub start: Option<u64>,
    /// `None`: to the end of the last one.
    pub end: Option<u64>,
    /// Milliseconds that are given, at most.
    pub longest: u64,
    /// It begins where segments do, not at the nearest key frame.
    pub segments: bool,
    /// The moment at which it is asked for.
    pub now: u64,
}

/// A file that has ended so lately may be followed by the next one, whose first frames are not written yet.
const FOLLOWED_MS: u64 = 5000;

impl Span {
    /// Whether something may follow a file that has ended.
    fn may_follow(&self, recording: &Recording) -> bool {
        let ended = recording.entry.since.saturating_mul(1000);
        self.end.is_none_or(|end| end > self.now) && ended.saturating_add(FOLLOWED_MS) > self.now
    }
}

/// A piece of a file.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Of which.
    pub recording: Recording,
    /// What stands before the file's fragments.
    pub head: Vec<u8>,
    /// Where that begins.
    pub head_at: u64,
    /// Ticks a second of the times here.
    pub scale: u64,
    /// The same of its sound.
    pub audio_scale: u64,
    /// Time and place of the fragments to begin with, the first of which is its beginning.
    pub keys: Vec<(u64, u64)>,
    /// The earliest time in it.
    pub begin: u64,
    /// Time and place of its end.
    pub end: (u64, u64),
    /// More may come behind it.
    pub grows: bool,
    /// What an FLV file is as fragments: places are those of that.
    pub units: Option<Arc<Units>>,
}

impl Clip {
    /// When something in it came, in milliseconds of Unix time.
    pub fn wall(&self, time: u64) -> u64 {
        self.recording.wall(ms(time, self.scale))
    }

    /// Its length in milliseconds.
    pub fn length(&self) -> u64 {
        ms(self.end.0.saturating_sub(self.begin), self.scale)
    }
}

fn ms(ticks: u64, scale: u64) -> u64 {
    u64::try_from(u128::from(ticks) * 1000 / u128::from(scale.max(1))).unwrap_or(u64::MAX)
}

fn ticks(ms: u64, scale: u64) -> u64 {
    u64::try_from(u128::from(ms) * u128::from(scale) / 1000).unwrap_or(u64::MAX)
}

/// A segment of a playlist is of one such part of a file's time, or of several: where they begin depends on the file alone.
const SEGMENT_MS: u64 = 4000;
/// Key frames are at whole seconds, or a little beside.
const OFF_MS: u64 = 500;

/// Which part of a file's time a key frame is in.
pub fn cell(time: u64, scale: u64) -> u64 {
    (ms(time, scale) + OFF_MS) / SEGMENT_MS
}

/// What there is of a span in recordings that are in the order of their beginnings. `true`: it is reached, and nothing more is to come.
pub fn clips(recordings: &[Recording], span: Span) -> io::Result<(Vec<Clip>, bool)> {
    let (mut clips, mut left, mut grows) = (Vec::new(), span.longest, false);
    for recording in recordings {
        let begin = recording.entry.begin();
        if left == 0 || span.end.is_some_and(|end| begin >= end) {
            return Ok((clips, true));
        }
        grows |= !recording.entry.open && span.may_follow(recording);
        let last = recording.entry.duration.map(|duration| recording.wall(duration));
        let is_before = |last: u64| span.start.is_some_and(|start| start >= last);
        if !recording.entry.open && last.is_some_and(is_before) {
            continue;
        }
        match clip(recording, span, left) {
            Ok(Some((clip, reached))) => {
                grows |= clip.grows;
                left = left.saturating_sub(clip.length());
                clips.push(clip);
                if reached {
                    return Ok((clips, true));
                }
            }
            Ok(None) => grows |= recording.entry.open,
            // Of what is no recording any more nothing is there.
            Err(error) if is_gone(&error) || error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok((clips, !grows))
}

fn clip(recording: &Recording, span: Span, left: u64) -> io::Result<Option<(Clip, bool)>> {
    let (file, stat) = recording.open()?;
    if Kind::of(&file)?.is_none() {
        return Ok(None);
    }
    index::with(recording, &file, stat.size, |index| of(recording, index, &file, span, left))
}

fn of(
    recording: &Recording,
    index: &Index,
    file: &File,
    span: Span,
    left: u64,
) -> io::Result<Option<(Clip, bool)>> {
    let (scale, until) = (index.scale(), index.until());
    let start = span.start.map_or(0, |start| ticks(recording.place(start), scale));
    if index.keys.is_empty() || start >= until {
        return Ok(None);
    }
    let mut first = index.keys.partition_point(|(time, _)| *time <= start).saturating_sub(1);
    while span.segments
        && first > 0
        && cell(index.keys[first - 1].0, scale) == cell(index.keys[first].0, scale)
    {
        first -= 1;
    }
    let most = index.keys[first].0.saturating_add(ticks(left, scale));
    let end = span.end.map_or(u64::MAX, |end| ticks(recording.place(end), scale));
    let end = end.min(most);
    let reached = end <= until && (end < until || !recording.entry.open);
    let end = match end < until {
        true => (end, index.place(file, end)?),
        false => (until, index.end),
    };
    let behind = index.keys.partition_point(|(_, place)| *place < end.1);
    let Some(keys) = index.keys.get(first..behind).filter(|keys| !keys.is_empty()) else {
        return Ok(None);
    };
    let clip = Clip {
        recording: recording.clone(),
        head: index.head.clone(),
        head_at: index.head_at,
        scale,
        audio_scale: index.scales.audio.unwrap_or(1000).into(),
        begin: if first == 0 { 0 } else { index.begin(file, keys[0])? },
        keys: keys.to_vec(),
        end,
        grows: recording.entry.open && !reached,
        units: index.units.clone(),
    };
    Ok(Some((clip, reached)))
}
