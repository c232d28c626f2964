//! A file of fragments that is being recorded: a run of frames is collected, and goes to its end as one piece.

use std::fs::File;
use std::path::PathBuf;

use live::appender::Appender;
use proto::flv::media::{Audio, Video};
use proto::fmp4::{
    AUDIO_TRACK, Sample, VIDEO_TIMESCALE, VIDEO_TRACK, fragment, mfra, movie_init, picture,
};
use proto::media::{AudioClock, AudioTrack, VideoTrack};
use proto::rtmp::message;

use crate::file::duration::tell_duration;
use crate::file::open::Fragments;

/// A fragment is no longer: so much is lost with the power, and so long a reader of the growing file waits.
const LONGEST_MS: u64 = 1000;
/// Nor has it more bytes, by much.
const MOST: usize = 2 << 20;
const TICKS_PER_MS: u64 = VIDEO_TIMESCALE as u64 / 1000;

/// What is in a file.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    /// Pictures.
    pub video: Option<VideoTrack>,
    /// Sound.
    pub audio: Option<AudioTrack>,
}

impl Tracks {
    /// The head of a file with these. What MP4 has no place for is left out; `None`: nothing is left.
    pub fn head(&mut self) -> Option<Vec<u8>> {
        if self.video.as_ref().is_some_and(|track| movie_init(Some(track), None).is_none()) {
            self.video = None;
        }
        if self.audio.as_ref().is_some_and(|track| movie_init(None, Some(track)).is_none()) {
            self.audio = None;
        }
        movie_init(self.video.as_ref(), self.audio.as_ref())
    }
}

/// The pictures that a header is of.
pub fn picture_of(payload: &[u8]) -> Option<VideoTrack> {
    let video = Video::of(payload).filter(|it| it.header && it.track == 0)?;
    VideoTrack::of(video.codec, &payload[video.body..])
}

/// The sound that a header is of, or a frame of a codec without headers.
pub fn sound_of(payload: &[u8]) -> Option<AudioTrack> {
    let audio = Audio::of(payload).filter(|it| it.track == 0)?;
    let body = &payload[audio.body..];
    match audio.header {
        true => AudioTrack::of(audio.codec, body, audio.rate, audio.channels),
        false => AudioTrack::of_frame(audio.codec, body),
    }
}

/// A file.
pub struct Fmp4 {
    /// Who writes it.
    pub appender: Appender,
    tracks: Tracks,
    /// Bytes of its head.
    head: u64,
    sequence: u32,
    pictures: Run,
    sounds: Run,
    clock: AudioClock,
    /// Time and place of the fragments to begin with.
    index: Vec<(u64, u64)>,
    /// Where each track ends, in its ticks.
    ends: [u64; 2],
}

/// Frames of a track that are not in the file yet.
#[derive(Default)]
struct Run {
    base: u64,
    samples: Vec<Sample>,
    data: Vec<u8>,
    /// When the newest began.
    last: u64,
}

impl Run {
    fn add(&mut self, time: u64, sample: Sample) {
        match self.samples.last_mut() {
            Some(before) => before.duration = time.saturating_sub(self.last) as u32,
            None => self.base = time,
        }
        self.samples.push(sample);
        self.last = time;
    }

    /// The newest lasts until then.
    fn reaches(&mut self, time: u64) {
        if let Some(sample) = self.samples.last_mut() {
            sample.duration = time.saturating_sub(self.last) as u32;
        }
    }

    /// Where it ends, as far as that is known.
    fn end(&self) -> u64 {
        self.last + u64::from(self.samples.last().map_or(0, |sample| sample.duration))
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.data.clear();
    }
}

impl Fmp4 {
    /// One with this head, or one that goes on behind what was found in it.
    pub fn new(
        file: File,
        path: PathBuf,
        tracks: Tracks,
        head: &[u8],
        found: Option<Fragments>,
        told: impl Fn() + 'static,
    ) -> Fmp4 {
        let appender = Appender::new(file, path, found.as_ref().map_or(0, |it| it.end), told);
        if found.is_none() {
            appender.append(|out| out.extend_from_slice(head));
        }
        let found = found.unwrap_or_default();
        let scale = tracks.audio.as_ref().map_or(1000, AudioTrack::timescale);
        let clock = match found.ends[1] {
            0 => AudioClock::new(scale),
            end => AudioClock::resume(scale, end),
        };
        Fmp4 {
            appender,
            tracks,
            head: head.len() as u64,
            sequence: found.sequence,
            pictures: Run::default(),
            sounds: Run::default(),
            clock,
            index: found.index,
            ends: found.ends,
        }
    }

    /// Takes a frame. `true`: those before it went to the file.
    pub fn frame(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) -> bool {
        let is_video = kind == message::VIDEO;
        let leads = is_video || self.tracks.video.is_none();
        let first = if is_video { &self.pictures } else { &self.sounds };
        let has = !first.samples.is_empty();
        let scale = if is_video { u64::from(VIDEO_TIMESCALE) } else { self.scale() };
        let long = (u64::from(time) * scale / 1000).saturating_sub(first.base);
        let is_long = long >= LONGEST_MS * scale / 1000;
        let is_large = self.pictures.data.len() + self.sounds.data.len() >= MOST;
        let cuts = leads && has && (is_video && key || is_long) || is_large;
        if cuts {
            if is_video {
                self.pictures.reaches(u64::from(time) * TICKS_PER_MS);
            }
            self.emit();
        }
        match is_video {
            true => self.picture(time, payload, key),
            false => self.sound(time, payload),
        }
        cuts
    }

    /// Whether this header is one of its own: a file has one for each track.
    pub fn has(&self, kind: u8, payload: &[u8]) -> bool {
        let told = |same: Option<bool>| same.unwrap_or(true);
        match kind {
            message::VIDEO => told(
                picture_of(payload)
                    .map(|it| self.tracks.video.as_ref().is_some_and(|own| own.is_same_as(&it))),
            ),
            message::AUDIO => told(
                sound_of(payload)
                    .map(|it| self.tracks.audio.as_ref().is_some_and(|own| own.is_same_as(&it))),
            ),
            _ => true,
        }
    }

    fn scale(&self) -> u64 {
        self.tracks.audio.as_ref().map_or(1000, AudioTrack::timescale).into()
    }

    fn picture(&mut self, time: u32, payload: &[u8], key: bool) {
        let (Some(track), Some(video)) = (&self.tracks.video, Video::of(payload)) else { return };
        if video.header || video.metadata || video.end || video.track != 0 {
            return;
        }
        let size = picture(track, &payload[video.body..], &mut self.pictures.data);
        if size > 0 {
            // Ticks of a composition of 24 bits fit.
            let cts = video.composition.saturating_mul(TICKS_PER_MS as i32);
            let sample = Sample { size, duration: 0, cts, key };
            self.pictures.add(u64::from(time) * TICKS_PER_MS, sample);
        }
    }

    fn sound(&mut self, time: u32, payload: &[u8]) {
        let (Some(track), Some(audio)) = (&self.tracks.audio, Audio::of(payload)) else { return };
        let frame = &payload[audio.body..];
        let samples = track.samples(frame);
        if audio.header || audio.metadata || audio.end || audio.track != 0 || samples == 0 {
            return;
        }
        let begin = self.clock.at(time.into(), samples);
        self.sounds.data.extend_from_slice(frame);
        let size = frame.len() as u32;
        self.sounds.add(begin, Sample { size, duration: samples, cts: 0, key: true });
    }

    /// What is collected becomes fragments.
    fn emit(&mut self) {
        let runs = [(VIDEO_TRACK, &mut self.pictures), (AUDIO_TRACK, &mut self.sounds)];
        for (track, run) in runs {
            let Some(first) = run.samples.first() else { continue };
            let leads = track == VIDEO_TRACK || self.tracks.video.is_none();
            if leads && first.key {
                self.index.push((run.base, self.appender.len()));
            }
            self.ends[usize::from(track == AUDIO_TRACK)] = run.end();
            self.sequence = self.sequence.wrapping_add(1);
            let (sequence, base) = (self.sequence, run.base);
            self.appender.append(|out| {
                fragment(out, sequence, track, base, &run.samples, &run.data, false);
            });
            run.clear();
        }
    }

    /// Whether nothing is collected.
    pub fn is_settled(&self) -> bool {
        self.pictures.samples.is_empty() && self.sounds.samples.is_empty()
    }

    /// What is collected goes to the file.
    pub fn settle(&mut self) {
        // The last picture is shown as long as the one before it.
        if let [.., before, picture] = &mut self.pictures.samples[..] {
            picture.duration = before.duration;
        }
        self.emit();
    }

    /// Its head says how long it is. `last`: its end says where its fragments are.
    pub fn seal(&mut self, last: bool) {
        let (head, duration) = (self.head, self.duration());
        self.appender.edit(move |file| tell_duration(file, head, duration));
        if last {
            let track = if self.tracks.video.is_some() { VIDEO_TRACK } else { AUDIO_TRACK };
            let end = mfra(&[(track, &self.index)]);
            self.appender.append(|out| out.extend_from_slice(&end));
        }
    }

    /// What is collected will not be written.
    pub fn forget(&mut self) {
        self.pictures.clear();
        self.sounds.clear();
    }

    /// Bytes that it has, what is collected included.
    pub fn len(&self) -> u64 {
        self.appender.len() + (self.pictures.data.len() + self.sounds.data.len()) as u64
    }

    /// Milliseconds up to the end of the last frame in it.
    pub fn duration(&self) -> u64 {
        let [pictures, sounds] = self.ends;
        (pictures / TICKS_PER_MS).max(sounds.saturating_mul(1000) / self.scale().max(1))
    }

    /// Whether there are pictures in it, and sound.
    pub fn tracks(&self) -> (bool, bool) {
        (self.tracks.video.is_some(), self.tracks.audio.is_some())
    }
}
