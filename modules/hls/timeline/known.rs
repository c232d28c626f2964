//! What there is of a stream.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::archive::disk::Piece;
use crate::cue::Cues;
use crate::part::{ALONE, CONTINUES, ENDED, Head, INDEPENDENT, LAST, Track};
use crate::segmenter::tracks::Tracks;
use crate::timeline::kept::Kept;
use crate::timeline::past::Past;
use crate::timeline::segments::{Part, Segment};

/// What there is of a stream, as far as it is known here.
pub struct Timeline {
    /// The oldest first.
    pub segments: VecDeque<Segment>,
    /// Records up to here are known.
    pub cursor: u64,
    /// The longest that a segment may be, in seconds; 0: none is whole.
    pub target: u32,
    /// The longest that a part may be, in milliseconds; 0: parts are not shown.
    pub part_target: u32,
    /// When the stream has ended, in milliseconds of Unix time.
    pub ended: Option<u64>,
    /// The newest part's head, and that of the first part of its segment.
    pub newest: Option<(Head, Head)>,
    /// What the newest part tells of cues.
    pub cues: Option<Rc<Cues>>,
    /// What is in files is to be read again: something that came between was not seen.
    pub torn: bool,
    kept: Kept,
    past: Past,
}

impl Timeline {
    /// Nothing is known. Of playlists that are so long, in milliseconds, segments are in memory; `window`: what has left that
    /// is in files, as much of it.
    pub fn new(playlist: u64, window: Option<u64>) -> Timeline {
        // What is still in memory need not be read from a file.
        let playlist = if window.is_some() { playlist.saturating_mul(2) } else { playlist };
        Timeline {
            segments: VecDeque::new(),
            cursor: 0,
            target: 0,
            part_target: 0,
            ended: None,
            newest: None,
            cues: None,
            torn: false,
            kept: Kept::new(playlist),
            past: Past::new(window),
        }
    }

    /// A part has come. `behind`: what stands in its head: tracks, if it is the first of its segment, and cues.
    pub fn add(
        &mut self,
        seq: u64,
        head: &Head,
        behind: (Option<Tracks>, Option<Cues>),
        len: usize,
    ) {
        let (tracks, cues) = behind;
        self.cues = cues.map(Rc::new);
        self.cursor = seq;
        self.target = self.target.max(head.target);
        self.kept.set_target(self.target);
        if head.has(ENDED) {
            self.ended = Some(head.wall);
            let first = self.newest.map_or(*head, |(first, _)| first);
            self.newest = Some((first, *head));
            return;
        }
        self.ended = None;
        self.part_target = head.part_target;
        if let Some(tracks) = tracks {
            // Whatever it lacked does not come any more.
            if let Some(before) = self.segments.back_mut() {
                before.whole = true;
            }
            if head.has(ALONE) {
                self.lost(seq - 1);
                self.past.forget(&mut self.segments);
            }
            if self.past.is_torn(&self.segments, head.msn) {
                self.lost(seq - 1);
                self.past.forget(&mut self.segments);
                self.torn = true;
            }
            self.kept.begin(seq);
            let segment = Segment::begun(head, tracks, self.cues.clone());
            self.segments.push_back(segment);
        }
        let first = match head.part {
            0 => *head,
            _ => self.newest.map_or(*head, |(first, _)| first),
        };
        self.newest = Some((first, *head));
        let Some(segment) = self.segments.back_mut().filter(|segment| segment.msn == head.msn)
        else {
            // Its beginning is gone.
            return;
        };
        segment.whole |= head.has(LAST);
        segment.regular = head.regular;
        let before = segment.duration_ms();
        if head.video.len > 0 || head.audio.len > 0 {
            let (video, audio, independent) = (head.video, head.audio, head.has(INDEPENDENT));
            let begins = independent && !head.has(CONTINUES);
            segment.parts.push(Part { seq, head: len, independent, begins, video, audio });
        }
        let grown = segment.duration_ms().saturating_sub(before);
        let gone = self.kept.grow(grown);
        self.past.take(&mut self.segments, gone);
    }

    /// Where the sound of the newest tracks has ended, in its units: its newest part may be none of the newest segment's.
    pub fn sound_end(&self) -> Option<u64> {
        let version = self.segments.back()?.version;
        let same = self.segments.iter().rev().take_while(|segment| segment.version == version);
        let mut sound = same.flat_map(|segment| segment.parts.iter().rev()).map(|part| part.audio);
        sound.find(|span| span.len > 0).map(|span| span.base + u64::from(span.duration))
    }

    /// Segments from this number on stay in memory, as long as there is room.
    pub fn hold(&mut self, msn: u64) {
        let first = self.segments.iter().find(|segment| segment.msn >= msn);
        let first = first.and_then(|segment| segment.parts.first());
        self.kept.hold(first.map_or(u64::MAX, |part| part.seq));
    }

    /// Nothing stays in memory for longer than it must.
    pub fn hold_nothing(&mut self) {
        self.kept.hold(u64::MAX);
    }

    /// Records up to this seq may go.
    pub fn unneeded(&self) -> u64 {
        self.kept.unneeded()
    }

    /// Records up to this seq are gone.
    pub fn lost(&mut self, upto: u64) {
        let gone = self.kept.lost(upto);
        self.past.take(&mut self.segments, gone);
    }

    /// The zone has let records up to this seq go: then it lists no segment that begins there, whoever knew it. What is in files
    /// besides is listed all the same.
    pub fn evicted(&mut self, upto: u64) {
        if !self.past.is_kept() {
            self.lost(upto);
        }
    }

    /// What is listed has the same beginning and end as long as this is the same.
    pub fn extent(&self) -> (u64, u64) {
        (self.segments.front().map_or(0, |first| first.msn), self.cursor)
    }

    /// What has left memory is known: the indexes of the stream.
    pub fn load(&mut self, pieces: &[Piece]) {
        let targets = pieces.iter().flat_map(|piece| &piece.rows).map(|row| row.target);
        self.target = targets.fold(self.target, u32::max);
        self.torn = false;
        self.past.load(&mut self.segments, pieces);
    }

    /// A whole segment by the version of its tracks and the time at which one of them begins, in that track's units.
    pub fn segment_at(&self, track: Track, version: u32, base: u64) -> Option<&Segment> {
        let mut segments = self.segments.iter().filter(|it| it.whole && it.version == version);
        segments.find(|segment| segment.has(track) && segment.base(track) == base)
    }

    /// A segment by its number.
    pub fn segment(&self, msn: u64) -> Option<&Segment> {
        let first = self.segments.front()?.msn;
        let place = usize::try_from(msn.checked_sub(first)?).ok()?;
        self.segments.get(place).filter(|segment| segment.msn == msn)
    }
}
