//! The segmenter: what is done with each message.

use std::collections::VecDeque;

use proto::flv::Video;
use proto::media::AudioClock;

use crate::part::{DISCONTINUITY, ENDED, Format, Head, INDEPENDENT, LAST, Span};
use crate::segmenter::cutter::{Cut, Cutter};
use crate::segmenter::held::Held;
use crate::segmenter::packer::{BEGIN_MS, Frame, Packer, VIDEO_MS};
use crate::segmenter::tracks::Tracks;

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
    /// A part. `tracks`: it is the first of its segment. `false`: another process does this now.
    fn part(&mut self, head: &Head, tracks: Option<&Tracks>, media: &[&[u8]]) -> bool;
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

/// Parts that nobody sees by themselves go out when they are so long, or have so many bytes: that is what is done twice
/// after a death.
const FLUSH_MS: u64 = 1000;
const FLUSH_BYTES: usize = 256 << 10;
/// What times in whole milliseconds may add to a part.
const ROUNDING_MS: u64 = 5;
/// No part but the last may be shorter than this, of the longest.
const LEAST_PERCENT: u64 = 85;

/// The segmenter of one stream.
pub struct Segmenter<S> {
    options: Options,
    sink: S,
    /// The sink is another's.
    over: bool,
    /// A segment had to end without a key frame.
    pub forced: bool,
    /// As the publisher has told last.
    pub(super) tracks: Tracks,
    /// One of them is another than what is packed.
    pub(super) new_video: bool,
    pub(super) new_audio: bool,
    pub(super) packer: Option<Open>,
    pub(super) cutter: Cutter,
    /// The stream's clock, unwrapped, at the newest message; `None`: none has come.
    clock: Option<u64>,
    pub(super) audio_clock: Option<AudioClock>,
    /// The newest frame of video: how long it is shown the next one tells.
    pub(super) pending: Option<Pending>,
    /// Sound that waits for pictures.
    pub(super) held: VecDeque<Held>,
    /// The longest that a part may be that players see; `None`: that is not decided yet.
    part_target: Option<u64>,
    /// How long a frame of video was shown last, in milliseconds.
    frame_ms: u64,
    pub(super) segment: Segment,
    /// Unix time at the stream's clock 0; `None`: what comes next decides.
    anchor: Option<u64>,
    /// Counters of a transport stream behind what was given out.
    continuity: [u8; 5],
    /// Up to which message video, and audio, is in parts that were given out.
    pub(super) given: [u64; 2],
    /// Up to here messages were looked at.
    pub(super) seen: u64,
}

/// What is being packed.
pub(super) struct Open {
    pub packer: Packer,
    /// What it packs.
    tracks: Tracks,
}

pub(super) struct Pending {
    seq: u64,
    pub dts: u64,
    composition: i32,
    key: bool,
    data: Vec<u8>,
}

/// The segment that is open, or that comes next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    msn: u64,
    /// Parts that it has.
    parts: u32,
    /// When it began, in milliseconds of the stream.
    pub start: u64,
    discontinuities: u64,
    /// What the next part says.
    flags: u16,
    version: u32,
    /// When the first segment with these tracks began, in milliseconds of the stream.
    begun: u64,
}

impl<S: Sink> Segmenter<S> {
    /// Of a stream that begins: with the segment `msn`, after so many discontinuities.
    pub fn new(options: Options, sink: S, msn: u64, discontinuities: u64) -> Segmenter<S> {
        Segmenter {
            options,
            sink,
            over: false,
            forced: false,
            tracks: Tracks::default(),
            new_video: false,
            new_audio: false,
            packer: None,
            cutter: Cutter::new(options.fragment, options.max_fragment, 0),
            clock: None,
            audio_clock: None,
            pending: None,
            held: VecDeque::new(),
            part_target: None,
            frame_ms: 0,
            segment: Segment { msn, discontinuities, ..Segment::default() },
            anchor: None,
            continuity: [0; 5],
            given: [0; 2],
            seen: 0,
        }
    }

    /// Goes on behind the part `last`, of a segment whose first part is `first` and has these tracks.
    pub fn resume(
        options: Options,
        sink: S,
        first: &Head,
        last: &Head,
        tracks: Tracks,
    ) -> Segmenter<S> {
        let mut segmenter = Segmenter::new(options, sink, last.msn, last.discontinuities);
        segmenter.cutter = Cutter::new(options.fragment, options.max_fragment, last.target);
        (segmenter.segment.version, segmenter.segment.begun) = (last.version, last.begun);
        segmenter.part_target = Some(u64::from(last.part_target)).filter(|target| *target > 0);
        segmenter.given = [last.video_upto, last.audio_upto];
        segmenter.continuity = last.continuity;
        segmenter.seen = last.video_upto.min(last.audio_upto);
        if last.has(ENDED) {
            return segmenter;
        }
        let start = begin_ms(first, &tracks);
        segmenter.clock = Some(end_ms(last, &tracks));
        segmenter.anchor = Some(first.wall.saturating_sub(start));
        if let (Some(audio), true) = (&tracks.audio, last.audio.duration > 0) {
            let next = last.audio.base + u64::from(last.audio.duration);
            let begin = BEGIN_MS * u64::from(audio.timescale()) / 1000;
            let clock = AudioClock::resume(audio.timescale(), next.saturating_sub(begin));
            segmenter.audio_clock = Some(clock);
        }
        segmenter.segment.parts = last.part + 1;
        segmenter.segment.start = start;
        segmenter.tracks = tracks.clone();
        let packer = Packer::new(&tracks, Some(last.format), last.continuity);
        segmenter.packer = Some(Open { packer, tracks });
        if last.has(LAST) {
            segmenter.next_segment(end_ms(last, &segmenter.tracks));
        }
        segmenter
    }

    /// Up to which message everything is in parts that were given out: what comes behind is needed by whoever goes on.
    pub fn given(&self) -> u64 {
        self.given[0].min(self.given[1])
    }

    /// Whether something was taken that is in no part that was given out.
    pub fn is_open(&self) -> bool {
        let open = self.packer.as_ref().is_some_and(|open| !open.packer.is_empty());
        open || self.pending.is_some() || !self.held.is_empty()
    }

    /// Up to which message it has looked.
    pub fn seen(&self) -> u64 {
        self.seen
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

    /// A message of video.
    pub fn video(&mut self, message: &Media<'_>) {
        if let Some(video) =
            Video::of(message.payload).filter(|video| video.track == 0 && !video.tracks)
        {
            if video.header {
                self.new_video |= self.tracks.set_video(&video, message.payload);
            } else if message.seq > self.given[0] {
                self.video_frame(&video, message);
            }
        }
        self.seen = self.seen.max(message.seq);
    }

    fn video_frame(&mut self, video: &Video, message: &Media<'_>) {
        let data = &message.payload[video.body..];
        let known = self.tracks.video.as_ref().is_some_and(|track| track.codec == video.codec);
        if video.metadata || video.end || data.is_empty() || !known {
            return;
        }
        let dts = self.stream_time(message.time);
        let key = video.key;
        self.end_pending(Some(dts));
        let begins = self.packer.is_none() || self.new_video || key && self.new_audio;
        if begins && !key {
            // Nothing can be made of it without what came before.
            return;
        }
        if begins {
            self.begin(dts, message.wall);
        } else {
            let cut = self.cutter.before(self.segment.start, dts, dts + self.frame_ms, key);
            self.cut(cut, dts);
        }
        let (seq, composition) = (message.seq, video.composition);
        self.pending = Some(Pending { seq, dts, composition, key, data: data.to_vec() });
    }

    /// The stream pauses, or goes on with another clock: what there is is given out, and its segment ends.
    pub fn pause(&mut self) {
        self.end_pending(None);
        self.pack_sound(u64::MAX);
        self.end_segment(self.clock.unwrap_or(0));
        self.packer = None;
        self.clock = None;
        self.anchor = None;
        self.audio_clock = None;
        self.cutter.restart();
    }

    /// The stream has ended.
    pub fn end(&mut self, wall: u64) {
        self.pause();
        let Segment { msn, discontinuities, version, begun, .. } = self.segment;
        let head = Head {
            format: Format::Ts,
            flags: ENDED,
            part: 0,
            msn,
            discontinuities,
            wall,
            video_upto: self.seen,
            audio_upto: self.seen,
            target: self.cutter.target(),
            part_target: 0,
            version,
            begun,
            continuity: self.continuity,
            video: Span::default(),
            audio: Span::default(),
        };
        self.over |= !self.sink.part(&head, None, &[]);
    }

    /// A record that is no media was looked at.
    pub fn pass(&mut self, seq: u64) {
        self.seen = self.seen.max(seq);
    }

    /// From the clock of the messages, which wraps, to one that does not.
    pub(super) fn stream_time(&mut self, time: u32) -> u64 {
        let Some(clock) = self.clock else {
            self.clock = Some(time.into());
            return time.into();
        };
        let step = i64::from(time.wrapping_sub(clock as u32) as i32);
        let now = clock.saturating_add_signed(step);
        self.clock = Some(now.max(clock));
        now
    }

    /// Packs what comes as something new, from a time of the stream on.
    pub(super) fn begin(&mut self, at: u64, wall: u64) {
        self.pack_sound(u64::MAX);
        self.end_segment(at);
        let mut continuity = self.continuity;
        // The table of a transport stream has a version.
        continuity[4] = (continuity[4] + 1) & 31;
        if self.segment.version > 0 {
            self.segment.flags |= DISCONTINUITY;
            self.segment.discontinuities += 1;
        }
        // No other segment of the name has ever had this number, also after a cold start.
        self.segment.version = (self.segment.msn as u32).max(1);
        (self.segment.start, self.segment.begun) = (at, at);
        if self.new_audio {
            self.audio_clock = None;
        }
        (self.new_video, self.new_audio) = (false, false);
        self.anchor.get_or_insert(wall.saturating_sub(at));
        let format = self.options.format.or(self.options.part.map(|_| Format::Cmaf));
        let tracks = self.tracks.clone();
        if tracks.video.is_none() {
            self.decide_part_target();
        }
        let mut packer = Packer::new(&tracks, format, continuity);
        if self.segment.flags & DISCONTINUITY != 0 {
            packer.discontinuity();
        }
        packer.begin_segment();
        self.packer = Some(Open { packer, tracks });
    }

    /// The first tracks decide: at least as long as is wished, and a whole number of frames, of pictures and of sound, which
    /// do not end together.
    fn decide_part_target(&mut self) {
        let (Some(part), None) = (self.options.part, self.part_target) else { return };
        let frame = self.frame_ms.clamp(1, part);
        let pictures = (part - ROUNDING_MS.min(part)).div_ceil(frame) * frame;
        let least = part.max(pictures);
        let sound = self.sound_frame().map_or(0, |(frame, scale)| {
            ((least * scale).div_ceil(frame) * frame).div_ceil(scale) + 1
        });
        self.part_target = Some((least + ROUNDING_MS).max(sound));
    }

    /// How long a frame of sound is, as a rule, in thousandths of so many a second.
    fn sound_frame(&self) -> Option<(u64, u64)> {
        let audio = self.tracks.audio.as_ref()?;
        Some((1024 * 1000, audio.timescale().max(1).into()))
    }

    pub(super) fn cut(&mut self, cut: Cut, at: u64) {
        self.forced |= cut == Cut::Forced;
        if cut != Cut::No {
            self.end_segment(at);
            self.segment.start = at;
        }
    }

    /// The frame of video that has waited is complete: the next one is decoded then.
    pub(super) fn end_pending(&mut self, next: Option<u64>) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { dts, composition, key, data, .. } = pending;
        let duration = next.map_or(self.frame_ms, |next| next.saturating_sub(dts));
        self.frame_ms = duration;
        self.decide_part_target();
        // While it is decided, it is not in a part.
        self.pending = Some(Pending { data: Vec::new(), ..pending });
        self.end_part_if(true, |packer| packer.with_video(dts + duration));
        self.pending = None;
        if key {
            self.segment.flags |= INDEPENDENT;
        }
        if let Some(open) = &mut self.packer {
            open.packer.add_video(&Frame { dts, composition, key, duration, data: &data });
        }
        self.pack_sound(next.unwrap_or(dts + duration));
        self.flush_if_long();
    }

    /// Parts that players see end before they become too long; `leads`: the frame is of the track that decides.
    pub(super) fn end_part_if(&mut self, leads: bool, length: impl FnOnce(&Packer) -> u64) {
        let (Some(most), Some(open)) = (self.part_target, &self.packer) else { return };
        if open.packer.is_empty() {
            return;
        }
        let (length, now) = (length(&open.packer), open.packer.duration_ms());
        let there = open.packer.begin_ms().unwrap_or(0).saturating_sub(self.segment.start);
        // A frame of sound may be in the next part.
        let late = self.sound_frame().map_or(0, |(frame, scale)| frame.div_ceil(scale));
        let is_enough = leads && now >= most * LEAST_PERCENT / 100 + late;
        if length > most || is_enough && length > self.cutter.part(there, most) {
            self.end_part(0);
        }
    }

    pub(super) fn flush_if_long(&mut self) {
        let long =
            |open: &Open| open.packer.len() >= FLUSH_BYTES || open.packer.duration_ms() >= FLUSH_MS;
        if self.options.part.is_none() && self.packer.as_ref().is_some_and(long) {
            self.end_part(0);
        }
    }

    /// The open segment ends, if there is something in it; the next one begins at a time of the stream.
    fn end_segment(&mut self, at: u64) {
        let Some(open) = &self.packer else { return };
        if open.packer.is_empty() && self.segment.parts == 0 {
            return;
        }
        self.cutter.ended(at.saturating_sub(self.segment.start));
        self.end_part(LAST);
        self.next_segment(at);
    }

    fn next_segment(&mut self, at: u64) {
        let (msn, start) = (self.segment.msn + 1, at);
        self.segment = Segment { msn, start, parts: 0, flags: 0, ..self.segment };
        if let Some(open) = &mut self.packer {
            open.packer.begin_segment();
        }
    }

    /// The open part ends.
    fn end_part(&mut self, flags: u16) {
        let Some(Open { packer, tracks }) = &mut self.packer else { return };
        if packer.is_empty() && flags == 0 {
            return;
        }
        let video = self.pending.as_ref().map_or(self.seen, |pending| pending.seq - 1);
        let audio = self.held.front().map_or(self.seen, |held| held.seq - 1);
        self.given = [video.min(self.seen), audio.min(self.seen)];
        let segment = &mut self.segment;
        let independent = if tracks.video.is_none() { INDEPENDENT } else { 0 };
        let mut head = Head {
            format: packer.format(),
            flags: flags | segment.flags | independent,
            part: segment.parts,
            msn: segment.msn,
            discontinuities: segment.discontinuities,
            wall: 0,
            video_upto: self.given[0],
            audio_upto: self.given[1],
            target: self.cutter.target(),
            part_target: self.options.part.and(self.part_target).unwrap_or(0) as u32,
            version: segment.version,
            begun: segment.begun,
            continuity: [0; 5],
            video: Span::default(),
            audio: Span::default(),
        };
        let first = segment.parts == 0;
        let (anchor, sink) = (self.anchor.unwrap_or(0), &mut self.sink);
        let given = packer.take(first, self.seen as u32, |packed| {
            (head.video, head.audio, head.continuity) =
                (packed.video, packed.audio, packed.continuity);
            head.wall = anchor + begin_ms(&head, tracks);
            sink.part(&head, first.then_some(&*tracks), &packed.media)
        });
        self.continuity = head.continuity;
        segment.parts += 1;
        segment.flags = 0;
        self.over |= !given;
    }
}

/// When a part begins, in milliseconds of the stream.
fn begin_ms(head: &Head, tracks: &Tracks) -> u64 {
    at_ms(head, tracks, |span| span.base)
}

/// When it ends.
fn end_ms(head: &Head, tracks: &Tracks) -> u64 {
    at_ms(head, tracks, |span| span.base + u64::from(span.duration))
}

fn at_ms(head: &Head, tracks: &Tracks, at: impl Fn(&Span) -> u64) -> u64 {
    let ms = match (&tracks.audio, head.video.len) {
        (Some(audio), 0) => at(&head.audio) * 1000 / u64::from(audio.timescale().max(1)),
        _ => at(&head.video) / VIDEO_MS,
    };
    ms.saturating_sub(BEGIN_MS)
}
