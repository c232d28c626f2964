//! A player's fragmented MP4.

use proto::flv::media::Video;
use proto::fmp4::{self, AUDIO_TRACK, Sample, VIDEO_TIMESCALE, VIDEO_TRACK};
use proto::media::{AudioClock, AudioTrack, VideoTrack};

const TICKS_PER_MS: u64 = VIDEO_TIMESCALE as u64 / 1000;

/// How long a picture is shown of which nothing tells: 40 ms.
const USUAL: u64 = 40 * TICKS_PER_MS;

/// Fragments of sound are so many to a second, where no pictures come between.
const A_SECOND: u64 = 10;

/// A movie without an end.
pub struct Movie {
    sequence: u32,
    /// When the newest picture is decoded, and how long the one before it was shown. How long the newest one is, only the next
    /// one tells; but then it is long gone. Players go by the time at which a fragment begins.
    last: Option<u64>,
    shown: u64,
    picture: Vec<u8>,
    clock: AudioClock,
    sound: Sound,
    rate: u64,
}

/// Sound that waits for the next picture.
#[derive(Default)]
struct Sound {
    begin: u64,
    end: u64,
    samples: Vec<Sample>,
    data: Vec<u8>,
}

impl Movie {
    /// One with these tracks, whose head is appended. `None`: there is no track, or one that MP4 has no place for.
    pub fn new(
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
        out: &mut Vec<u8>,
    ) -> Option<Movie> {
        out.extend_from_slice(&fmp4::live_init(video, audio)?);
        let rate = audio.map_or(1000, AudioTrack::timescale).max(1);
        let told = video.map_or(0.0, |track| track.frame_rate);
        let shown = if told >= 1.0 { (f64::from(VIDEO_TIMESCALE) / told) as u64 } else { USUAL };
        let (sequence, last, picture, sound) = (0, None, Vec::new(), Sound::default());
        let clock = AudioClock::new(rate);
        Some(Movie { sequence, last, shown, picture, clock, sound, rate: rate.into() })
    }

    /// Appends a picture that is decoded at a time in milliseconds, behind the sound that has waited.
    pub fn video(
        &mut self,
        track: &VideoTrack,
        video: &Video,
        frame: &[u8],
        time: u64,
        out: &mut Vec<u8>,
    ) {
        self.flush(out);
        self.picture.clear();
        let size = fmp4::picture(track, frame, &mut self.picture);
        if size == 0 {
            // Nothing in it is a picture.
            return;
        }
        let begin = time.saturating_mul(TICKS_PER_MS);
        let since = self.last.map_or(0, |last| begin.saturating_sub(last));
        if (1..=u64::from(VIDEO_TIMESCALE)).contains(&since) {
            self.shown = since;
        }
        self.last = Some(begin);
        let cts = video.composition.saturating_mul(TICKS_PER_MS as i32);
        let sample = Sample { size, duration: self.shown as u32, cts, key: video.key };
        self.sequence = self.sequence.wrapping_add(1);
        fmp4::fragment(out, self.sequence, VIDEO_TRACK, begin, &[sample], &self.picture, false);
    }

    /// Takes a frame of sound.
    pub fn audio(&mut self, track: &AudioTrack, frame: &[u8], time: u64, out: &mut Vec<u8>) {
        let samples = track.samples(frame);
        if samples == 0 {
            return;
        }
        let begin = self.clock.at(time, samples);
        if begin != self.sound.end {
            self.flush(out);
        }
        if self.sound.samples.is_empty() {
            self.sound.begin = begin;
        }
        let size = frame.len() as u32;
        self.sound.samples.push(Sample { size, duration: samples, cts: 0, key: true });
        self.sound.data.extend_from_slice(frame);
        self.sound.end = begin.saturating_add(samples.into());
        if self.sound.end - self.sound.begin >= self.rate / A_SECOND {
            self.flush(out);
        }
    }

    /// Appends the sound that waits.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        let Sound { begin, samples, data, .. } = &mut self.sound;
        if !samples.is_empty() {
            self.sequence = self.sequence.wrapping_add(1);
            fmp4::fragment(out, self.sequence, AUDIO_TRACK, *begin, samples, data, false);
            samples.clear();
            data.clear();
        }
    }
}
