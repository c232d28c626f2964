//! Beginning anew: other tracks, or a clock that does not go on.

use crate::part::{DISCONTINUITY, Format};
use crate::segmenter::packer::Packer;
use crate::segmenter::state::{Open, Segmenter, Sink};

/// New tracks, and new clocks, come no more often than this, by the stream's clock or by that on the wall: players begin
/// anew with each.
const VERSION_MS: u64 = 1000;
/// What times in whole milliseconds may add to a part.
const ROUNDING_MS: u64 = 5;
/// As long may a frame of sound be.
const LONGEST_SOUND_MS: u64 = 512;

impl<S: Sink> Segmenter<S> {
    /// Packs what comes as something new, from a time of the stream on; `breaks`: of another clock than what was before.
    /// `false`: that is too soon after the last time; what comes until then is left out.
    pub(super) fn begin(&mut self, at: u64, breaks: bool) -> bool {
        self.finish();
        let may = self.may_begin(if breaks { self.segment.end } else { at });
        if may {
            self.open(at);
        }
        may
    }

    /// Whether something new may begin, at a time of the clock of what was before.
    pub(super) fn may_begin(&self, at: u64) -> bool {
        let segment = &self.segment;
        let long = at.max(segment.end).saturating_sub(segment.begun) >= VERSION_MS;
        long || self.wall.now().abs_diff(segment.begun_wall) >= VERSION_MS
    }

    /// The same, where nothing is open.
    pub(super) fn open(&mut self, at: u64) {
        let mut continuity = self.continuity;
        // The table of a transport stream has a version.
        continuity[4] = (continuity[4] + 1) & 31;
        let segment = &mut self.segment;
        // One that nothing has come of counts once.
        if segment.version > 0 && segment.flags & DISCONTINUITY == 0 {
            segment.flags |= DISCONTINUITY;
            segment.discontinuities += 1;
        }
        // No other segment of the name has ever had this number, also after a cold start.
        segment.version = (segment.msn as u32).max(1);
        (segment.start, segment.end, segment.begun) = (at, at, at);
        segment.regular = 0;
        segment.begun_wall = self.wall.now();
        if self.new_audio {
            self.audio_clock = None;
        }
        (self.new_video, self.new_audio, self.pictures_gone) = (false, false, false);
        self.cutter.restart();
        self.cues.begin();
        self.wall.begin(at);
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
    pub(super) fn decide_part_target(&mut self) {
        let (Some(part), None) = (self.options.part, self.part_target) else { return };
        let frame = self.frame_ms.clamp(1, part);
        let pictures = (part - ROUNDING_MS.min(part)).div_ceil(frame) * frame;
        let least = part.max(pictures);
        let sound = self.sound_frame().map_or(0, |(frame, scale)| {
            ((least * scale).div_ceil(frame) * frame).div_ceil(scale) + 1
        });
        let most = least + LONGEST_SOUND_MS;
        self.part_target = Some((least + ROUNDING_MS).max(sound.min(most)));
    }

    /// How long a frame of sound is, as a rule, in thousandths of so many a second.
    pub(super) fn sound_frame(&self) -> Option<(u64, u64)> {
        let audio = self.tracks.audio.as_ref()?;
        Some((1024 * 1000, audio.timescale().max(1).into()))
    }
}
