//! Segments that have left memory, and are in files: in front of the others, without their parts.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::archive::disk::Piece;
use crate::archive::index::{Header, Row};
use crate::part::{ALONE, DISCONTINUITY, INDEPENDENT, Span, Track};
use crate::segmenter::tracks::Tracks;
use crate::timeline::segments::{Part, Segment};

/// So many numbers in a row may be missing: they are gaps. What is before more of them is not shown.
const MOST_GAPS: u64 = 32;
/// Nor are they shorter than this.
const SHORTEST_GAP_MS: u64 = 100;
/// More segments are not known, however long the window is: they have about 200 bytes each.
const MOST: usize = 200_000;

/// How many there are.
pub struct Past {
    /// As much as there is to be, in milliseconds; `None`: there are no files.
    window: Option<u64>,
    count: usize,
    /// Milliseconds of all of them.
    total: u64,
}

impl Past {
    /// None are known.
    pub fn new(window: Option<u64>) -> Past {
        Past { window, count: 0, total: 0 }
    }

    /// Whether there are files.
    pub fn is_kept(&self) -> bool {
        self.window.is_some()
    }

    /// The oldest so many segments in memory have left it.
    pub fn take(&mut self, segments: &mut VecDeque<Segment>, count: usize) {
        let Some(window) = self.window else {
            segments.drain(..count.min(segments.len()));
            return;
        };
        for _ in 0..count {
            match segments.get_mut(self.count) {
                Some(segment) if segment.whole => {
                    segment.archive();
                    self.total += segment.duration_ms();
                    self.count += 1;
                }
                // Nobody has all of it.
                Some(_) => drop(segments.remove(self.count)),
                None => {}
            }
        }
        while self.count > MOST || self.count > 0 && self.total > window {
            self.drop_oldest(segments);
        }
    }

    fn drop_oldest(&mut self, segments: &mut VecDeque<Segment>) {
        self.count -= 1;
        self.total -= segments.pop_front().map_or(0, |gone| gone.duration_ms());
    }

    /// What is in files is not shown any more.
    pub fn forget(&mut self, segments: &mut VecDeque<Segment>) {
        while self.count > 0 {
            self.drop_oldest(segments);
        }
    }

    /// Whether segments are missing between the newest one and this, which files may have.
    pub fn is_torn(&self, segments: &VecDeque<Segment>, next: u64) -> bool {
        let newest = segments.back().filter(|_| self.window.is_some());
        newest.is_some_and(|newest| newest.msn + 1 != next)
    }

    /// What was before is known: the indexes of the stream. Numbers that nobody has seen a segment of are gaps.
    pub fn load(&mut self, segments: &mut VecDeque<Segment>, pieces: &[Piece]) {
        let mut past: Vec<Segment> = Vec::new();
        let add = |past: &mut Vec<Segment>, next: &Segment| match past
            .last()
            .map_or(Some(Vec::new()), |before| gaps(before, next))
        {
            Some(gaps) if !next.alone => past.extend(gaps),
            _ => past.clear(),
        };
        let first = segments.front().map_or(u64::MAX, |first| first.msn);
        for Piece { header, rows } in pieces {
            let tracks = Rc::new(header.tracks.clone());
            for row in rows.iter().filter(|row| row.msn < first) {
                let segment = Segment::archived(header, row, tracks.clone());
                add(&mut past, &segment);
                past.push(segment);
            }
        }
        if let Some(first) = segments.front() {
            add(&mut past, first);
        }
        for segment in past.into_iter().rev() {
            self.count += 1;
            self.total += segment.duration_ms();
            segments.push_front(segment);
        }
        self.take(segments, 0);
    }
}

impl Segment {
    /// Its parts are one.
    fn archive(&mut self) {
        let independent = self.is_independent();
        let (video, audio) = (self.sum(Track::Video), self.sum(Track::Audio));
        self.parts = vec![Part { seq: 0, head: 0, independent, begins: independent, video, audio }];
        self.archived = true;
        // They are in no index: all workers are to tell the same.
        self.cues = None;
    }

    fn archived(header: &Header, row: &Row, tracks: Rc<Tracks>) -> Segment {
        let independent = row.flags & INDEPENDENT != 0;
        let (video, audio) = (row.video, row.audio);
        Segment {
            msn: row.msn,
            format: header.format,
            discontinuities: row.discontinuities,
            discontinuity: row.flags & DISCONTINUITY != 0,
            wall: row.wall,
            slewed: row.slewed.into(),
            tracks,
            version: header.version,
            begun: header.begun,
            regular: header.regular,
            alone: row.flags & ALONE != 0,
            whole: true,
            archived: true,
            cues: None,
            parts: vec![Part { seq: 0, head: 0, independent, begins: independent, video, audio }],
        }
    }
}

/// What stands for the segments between two of which nothing is known: as long together as that has lasted. `None`: there
/// are too many, or numbers that go back.
fn gaps(before: &Segment, next: &Segment) -> Option<Vec<Segment>> {
    let missing = next.msn.checked_sub(before.msn)?.checked_sub(1)?;
    if missing > MOST_GAPS {
        return None;
    }
    let end = before.wall + before.duration_ms();
    let each = next.wall.saturating_sub(end).checked_div(missing).unwrap_or(0);
    // Not longer than segments are, nor nothing.
    let longest = before.duration_ms().max(1);
    let each = each.clamp(SHORTEST_GAP_MS.min(longest), longest);
    let units = each * u64::from(before.timescale(Track::Audio)) / 1000;
    let audio = Span { duration: u32::try_from(units).unwrap_or(u32::MAX), ..Span::default() };
    let gap = |number: u64| {
        let (video, independent) = (Span::default(), true);
        Segment {
            msn: before.msn + number,
            discontinuity: false,
            wall: end + (number - 1) * each,
            slewed: 0,
            alone: false,
            whole: true,
            archived: true,
            cues: None,
            parts: vec![Part { seq: 0, head: 0, independent, begins: independent, video, audio }],
            ..before.clone()
        }
    };
    Some((1..=missing).map(gap).collect())
}

#[cfg(test)]
mod tests {
    use proto::fmp4::VIDEO_TIMESCALE;

    use super::*;
    use crate::part::Format;

    /// One of two seconds.
    fn segment(msn: u64, wall: u64) -> Segment {
        let video = Span { len: 1, duration: 2 * VIDEO_TIMESCALE, frames: 50, ..Span::default() };
        let (begins, independent, audio) = (true, true, Span::default());
        let parts = vec![Part { seq: 0, head: 0, independent, begins, video, audio }];
        Segment {
            msn,
            format: Format::Ts,
            discontinuities: 0,
            discontinuity: false,
            wall,
            slewed: 0,
            tracks: Rc::default(),
            version: 0,
            begun: 0,
            regular: 0,
            alone: false,
            whole: true,
            archived: true,
            cues: None,
            parts,
        }
    }

    #[test]
    fn gaps_are_as_long_as_what_is_missing() {
        let before = segment(7, 10_000);
        let found = gaps(&before, &segment(10, 16_000)).expect("two");
        let told = found.iter().map(|gap| (gap.msn, gap.wall, gap.duration_ms(), gap.is_gap()));
        assert_eq!(told.collect::<Vec<_>>(), [(8, 12_000, 2000, true), (9, 14_000, 2000, true)]);
        // Where the clock was set they are no longer than segments, nor nothing.
        for (wall, length) in [(900_000, 2000), (12_000, 100), (5000, 100)] {
            let found = gaps(&before, &segment(9, wall)).expect("one");
            assert_eq!(found[0].duration_ms(), length, "{wall}");
        }
        assert!(gaps(&before, &segment(8 + MOST_GAPS + 1, 900_000)).is_none());
        assert!(gaps(&before, &segment(7, 10_000)).is_none(), "it goes back");
    }
}
