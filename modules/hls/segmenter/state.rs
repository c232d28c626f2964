//! The segmenter of a stream: what it is told, what it knows, where it gives to.

use std::collections::VecDeque;

use proto::media::AudioClock;

use crate::cue::Cues;
use crate::part::{Format, Head};
use crate::segmenter::clock::Clock;
use crate::segmenter::cutter::Cutter;
use crate::segmenter::packer::Packer;
use crate::segmenter::tracks::Tracks;
use crate::segmenter::wall::Wall;

/// What a configuration asks for. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A segment is to be so long.
    pub fragment: u64,
    /// No segment is longer.
    pub max_fragment: u64,
    /// How long a part may be that players see; `None`: they see whole segments alone.
    pub part: Option<u64>,
    /// `None`: MPEG-TS where that has a place for the codecs.
    pub format: Option<Format>,
}

/// Where parts go.
pub trait Sink {
    /// A part. `tracks`: it is the first of its segment. `cues`: what there is to be known of them.
    fn part(
        &mut self,
        head: &Head,
        tracks: Option<&Tracks>,
        cues: Option<&Cues>,
        media: &[&[u8]],
    ) -> Given;
}

/// What has become of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It is kept.
    Kept,
    /// There was no room for it.
    Lost,
    /// Another process does this now.
    Over,
}

/// A message of a stream, for the segmenter.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// Its number in the log of the stream.
    pub seq: u64,
    /// The stream's clock, which wraps.
    pub time: u32,
    /// When it came, in milliseconds of Unix time.
    pub wall: u64,
    /// As FLV has it.
    pub payload: &'a [u8],
}

/// The segmenter of one stream.
pub struct Segmenter<S> {
    pub(super) options: Options,
    pub(super) sink: S,
    /// The sink is another's.
    pub(super) over: bool,
    /// A segment had to end without a key frame.
    pub forced: bool,
    /// Frames are left out: segments would come faster than they are counted.
    pub refuses: bool,
    /// As the publisher has told last.
    pub(super) tracks: Tracks,
    /// One of them is another than what is packed.
    pub(super) new_video: bool,
    pub(super) new_audio: bool,
    pub(super) packer: Option<Open>,
    pub(super) cutter: Cutter,
    pub(super) clock: Clock,
    pub(super) wall: Wall,
    pub(super) audio_clock: Option<AudioClock>,
    /// The newest frame of video: how long it is shown the next one tells.
    pub(super) pending: Option<Pending>,
    /// Segments went on without pictures.
    pub(super) pictures_gone: bool,
    /// Sound that waits for pictures.
    pub(super) held: VecDeque<Held>,
    /// Bytes of that.
    pub(super) held_bytes: usize,
    /// The longest that a part may be that players see; `None`: that is not decided yet.
    pub(super) part_target: Option<u64>,
    /// How long a frame of video was shown last, in milliseconds.
    pub(super) frame_ms: u64,
    pub(super) segment: Segment,
    /// Counters of a transport stream behind what was given out.
    pub(super) continuity: [u8; 5],
    /// Up to which message video, and audio, is in parts that were given out.
    pub(super) given: [u64; 2],
    /// Up to here messages were looked at.
    pub(super) seen: u64,
    /// What the publisher says of breaks and moments.
    pub(super) cues: Cues,
    /// Up to which message cues are in parts that were given out.
    pub(super) cues_given: u64,
}

/// What is being packed.
pub(super) struct Open {
    pub packer: Packer,
    /// What it packs.
    pub tracks: Tracks,
}

pub(super) struct Pending {
    pub seq: u64,
    pub dts: u64,
    pub composition: i32,
    pub key: bool,
    pub data: Vec<u8>,
}

/// A frame of sound that waits: a picture is packed when the next one comes, and sound that goes first would end parts before
/// they have their pictures.
pub(super) struct Held {
    /// Its number in the log of the stream.
    pub seq: u64,
    /// When it begins, in milliseconds of the stream.
    pub at: u64,
    /// The same in units of the track.
    pub base: u64,
    /// How long it is, in these.
    pub samples: u32,
    /// What the codec has made of it.
    pub data: Vec<u8>,
}

/// The segment that is open, or that comes next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    pub msn: u64,
    /// Parts that it has.
    pub parts: u32,
    /// Bytes of these.
    pub bytes: u64,
    /// When it began, in milliseconds of the stream.
    pub start: u64,
    /// When what leads in it ends.
    pub end: u64,
    pub discontinuities: u64,
    /// What the next part says.
    pub flags: u16,
    pub version: u32,
    /// When the first segment with these tracks began, in milliseconds of the stream.
    pub begun: u64,
    /// How long that was, in milliseconds; 0: it is not whole.
    pub regular: u32,
    /// When it began, in Unix time; 0: in another process.
    pub begun_wall: u64,
}

impl<S: Sink> Segmenter<S> {
    /// Of a stream that begins: with the segment `msn`, after so many discontinuities.
    pub fn new(options: Options, sink: S, msn: u64, discontinuities: u64) -> Segmenter<S> {
        Segmenter {
            options,
            sink,
            over: false,
            forced: false,
            refuses: false,
            tracks: Tracks::default(),
            new_video: false,
            new_audio: false,
            packer: None,
            cutter: Cutter::new(options.fragment, options.max_fragment, 0),
            clock: Clock::default(),
            wall: Wall::default(),
            audio_clock: None,
            pending: None,
            pictures_gone: false,
            held: VecDeque::new(),
            held_bytes: 0,
            part_target: None,
            frame_ms: 0,
            segment: Segment { msn, discontinuities, ..Segment::default() },
            continuity: [0; 5],
            given: [0; 2],
            seen: 0,
            cues: Cues::default(),
            cues_given: 0,
        }
    }

    /// Up to which message everything is in parts that were given out: what comes behind is needed by whoever goes on.
    pub fn given(&self) -> u64 {
        self.given[0].min(self.given[1])
    }

    /// Whether something was taken that is in no part that was given out.
    pub fn is_open(&self) -> bool {
        let open = self.packer.as_ref().is_some_and(|open| !open.packer.is_empty());
        let cues = self.cues.upto > self.cues_given;
        open || cues || self.pending.is_some() || !self.held.is_empty()
    }

    /// Up to which message it has looked.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The number of the segment that is open, or that comes next.
    pub fn number(&self) -> u64 {
        self.segment.msn
    }

    /// Whether another process does this now.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Where parts go.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// The same, to be changed.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Nothing was given out yet: segments are counted from here on. `told`: the discontinuities before those and the target
    /// duration in seconds, if they come behind what players have.
    pub fn count_behind(&mut self, msn: u64, told: Option<(u64, u32)>) {
        self.segment.msn = msn;
        if let Some((discontinuities, target)) = told {
            let Options { fragment, max_fragment, .. } = self.options;
            self.cutter = Cutter::new(fragment, max_fragment, target);
            self.segment.discontinuities = discontinuities;
            // There was another one.
            self.segment.version = 1;
        }
    }

    /// A record that is no media was looked at.
    pub fn pass(&mut self, seq: u64) {
        self.seen = self.seen.max(seq);
    }
}
