//! Segments and their parts.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::part::{DISCONTINUITY, ENDED, Format, Head, INDEPENDENT, LAST, Span};
use crate::segmenter::tracks::Tracks;
use crate::timeline::kept::Kept;

/// Which of a stream's tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// Video; of a transport stream everything.
    Video,
    /// Audio by itself.
    Audio,
}

impl Track {
    /// What names of its resources begin with.
    pub fn stem(self) -> &'static str {
        match self {
            Track::Video => "video",
            Track::Audio => "audio",
        }
    }
}

/// A part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The record that it is.
    pub seq: u64,
    /// Bytes before its media.
    pub head: usize,
    /// Decoding can begin in it.
    pub independent: bool,
    /// Video, or all of a transport stream.
    pub video: Span,
    /// Audio by itself.
    pub audio: Span,
}

/// A segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its number.
    pub msn: u64,
    /// How it is packed.
    pub format: Format,
    /// Discontinuities before it, its own included.
    pub discontinuities: u64,
    /// It begins with one.
    pub discontinuity: bool,
    /// When its first picture was, in milliseconds of Unix time; of sound alone, that.
    pub wall: u64,
    /// Its tracks.
    pub tracks: Rc<Tracks>,
    /// Which these are.
    pub version: u32,
    /// When the first segment that had them began, in milliseconds of the stream.
    pub begun: u64,
    /// All of it is there.
    pub whole: bool,
    /// Its parts, those without media left out.
    pub parts: Vec<Part>,
}

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
    kept: Kept,
}

impl Part {
    /// One track's share.
    pub fn span(&self, track: Track) -> Span {
        match track {
            Track::Video => self.video,
            Track::Audio => self.audio,
        }
    }
}

impl Segment {
    /// One track's share of all parts: bytes, and its length.
    pub fn span(&self, track: Track) -> (u64, u64) {
        let spans = self.parts.iter().map(|part| part.span(track));
        spans.fold((0, 0), |(len, duration), span| {
            (len + u64::from(span.len), duration + u64::from(span.duration))
        })
    }

    /// Pictures in a second, if there are some; `None`: that cannot be said.
    pub fn frame_rate(&self) -> Option<f64> {
        self.tracks.video.as_ref()?;
        // A transport stream's part may be sound alone.
        let spans = self.parts.iter().map(|part| part.video).filter(|span| span.frames > 0);
        let (frames, units) = spans.fold((0.0, 0.0), |(frames, units), span| {
            (frames + f64::from(span.frames), units + f64::from(span.duration))
        });
        (units > 0.0).then(|| frames * f64::from(proto::fmp4::VIDEO_TIMESCALE) / units)
    }

    /// When one track's share begins, in its units.
    pub fn base(&self, track: Track) -> u64 {
        let mut spans = self.parts.iter().map(|part| part.span(track));
        spans.find(|span| span.len > 0).map_or(0, |span| span.base)
    }

    /// When a track's first frame was, in milliseconds of Unix time: sound begins a little later than pictures, or sooner.
    pub fn wall(&self, track: Track) -> u64 {
        let ms = |track| self.base(track) * 1000 / u64::from(self.timescale(track));
        match track == Track::Audio && self.has(Track::Audio) && self.has(Track::Video) {
            true => (self.wall + ms(Track::Audio)).saturating_sub(ms(Track::Video)),
            false => self.wall,
        }
    }

    /// Units of a second of a track.
    pub fn timescale(&self, track: Track) -> u32 {
        match (track, &self.tracks.audio) {
            (Track::Audio, Some(audio)) => audio.timescale().max(1),
            _ => proto::fmp4::VIDEO_TIMESCALE,
        }
    }

    /// How long it is, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        let ms = |track| self.span(track).1 * 1000 / u64::from(self.timescale(track));
        match self.span(Track::Video).0 {
            0 => ms(Track::Audio),
            _ => ms(Track::Video),
        }
    }

    /// Whether there is something of a track in it.
    pub fn has(&self, track: Track) -> bool {
        self.parts.iter().any(|part| part.span(track).len > 0)
    }
}

impl Timeline {
    /// Nothing is known. `playlist`: how long playlists are, in milliseconds.
    pub fn new(playlist: u64) -> Timeline {
        Timeline {
            segments: VecDeque::new(),
            cursor: 0,
            target: 0,
            part_target: 0,
            ended: None,
            newest: None,
            kept: Kept::new(playlist),
        }
    }

    /// A part has come. `tracks`: what stands in its head, if it is the first of its segment.
    pub fn add(&mut self, seq: u64, head: &Head, tracks: Option<Tracks>, len: usize) {
        self.cursor = seq;
        self.target = self.target.max(head.target);
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
            self.kept.begin(seq);
            self.segments.push_back(Segment {
                msn: head.msn,
                format: head.format,
                discontinuities: head.discontinuities,
                discontinuity: head.has(DISCONTINUITY),
                wall: head.wall,
                tracks: Rc::new(tracks),
                version: head.version,
                begun: head.begun,
                whole: false,
                parts: Vec::new(),
            });
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
        let before = segment.duration_ms();
        if head.video.len > 0 || head.audio.len > 0 {
            let (video, audio, independent) = (head.video, head.audio, head.has(INDEPENDENT));
            segment.parts.push(Part { seq, head: len, independent, video, audio });
        }
        let grown = segment.duration_ms().saturating_sub(before);
        for _ in 0..self.kept.grow(grown) {
            self.segments.pop_front();
        }
    }

    /// Records up to this seq may go.
    pub fn unneeded(&self) -> u64 {
        self.kept.unneeded()
    }

    /// Records up to this seq are gone.
    pub fn lost(&mut self, upto: u64) {
        for _ in 0..self.kept.lost(upto) {
            self.segments.pop_front();
        }
    }

    /// A whole segment by the time at which a track of it begins, in that track's units.
    pub fn segment_at(&self, track: Track, base: u64) -> Option<&Segment> {
        let mut segments = self.segments.iter().filter(|segment| segment.whole);
        segments.find(|segment| segment.has(track) && segment.base(track) == base)
    }

    /// A segment by its number.
    pub fn segment(&self, msn: u64) -> Option<&Segment> {
        let first = self.segments.front()?.msn;
        let place = usize::try_from(msn.checked_sub(first)?).ok()?;
        self.segments.get(place).filter(|segment| segment.msn == msn)
    }
}
