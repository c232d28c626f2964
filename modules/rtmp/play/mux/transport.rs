//! A player's transport stream.

use proto::flv::media::Video;
use proto::media::{AudioClock, AudioTrack, VideoTrack};
use proto::ts::{Continuity, Muxer};

/// Tables come again after so many milliseconds, for receivers that begin anywhere.
const TABLES_MS: u64 = 100;

/// Ticks a second of its times.
const TICKS: u64 = 90_000;

/// A transport stream without an end.
pub struct Transport {
    muxer: Muxer,
    clock: AudioClock,
    has_video: bool,
    /// When the tables were sent last.
    tables: Option<u64>,
}

impl Transport {
    /// `None`: there is no track, or one that transport streams have no place for.
    pub fn new(video: Option<&VideoTrack>, audio: Option<&AudioTrack>) -> Option<Transport> {
        Transport::with(video, audio, Continuity::default())
    }

    /// One that goes on behind this one, with other tracks.
    pub fn next(
        &self,
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
    ) -> Option<Transport> {
        let continuity = self.muxer.continuity();
        let version = (continuity.version + 1) & 31;
        let mut next = Transport::with(video, audio, Continuity { version, ..continuity })?;
        next.muxer.discontinuity();
        Some(next)
    }

    fn with(
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
        continuity: Continuity,
    ) -> Option<Transport> {
        let muxer = Muxer::new(video, audio, continuity)?;
        let clock = AudioClock::new(audio.map_or(1000, AudioTrack::timescale));
        Some(Transport { muxer, clock, has_video: video.is_some(), tables: None })
    }

    /// Times do not go on from those before.
    pub fn discontinuity(&mut self) {
        self.muxer.discontinuity();
        self.tables = None;
    }

    /// Appends a picture that is decoded at a time in milliseconds.
    pub fn video(&mut self, video: &Video, frame: &[u8], time: u64, out: &mut Vec<u8>) {
        self.repeat_tables(time, video.key, out);
        self.muxer.video(out, frame, time, video.composition, video.key);
    }

    /// Appends a frame of sound.
    pub fn audio(&mut self, track: &AudioTrack, frame: &[u8], time: u64, out: &mut Vec<u8>) {
        let samples = track.samples(frame);
        if samples == 0 {
            return;
        }
        if !self.has_video {
            self.repeat_tables(time, false, out);
        }
        let begin = u128::from(self.clock.at(time, samples));
        let pts = begin * u128::from(TICKS) / u128::from(track.timescale().max(1));
        self.muxer.audio(out, &[frame], pts as u64);
    }

    fn repeat_tables(&mut self, time: u64, now: bool, out: &mut Vec<u8>) {
        let due = self.tables.is_none_or(|last| time.abs_diff(last) >= TABLES_MS);
        if due || now {
            self.muxer.begin_segment(out);
            self.tables = Some(time);
        }
    }
}
