//! What holds for every playlist, whatever has come: the segmenter's parts go into a timeline as a worker has it, and after each
//! the playlists are looked at.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::cue::Cues;
use crate::part::{ENDED, Head, Track};
use crate::playlists;
use crate::segmenter::tracks::Tracks;
use crate::segmenter::{Given, Sink};
use crate::timeline::{Segment, Timeline};

/// How long playlists are, in milliseconds.
pub const PLAYLIST: u64 = 30_000;

struct Names;

impl playlists::Names for Names {
    fn segment(&self, segment: &Segment) -> String {
        segment.msn.to_string()
    }

    fn part(&self, segment: &Segment, part: u64) -> String {
        format!("{}.{part}", segment.msn)
    }

    fn init(&self, segment: &Segment) -> Option<String> {
        Some(segment.version.to_string())
    }

    fn key(&self, _: &Segment) -> Option<proto::hls::Key> {
        None
    }
}

/// What was looked at.
#[derive(Default)]
pub struct Seen {
    pub timeline: Option<Timeline>,
    /// The newest parts.
    pub last: Option<Head>,
    pub parts: u64,
    pub discontinuities: u64,
    pub segments: u64,
    /// Bytes of the largest segment.
    pub largest: u64,
    bytes: u64,
    /// The segment that is open, and its newest part.
    open: (u64, u32),
    target: u32,
    part_target: u32,
    /// What each version of the tracks is.
    versions: HashMap<u32, Vec<u8>>,
    /// Parts that are to be lost: those by whose number this divides without a rest.
    pub loses: Option<u64>,
}

/// A zone for a segmenter.
#[derive(Clone, Default)]
pub struct Zone(pub Rc<RefCell<Seen>>);

impl Sink for Zone {
    fn part(
        &mut self,
        head: &Head,
        tracks: Option<&Tracks>,
        cues: Option<&Cues>,
        media: &[&[u8]],
    ) -> Given {
        let mut seen = self.0.borrow_mut();
        seen.parts += 1;
        if seen.loses.is_some_and(|each| seen.parts.is_multiple_of(each)) {
            return Given::Lost;
        }
        let len: usize = media.iter().map(|media| media.len()).sum();
        assert!(head.has(ENDED) || len == (head.video.len + head.audio.len) as usize);
        seen.numbers(head, tracks);
        let seq = seen.parts;
        let timeline = seen.timeline.get_or_insert_with(|| Timeline::new(PLAYLIST, None));
        timeline.add(seq, head, (tracks.cloned(), cues.cloned()), 0);
        seen.last = Some(*head);
        // Not each time, where there are very many.
        if head.has(crate::part::LAST) || seen.parts.is_multiple_of(16) {
            seen.playlists();
        }
        Given::Kept
    }
}

impl Seen {
    fn numbers(&mut self, head: &Head, tracks: Option<&Tracks>) {
        assert!(head.target == self.target || self.target == 0, "the target stays");
        assert!(
            head.part_target == self.part_target || self.part_target == 0,
            "so does that of parts"
        );
        (self.target, self.part_target) = (head.target, head.part_target);
        if head.has(ENDED) {
            return;
        }
        assert_eq!(tracks.is_some(), head.part == 0);
        let (msn, part) = self.open;
        match head.part {
            0 => assert!(msn == 0 || head.msn == msn + 1, "{msn} and {}", head.msn),
            _ => assert_eq!((head.msn, head.part), (msn, part + 1)),
        }
        self.open = (head.msn, head.part);
        self.bytes = if head.part == 0 { 0 } else { self.bytes };
        self.bytes += u64::from(head.video.len) + u64::from(head.audio.len);
        self.largest = self.largest.max(self.bytes);
        let discontinuity = head.has(crate::part::DISCONTINUITY);
        assert!(!discontinuity || head.part == 0, "a segment begins with it");
        if let Some(last) = self.last.filter(|last| !last.has(ENDED)) {
            let more = u64::from(discontinuity);
            assert_eq!(head.discontinuities, last.discontinuities + more);
            assert_eq!(head.version == last.version, !discontinuity);
        }
        self.discontinuities += u64::from(discontinuity);
        self.segments += u64::from(head.part == 0);
        if let Some(tracks) = tracks {
            let mut bytes = Vec::new();
            tracks.write(&mut bytes);
            let known = self.versions.entry(head.version).or_insert_with(|| bytes.clone());
            assert_eq!(*known, bytes, "a version has one kind of tracks");
        }
    }

    /// The rules of playlists.
    pub fn playlists(&self) {
        let Some(timeline) = &self.timeline else { return };
        assert!(timeline.segments.len() <= 200, "{} segments are kept", timeline.segments.len());
        let tracks = [Track::Video, Track::Audio].into_iter();
        for track in tracks.filter(|track| timeline.segments.iter().any(|one| one.has(*track))) {
            let Some(media) = playlists::media(timeline, track, &Names, PLAYLIST, false) else {
                continue;
            };
            if let Some(newest) = timeline.segments.back().filter(|newest| newest.whole) {
                // Nothing waits behind a gap, and everybody is told the same.
                let end = newest.msn + u64::from(newest.has(track));
                assert_eq!(media.sequence + media.segments.len() as u64, end);
                let report = playlists::report(timeline, track, String::new());
                assert_eq!(report.map(|it| it.msn + 1), Some(end));
            }
            let text = proto::hls::playlist(&media, false);
            assert!(text.len() < 200_000, "{} bytes", text.len());
            let told = |text: &str, tag: &str| -> Vec<f64> {
                let lines = text.lines().filter_map(|line| line.strip_prefix(tag));
                lines
                    .map(|rest| rest.split(',').next().unwrap_or("").parse().expect("a number"))
                    .collect()
            };
            let target = told(&text, "#EXT-X-TARGETDURATION:")[0];
            for length in told(&text, "#EXTINF:") {
                assert!(
                    length.round() <= target && length > 0.0,
                    "{length}\n{text}{:?}",
                    timeline.segments
                );
            }
            let most = told(&text, "#EXT-X-PART-INF:PART-TARGET=");
            for length in told(&text, "#EXT-X-PART:DURATION=") {
                assert!(length <= most[0] && length >= 0.0, "{length}\n{text}");
            }
        }
        self.dates(timeline);
    }

    /// Where nothing breaks off, a date is the one before and the length of what is between, but for what a clock that drifts is
    /// corrected by.
    fn dates(&self, timeline: &Timeline) {
        for (one, next) in timeline.segments.iter().zip(timeline.segments.iter().skip(1)) {
            if next.discontinuity || !one.whole {
                continue;
            }
            let passed = next.wall as i64 - one.wall as i64;
            let length = one.duration_ms() as i64;
            // Sound may have holes, and its frames are not a whole number of milliseconds.
            let pictures = [one, next].map(|it| it.parts.iter().any(|part| part.video.frames > 0));
            let slack = 60 + length / 50 + if pictures[0] { 0 } else { 1500 };
            let both = pictures == [one.tracks.video.is_some(); 2];
            assert!(
                !both || (passed - length).abs() <= slack,
                "{passed} and {length} at {} {:?} {:?}",
                one.msn,
                one.parts,
                next.parts
            );
        }
    }
}
