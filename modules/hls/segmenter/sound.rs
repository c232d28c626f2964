//! The segmenter's sound: it waits for the pictures that are shown with it.

use proto::flv::{Audio, AudioCodec};
use proto::media::AudioClock;

use crate::segmenter::cutter::Cut;
use crate::segmenter::held::Held;
use crate::segmenter::messages::{Media, Segmenter, Sink};
use crate::segmenter::packer::BEGIN_MS;

/// Pictures that are so far behind the sound do not come any more: segments do not wait for them.
const VIDEO_GONE_MS: u64 = 1000;

impl<S: Sink> Segmenter<S> {
    /// A message of audio.
    pub fn audio(&mut self, message: &Media<'_>) {
        let wanted =
            |audio: &Audio| audio.track == 0 && !audio.tracks && !audio.metadata && !audio.end;
        if let Some(audio) = Audio::of(message.payload).filter(wanted) {
            let has_header =
                matches!(audio.codec, AudioCodec::Aac | AudioCodec::Opus | AudioCodec::Flac);
            if audio.header || !has_header {
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
        let samples = match &self.tracks.audio {
            Some(track) if track.codec == audio.codec && !frame.is_empty() => track.samples(frame),
            _ => return,
        };
        let at = self.stream_time(message.time);
        let has_video = self.tracks.video.is_some();
        if self.packer.is_none() || self.new_audio || self.new_video {
            if has_video || samples == 0 {
                // The next key frame begins: sound before it would have no picture.
                return;
            }
            self.begin(at, message.wall);
        }
        let Some(scale) = self.tracks.audio.as_ref().map(|track| track.timescale()) else { return };
        let clock = self.audio_clock.get_or_insert_with(|| AudioClock::new(scale));
        let base = clock.at(at, samples) + BEGIN_MS * u64::from(scale) / 1000;
        let (seq, data) = (message.seq, frame.to_vec());
        self.held.push_back(Held { seq, at, base, samples, data });
        match &self.pending {
            Some(pending) if at < pending.dts + VIDEO_GONE_MS => {
                let until = pending.dts;
                self.pack_sound(until);
            }
            _ => {
                let end = at + u64::from(samples) * 1000 / u64::from(scale.max(1));
                self.cut_for_audio(has_video, at, end);
                self.pack_sound(u64::MAX);
            }
        }
    }

    /// Pictures decide where segments end. Without any, sound does.
    fn cut_for_audio(&mut self, has_video: bool, at: u64, end: u64) {
        let cut = self.cutter.before(self.segment.start, at, end, !has_video);
        if cut != Cut::No {
            self.end_pending(None);
            self.pack_sound(at);
        }
        self.cut(cut, at);
    }

    /// Packs the sound before a time of the stream.
    pub(super) fn pack_sound(&mut self, until: u64) {
        while self.held.front().is_some_and(|held| held.at < until) {
            let length = |end| move |packer: &super::packer::Packer| packer.with_audio(end);
            let end = self.held.front().map_or(0, |held| held.base + u64::from(held.samples));
            self.end_part_if(self.tracks.video.is_none(), length(end));
            if let (Some(open), Some(held)) = (&mut self.packer, self.held.pop_front()) {
                open.packer.add_audio(held.base, held.samples, &held.data);
            }
        }
    }
}
