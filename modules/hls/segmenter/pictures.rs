//! The segmenter's pictures.

use proto::flv::Video;
use proto::media::Units;

use crate::part::{CONTINUES, INDEPENDENT};
use crate::segmenter::clock::{Clock, VIDEO};
use crate::segmenter::cutter::Cut;
use crate::segmenter::packer::{BEGIN_MS, Frame};
use crate::segmenter::state::{Media, Pending, Segmenter, Sink};

/// How long a picture is shown of which nothing tells.
const USUAL_MS: u64 = 40;
/// By so much, at most, a picture is shown later or sooner than it is decoded: the ten seconds by which media times are late.
const COMPOSITION_MS: i32 = BEGIN_MS as i32;

impl<S: Sink> Segmenter<S> {
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
        let known = self.tracks.video.as_ref().filter(|track| track.codec == video.codec);
        let Some(track) = known else { return };
        let units = track.length_size();
        // Nothing in it is a picture: the one before is shown longer.
        let is_empty = units > 0 && Units::of(data, units).next().is_none();
        if video.metadata || video.end || data.is_empty() || is_empty {
            return;
        }
        if self.refuses {
            return self.pause();
        }
        let key = video.key;
        self.new_video |= key && self.tracks.see_video(data);
        let mut dts = self.clock.of(VIDEO, message.time);
        let breaks = self.breaks_off(VIDEO, dts);
        if breaks {
            // The stream goes on, with another clock.
            self.end_pending(None);
            self.finish();
            self.clock = Clock::default();
            self.wall.forget(self.segment.end);
            self.audio_clock = None;
            dts = message.time.into();
        }
        // Pictures are decoded one after the other.
        dts = dts.max(self.clock.last(VIDEO).unwrap_or(0));
        // Sound that is new waits: no picture is left out for it.
        let sound_begins = key && self.new_audio && self.may_begin(dts);
        let begins = breaks || self.packer.is_none() || self.new_video || sound_begins;
        self.end_pending(Some(dts).filter(|next| {
            !begins || self.pending.as_ref().is_some_and(|pending| pending.dts < *next)
        }));
        self.clock.see(VIDEO, dts);
        self.wall.see(dts, message.wall);
        if begins && !key && !breaks {
            // Nothing can be made of it without what came before.
            return;
        }
        if !begins {
            self.cutter.is_asked = self.cues_want_cut(dts);
            let cut = self.cutter.before(self.segment.start, dts, dts, key);
            self.cut(cut, dts);
        } else if !self.begin(dts, breaks) {
            return;
        }
        let composition = video.composition.clamp(-COMPOSITION_MS, COMPOSITION_MS);
        let seq = message.seq;
        self.pending = Some(Pending { seq, dts, composition, key, data: data.to_vec() });
    }

    /// The frame of video that has waited is complete: the next one is decoded then. `None`: that is not known.
    pub(super) fn end_pending(&mut self, next: Option<u64>) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { dts, composition, key, data, .. } = pending;
        let duration = match next {
            Some(next) => {
                self.frame_ms = next.saturating_sub(dts);
                self.frame_ms
            }
            None if self.frame_ms == 0 => USUAL_MS,
            None => self.frame_ms,
        };
        let duration = duration.min(self.cutter.limit());
        self.decide_part_target();
        // While it is decided, it is not in a part.
        self.pending = Some(Pending { data: Vec::new(), ..pending });
        let end = dts + duration;
        let cut = self.cutter.before(self.segment.start, dts, end, false);
        self.cut(cut, dts);
        self.end_part_if(true, |packer| packer.with_video(end));
        self.pending = None;
        let frame = Frame { dts, composition, key, duration, data: &data };
        let added = self.packer.as_mut().is_some_and(|open| open.packer.add_video(&frame));
        if added {
            self.segment.flags |= match key {
                true => INDEPENDENT,
                false if self.segment.flags & INDEPENDENT == 0 => CONTINUES,
                false => 0,
            };
        }
        self.segment.end = end.max(self.segment.end);
        self.pack_sound(next.unwrap_or(end));
        self.flush_if_long();
    }

    /// Pictures decide where segments end. Without any for long, sound does: then the last one is shown up to there.
    pub(super) fn cut_without_pictures(&mut self, at: u64, end: u64) {
        let cut = self.cutter.before(self.segment.start, at, end, false);
        if cut != Cut::No {
            let frame_ms = self.frame_ms;
            self.end_pending(Some(at));
            self.frame_ms = frame_ms;
            self.pack_sound(at);
            self.cut(cut, at);
            self.pictures_gone = true;
        }
    }
}
