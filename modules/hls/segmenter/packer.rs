//! The open part: frames as they are packed, until the part ends.
//!
//! Both tracks begin ten seconds late, so that no time is negative, whatever a frame's composition time says.

use proto::fmp4::{self, Sample, VIDEO_TIMESCALE};
use proto::media::VideoTrack;
use proto::ts::{Continuity, Muxer};

use crate::part::{Format, Span};
use crate::segmenter::tracks::Tracks;

/// Where the stream's clock begins, in milliseconds of media time.
pub const BEGIN_MS: u64 = 10_000;
/// Units of a millisecond of video, and of a transport stream.
pub const VIDEO_MS: u64 = VIDEO_TIMESCALE as u64 / 1000;
/// Audio frames of a transport stream go together until there are so many milliseconds of them.
const TOGETHER_MS: u64 = 100;

/// A part that frames are added to.
pub struct Packer {
    /// `None`: fragmented MP4.
    ts: Option<Box<Transport>>,
    /// The track of video.
    pictures: Option<VideoTrack>,
    video: Track,
    audio: Track,
    /// Units of a second of audio.
    rate: u32,
    /// Frames that were added.
    frames: usize,
    heads: [Vec<u8>; 2],
}

/// A transport stream, and what of the audio is not in it yet.
struct Transport {
    muxer: Muxer,
    frames: Vec<u8>,
    ends: Vec<usize>,
    /// When the first of them begins, and how long they are, in units of audio.
    base: u64,
    duration: u64,
}

#[derive(Default)]
struct Track {
    samples: Vec<Sample>,
    data: Vec<u8>,
    /// When it begins; `None`: there is nothing in it.
    base: Option<u64>,
    /// When the newest frame begins.
    last: Option<u64>,
    duration: u64,
    frames: u32,
}

/// A frame of video.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it is decoded, in milliseconds of the stream.
    pub dts: u64,
    /// How much later it is shown.
    pub composition: i32,
    /// Decoding can begin with it.
    pub key: bool,
    /// How long it is shown, in milliseconds.
    pub duration: u64,
    /// As FLV has it: the length of each unit before it.
    pub data: &'a [u8],
}

/// A part that has ended.
pub struct Packed<'a> {
    /// Video, or all of a transport stream.
    pub video: Span,
    /// Audio by itself.
    pub audio: Span,
    /// The counters of a transport stream behind it.
    pub continuity: [u8; 5],
    /// The bytes, in this order.
    pub media: [&'a [u8]; 4],
}

impl Packer {
    /// For these tracks. `wanted`: `None` is MPEG-TS where it has a place for the codecs.
    pub fn new(tracks: &Tracks, wanted: Option<Format>, continuity: [u8; 5]) -> Packer {
        let muxer = (wanted != Some(Format::Cmaf)).then(|| {
            let continuity = Continuity::from_bytes(continuity);
            Muxer::new(tracks.video.as_ref(), tracks.audio.as_ref(), continuity)
        });
        let transport =
            |muxer| Transport { muxer, frames: Vec::new(), ends: Vec::new(), base: 0, duration: 0 };
        Packer {
            ts: muxer.flatten().map(|muxer| Box::new(transport(muxer))),
            pictures: tracks.video.clone(),
            video: Track::default(),
            audio: Track::default(),
            rate: tracks.audio.as_ref().map_or(1, |audio| audio.timescale()).max(1),
            frames: 0,
            heads: Default::default(),
        }
    }

    /// How it packs.
    pub fn format(&self) -> Format {
        if self.ts.is_some() { Format::Ts } else { Format::Cmaf }
    }

    /// The counters of a transport stream.
    pub fn continuity(&self) -> [u8; 5] {
        self.ts.as_ref().map_or([0; 5], |ts| ts.muxer.continuity().to_bytes())
    }

    /// Times, or tracks, are others than before.
    pub fn discontinuity(&mut self) {
        if let Some(ts) = &mut self.ts {
            ts.muxer.discontinuity();
        }
    }

    /// A segment begins.
    pub fn begin_segment(&mut self) {
        if let Some(ts) = &mut self.ts {
            ts.muxer.begin_segment(&mut self.video.data);
        }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Bytes that there are, about.
    pub fn len(&self) -> usize {
        let waiting = self.ts.as_ref().map_or(0, |ts| ts.frames.len());
        self.video.data.len() + self.audio.data.len() + waiting
    }

    /// How long the longer of its tracks is, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        (self.video.duration / VIDEO_MS).max(self.audio.duration * 1000 / u64::from(self.rate))
    }

    /// When it begins, in milliseconds of the stream.
    pub fn begin_ms(&self) -> Option<u64> {
        let sound = |base: u64| base * 1000 / u64::from(self.rate);
        let begin = self.video.base.map(|base| base / VIDEO_MS).or(self.audio.base.map(sound));
        begin.map(|begin| begin.saturating_sub(BEGIN_MS))
    }

    /// How long it would be with a frame of video that ends then, in milliseconds of the stream.
    pub fn with_video(&self, end: u64) -> u64 {
        let base = self.video.base;
        base.map_or(0, |base| ((end + BEGIN_MS) * VIDEO_MS).saturating_sub(base) / VIDEO_MS)
    }

    /// How long it would be with a frame of audio that ends then, in milliseconds, rounded up.
    pub fn with_audio(&self, end: u64) -> u64 {
        let scale = |units: u64| (units * 1000).div_ceil(u64::from(self.rate));
        self.audio.base.map_or(0, |base| scale(end.saturating_sub(base)))
    }

    /// Adds a frame of video. `false`: nothing in it is a picture; the one before is shown longer.
    pub fn add_video(&mut self, frame: &Frame<'_>) -> bool {
        let (base, duration) = ((frame.dts + BEGIN_MS) * VIDEO_MS, frame.duration * VIDEO_MS);
        let before = self.video.data.len();
        match (&mut self.ts, &self.pictures) {
            (Some(ts), _) => ts.muxer.video(
                &mut self.video.data,
                frame.data,
                frame.dts,
                frame.composition,
                frame.key,
            ),
            (None, Some(track)) => drop(fmp4::picture(track, frame.data, &mut self.video.data)),
            (None, None) => {}
        }
        let size = (self.video.data.len() - before) as u32;
        if size == 0 {
            if let Some(last) = self.video.samples.last_mut() {
                last.duration = last.duration.saturating_add(duration as u32);
            }
            if self.video.frames > 0 {
                self.video.last_until(base + duration);
            }
            return false;
        }
        self.frames += 1;
        self.video.grow(base, duration);
        if self.ts.is_none() {
            self.video.samples.push(Sample {
                size,
                duration: duration as u32,
                cts: frame.composition.saturating_mul(VIDEO_MS as i32),
                key: frame.key,
            });
        }
        true
    }

    /// Adds a frame of audio, which begins at `base` and has so many samples.
    pub fn add_audio(&mut self, base: u64, samples: u32, frame: &[u8]) {
        self.frames += 1;
        // A hole is part of what is before it: times of samples are told by their lengths alone.
        if let (Some(begin), Some(last)) = (self.audio.last, self.audio.samples.last_mut()) {
            last.duration = u32::try_from(base.saturating_sub(begin)).unwrap_or(last.duration);
        }
        self.audio.grow(base, samples.into());
        let Some(ts) = &mut self.ts else {
            let size = frame.len() as u32;
            self.audio.samples.push(Sample { size, duration: samples, cts: 0, key: true });
            self.audio.data.extend_from_slice(frame);
            return;
        };
        if ts.ends.is_empty() {
            ts.base = base;
        }
        ts.frames.extend_from_slice(frame);
        ts.ends.push(ts.frames.len());
        ts.duration += u64::from(samples);
        // A packet of audio has a length of 16 bits.
        if ts.duration * 1000 >= TOGETHER_MS * u64::from(self.rate) || ts.frames.len() > 32 << 10 {
            ts.flush(&mut self.video.data, self.rate);
        }
    }

    /// Ends the part, and gives it to `each`. `first`: of its segment.
    pub fn take<T>(&mut self, first: bool, sequence: u32, each: impl FnOnce(Packed<'_>) -> T) -> T {
        if let Some(ts) = &mut self.ts {
            ts.flush(&mut self.video.data, self.rate);
            if self.video.base.is_none() {
                let scale = |units: u64| units * u64::from(VIDEO_TIMESCALE) / u64::from(self.rate);
                self.video.base = self.audio.base.map(scale);
                self.video.duration = scale(self.audio.duration);
            }
            self.audio = Track::default();
        }
        let is_ts = self.ts.is_some();
        let spans = [(&mut self.video, 1), (&mut self.audio, 2)].map(|(track, number)| {
            let head = &mut self.heads[number as usize - 1];
            head.clear();
            let base = track.base.unwrap_or(0);
            if !is_ts && !track.samples.is_empty() {
                fmp4::fragment_head(
                    head,
                    sequence,
                    number,
                    base,
                    &track.samples,
                    track.data.len(),
                    first,
                );
            }
            let len = (head.len() + track.data.len()) as u32;
            Span { len, duration: track.duration as u32, frames: track.frames, base }
        });
        let continuity = self.continuity();
        let media = [&self.heads[0][..], &self.video.data, &self.heads[1], &self.audio.data];
        let given = each(Packed { video: spans[0], audio: spans[1], continuity, media });
        self.video.clear();
        self.audio.clear();
        self.frames = 0;
        given
    }
}

impl Transport {
    fn flush(&mut self, out: &mut Vec<u8>, rate: u32) {
        if self.ends.is_empty() {
            return;
        }
        let mut begin = 0;
        let frames = self.ends.iter().map(|&end| {
            let frame = &self.frames[begin..end];
            begin = end;
            frame
        });
        let frames: Vec<&[u8]> = frames.collect();
        // The muxer has the ten seconds itself.
        let units = self.base * u64::from(VIDEO_TIMESCALE) / u64::from(rate);
        self.muxer.audio(out, &frames, units.saturating_sub(BEGIN_MS * VIDEO_MS));
        self.frames.clear();
        self.ends.clear();
        self.duration = 0;
    }
}

impl Track {
    fn grow(&mut self, base: u64, duration: u64) {
        self.frames += 1;
        self.base.get_or_insert(base);
        self.last = Some(base);
        self.last_until(base + duration);
    }

    fn last_until(&mut self, end: u64) {
        let begin = self.base.unwrap_or(end);
        self.duration = end.saturating_sub(begin).max(self.duration);
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.data.clear();
        (self.base, self.last, self.duration, self.frames) = (None, None, 0, 0);
    }
}
