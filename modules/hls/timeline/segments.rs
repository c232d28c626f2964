//! Segments and their parts.

use std::rc::Rc;

use crate::cue::Cues;
use crate::part::{ALONE, DISCONTINUITY, Format, Head, Span, Track};
use crate::segmenter::tracks::Tracks;

/// A part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The record that it is.
    pub seq: u64,
    /// Bytes before its media.
    pub head: usize,
    /// Decoding can begin in it.
    pub independent: bool,
    /// It can begin with its first picture.
    pub begins: bool,
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
    /// By how much that was corrected since these tracks began, in milliseconds.
    pub slewed: i32,
    /// Its tracks.
    pub tracks: Rc<Tracks>,
    /// Which these are.
    pub version: u32,
    /// When the first segment that had them began, in milliseconds of the stream.
    pub begun: u64,
    /// How long the first one with these tracks was, in milliseconds; 0: that is not known.
    pub regular: u32,
    /// What comes before it is not shown any more.
    pub alone: bool,
    /// All of it is there.
    pub whole: bool,
    /// It is not in memory any more: its parts are one.
    pub archived: bool,
    /// What begins or ends with it, and the break that it is in; `None`: there is nothing, or it has left memory.
    pub cues: Option<Rc<Cues>>,
    /// Its parts, those without media left out.
    pub parts: Vec<Part>,
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
    /// How many of its parts have something of a track.
    pub fn count_parts(&self, track: Track) -> usize {
        self.parts.iter().filter(|part| part.span(track).len > 0).count()
    }

    /// Whether decoding can begin with it.
    pub fn is_independent(&self) -> bool {
        self.parts.first().is_none_or(|part| part.begins)
    }

    /// One that begins with a part that has this head, tracks and cues.
    pub fn begun(head: &Head, tracks: Tracks, cues: Option<Rc<Cues>>) -> Segment {
        Segment {
            msn: head.msn,
            format: head.format,
            discontinuities: head.discontinuities,
            discontinuity: head.has(DISCONTINUITY),
            wall: head.wall,
            slewed: head.slewed,
            tracks: Rc::new(tracks),
            version: head.version,
            begun: head.begun,
            regular: head.regular,
            alone: head.has(ALONE),
            whole: false,
            archived: false,
            cues,
            parts: Vec::new(),
        }
    }

    /// One track's share of all parts: bytes, and its length.
    pub fn span(&self, track: Track) -> (u64, u64) {
        let spans = || self.parts.iter().map(|part| part.span(track)).filter(|span| span.len > 0);
        let len = spans().map(|span| u64::from(span.len)).sum();
        // Sound alone, which a part of a transport stream may be, takes no time of its own where there are pictures.
        if track == Track::Video && spans().any(|span| span.frames > 0) {
            let pictures = spans().filter(|span| span.frames > 0);
            return (len, pictures.map(|span| u64::from(span.duration)).sum());
        }
        // Between parts of sound there may be holes.
        let begin = spans().map(|span| span.base).min().unwrap_or(0);
        let end = spans().map(|span| span.base + u64::from(span.duration)).max().unwrap_or(0);
        (len, end - begin)
    }

    /// The same as if it were one part.
    pub fn sum(&self, track: Track) -> Span {
        let (len, duration) = self.span(track);
        let frames = self.parts.iter().map(|part| part.span(track).frames).sum();
        let clamp = |long: u64| u32::try_from(long).unwrap_or(u32::MAX);
        Span { len: clamp(len), duration: clamp(duration), frames, base: self.base(track) }
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
        let ms = |units: u64, track| units * 1000 / u64::from(self.timescale(track));
        if self.is_gap() {
            // It has no bytes, but a length.
            let units = self.parts.iter().map(|part| u64::from(part.audio.duration)).sum();
            return ms(units, Track::Audio);
        }
        match self.span(Track::Video) {
            (0, _) => ms(self.span(Track::Audio).1, Track::Audio),
            (_, duration) => ms(duration, Track::Video),
        }
    }

    /// How long the shorter one of its tracks is: a playlist of that says so.
    pub fn least_ms(&self) -> u64 {
        let tracks = [Track::Video, Track::Audio].into_iter().filter(|track| self.has(*track));
        let ms = |track| self.span(track).1 * 1000 / u64::from(self.timescale(track));
        tracks.map(ms).min().unwrap_or_else(|| self.duration_ms())
    }

    /// The number of the first segment with these tracks.
    pub fn first_of_version(&self) -> u64 {
        self.msn.saturating_sub(u64::from((self.msn as u32).wrapping_sub(self.version)))
    }

    /// Whether nothing is known of it but that it is missing.
    pub fn is_gap(&self) -> bool {
        self.archived && !self.has(Track::Video) && !self.has(Track::Audio)
    }

    /// Whether there is something of a track in it.
    pub fn has(&self, track: Track) -> bool {
        self.parts.iter().any(|part| part.span(track).len > 0)
    }
}
