//! The segmenter's sound: it waits for the pictures that are shown with it.

use proto::flv::{Audio, AudioCodec, Video};
use proto::media::AudioClock;
use proto::rtmp::message;

use crate::segmenter::clock::{AUDIO, Clock, VIDEO};
use crate::segmenter::packer::{BEGIN_MS, Packer};
use crate::segmenter::state::{Held, Media, Segmenter, Sink};

/// Pictures that are so far behind the sound do not come any more: segments do not wait for them.
const VIDEO_GONE_MS: u64 = 1000;
/// Sound that is further from the pictures than this, where it begins, or begins anew, has another clock than they.
const APART_MS: u64 = 5000;
/// No more sound waits for pictures: what has its clock stand still never comes to them.
pub(super) const MOST_HELD: usize = 1 << 20;
/// See [`MOST_HELD`].
pub(super) const MOST_FRAMES: usize = 4096;
/// No frame of sound is longer.
const LONGEST_MS: u64 = 1000;

/// Whether it is of the track that is packed.
fn is_heard(audio: &Audio) -> bool {
    audio.track == 0 && !audio.tracks && !audio.metadata && !audio.end
}

/// Whether it is a header, or a frame of what has none.
fn tells_track(audio: &Audio) -> bool {
    let has_header = matches!(audio.codec, AudioCodec::Aac | AudioCodec::Opus | AudioCodec::Flac);
    audio.header || !has_header
}

impl<S: Sink> Segmenter<S> {
    /// A message that is to come tells of the first track of its kind: what comes before it begins with a place for it.
    pub fn announce(&mut self, kind: u8, payload: &[u8]) {
        match kind {
            message::VIDEO if self.tracks.video.is_none() => {
                let video =
                    Video::of(payload).filter(|it| it.header && !it.tracks && it.track == 0);
                self.new_video |= video.is_some_and(|it| self.tracks.set_video(&it, payload));
            }
            message::AUDIO if self.tracks.audio.is_none() => {
                let audio = Audio::of(payload).filter(|it| is_heard(it) && tells_track(it));
                self.new_audio |= audio.is_some_and(|it| self.tracks.set_audio(&it, payload));
            }
            _ => {}
        }
    }

    /// A message of audio.
    pub fn audio(&mut self, message: &Media<'_>) {
        if let Some(audio) = Audio::of(message.payload).filter(is_heard) {
            if tells_track(&audio) {
                self.new_audio |= self.tracks.set_audio(&audio, message.payload);
            }
            if !audio.header && message.seq > self.given[1] {
                self.audio_frame(&audio, message);
            }
        }
        self.seen = self.seen.max(message.seq);
        self.flush_if_long();
    }

    fn audio_frame(&mut self, audio: &Audio, message: &Media<'_>) {
        let frame = &message.payload[audio.body..];
        let (samples, scale) = match &self.tracks.audio {
            Some(track) if track.codec == audio.codec && !frame.is_empty() => {
                (track.samples(frame), u64::from(track.timescale().max(1)))
            }
            _ => return,
        };
        let length = u64::from(samples) * 1000 / scale;
        if samples == 0 || length > LONGEST_MS {
            return;
        }
        if self.refuses {
            return self.pause();
        }
        let has_video = self.tracks.video.is_some();
        let mut at = self.clock.of(AUDIO, message.time);
        let breaks = match has_video {
            true => self.all_was_silent(at) || self.packer.is_some() && self.is_too_large(),
            false => self.breaks_off(AUDIO, at),
        };
        if breaks {
            // The stream goes on, with another clock.
            self.end_pending(None);
            self.finish();
            self.clock = Clock::default();
            self.wall.forget(self.segment.end);
            self.audio_clock = None;
            at = message.time.into();
        }
        if has_video && !self.fits_pictures(at) {
            return;
        }
        self.clock.see(AUDIO, at);
        if !has_video || self.pictures_gone {
            self.wall.see(at, message.wall);
        }
        if breaks || self.packer.is_none() || self.new_audio || self.new_video {
            if has_video && !breaks || !self.begin(at, breaks) {
                // The next key frame begins: sound before it would have no picture.
                return;
            }
            self.pictures_gone = has_video;
        }
        let clock = self.audio_clock.get_or_insert_with(|| AudioClock::new(scale as u32));
        let base = clock.at(at, samples) + BEGIN_MS * scale / 1000;
        let (seq, data) = (message.seq, frame.to_vec());
        self.held_bytes += data.len();
        self.held.push_back(Held { seq, at, base, samples, data });
        let fits = self.held_bytes <= MOST_HELD && self.held.len() <= MOST_FRAMES;
        match &self.pending {
            Some(pending) if fits && at < pending.dts + VIDEO_GONE_MS => {
                let until = pending.dts;
                self.pack_sound(until);
            }
            // Who goes on behind a part: the picture that it is to wait for comes.
            None if has_video && seq <= self.given[0] => {}
            _ => {
                self.cut_for_sound(has_video, at, at + length);
                self.pack_sound(u64::MAX);
            }
        }
    }

    /// Whether sound that is there then belongs to the pictures: it goes on from where it was, or is near them.
    fn fits_pictures(&self, at: u64) -> bool {
        let near = |pictures: u64| pictures.abs_diff(at) <= APART_MS;
        self.goes_on(at) || self.clock.last(VIDEO).is_none_or(near)
    }

    fn goes_on(&self, at: u64) -> bool {
        self.clock.last(AUDIO).is_some() && !self.clock.jumps(AUDIO, at, 0)
    }

    /// Whether pictures have stopped, and sound comes now that did not come before.
    fn all_was_silent(&self, at: u64) -> bool {
        let silent = |last| (self.cutter.limit()..=APART_MS).contains(&at.saturating_sub(last));
        let pictures_stopped = self.clock.last(VIDEO).is_some_and(silent);
        self.packer.is_some() && pictures_stopped && !self.goes_on(at)
    }

    fn cut_for_sound(&mut self, has_video: bool, at: u64, end: u64) {
        if has_video {
            return self.cut_without_pictures(at, end);
        }
        self.cutter.is_asked = self.cues_want_cut(at);
        let cut = self.cutter.before(self.segment.start, at, end, true);
        if cut != super::cutter::Cut::No {
            self.pack_sound(at);
        }
        self.cut(cut, at);
    }

    /// Packs the sound before a time of the stream.
    pub(super) fn pack_sound(&mut self, until: u64) {
        let leads = self.tracks.video.is_none();
        let scale = self.tracks.audio.as_ref().map_or(1, |track| track.timescale()).max(1);
        while self.held.front().is_some_and(|held| held.at < until) {
            let length = |end| move |packer: &Packer| packer.with_audio(end);
            let end = self.held.front().map_or(0, |held| held.base + u64::from(held.samples));
            self.end_part_if(leads, length(end));
            let Some(held) = self.held.pop_front() else { return };
            self.held_bytes -= held.data.len();
            if let Some(open) = &mut self.packer {
                open.packer.add_audio(held.base, held.samples, &held.data);
            }
            if leads {
                let end = (end * 1000 / u64::from(scale)).saturating_sub(BEGIN_MS);
                self.segment.end = self.segment.end.max(end);
            }
        }
    }
}
