//! Where parts and segments end.

use crate::part::{ENDED, Format, Head, INDEPENDENT, LAST, Span};
use crate::segmenter::clock::Clock;
use crate::segmenter::cutter::Cut;
use crate::segmenter::packer::Packer;
use crate::segmenter::resume::{bases, begin_ms};
use crate::segmenter::state::{Given, Open, Segment, Segmenter, Sink};

/// Parts that nobody sees by themselves go out when they are so long, or have so many bytes: that is what is done twice
/// after a death.
const FLUSH_MS: u64 = 1000;
const FLUSH_BYTES: usize = 256 << 10;
/// Parts that players see have no more bytes than this.
const MOST_BYTES: usize = 16 << 20;
/// A segment has no more bytes than this, and those of 100 Mbit/s for as long as it may be: else its publisher's clock stands
/// still.
const MOST_OF_SEGMENT: u64 = 64 << 20;
const MOST_OF_MS: u64 = 12_500;
/// No part but the last may be shorter than this, of the longest.
const LEAST_PERCENT: u64 = 85;

impl<S: Sink> Segmenter<S> {
    /// Whether a frame that is there then does not go on from what was packed.
    pub(super) fn breaks_off(&self, track: usize, at: u64) -> bool {
        self.packer.is_some()
            && (self.clock.jumps(track, at, self.cutter.limit())
                || self.pictures_gone && track == super::clock::VIDEO
                || self.is_too_large())
    }

    /// Whether the segment has more bytes than it may have.
    pub(super) fn is_too_large(&self) -> bool {
        let most = self.cutter.limit().saturating_mul(MOST_OF_MS);
        self.segment.bytes > most.saturating_add(MOST_OF_SEGMENT)
    }

    /// A segment ends, or it does not; the next one begins at a time of the stream.
    pub(super) fn cut(&mut self, cut: Cut, at: u64) {
        if cut == Cut::No || self.packer.is_none() {
            return;
        }
        self.forced |= cut == Cut::Forced;
        let length = at.saturating_sub(self.segment.start);
        let other_dates = self.end_segment(at) && self.wall.segment(length);
        self.segment.start = at;
        // New tracks begin with a key frame of their own.
        let is_same = self.packer.is_some() && !self.new_video && !self.new_audio;
        if other_dates && is_same && self.may_begin(at) {
            self.wall.forget(at);
            self.open(at);
        }
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
        let is_too_long = length > most || open.packer.len() > MOST_BYTES;
        if is_too_long || is_enough && length > self.cutter.part(there, most) {
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

    /// The stream pauses, or goes on with another clock: what there is is given out, and its segment ends.
    pub fn pause(&mut self) {
        self.end_pending(None);
        self.finish();
        self.clock = Clock::default();
        self.wall.forget(self.segment.end);
        self.audio_clock = None;
    }

    /// What there is is given out, and its segment ends; nothing is packed any more.
    pub(super) fn finish(&mut self) {
        self.pack_sound(u64::MAX);
        self.end_segment(self.segment.end);
        self.packer = None;
    }

    /// The stream has ended.
    pub fn end(&mut self, wall: u64) {
        self.pause();
        self.cues.leave();
        let Segment { msn, discontinuities, version, begun, .. } = self.segment;
        let head = Head {
            format: Format::Ts,
            flags: ENDED,
            part: 0,
            msn,
            discontinuities,
            wall,
            slewed: self.wall.since_ended(wall),
            video_upto: self.seen,
            audio_upto: self.seen,
            target: self.cutter.target(),
            part_target: self.shown_part_target(),
            version,
            begun,
            continuity: self.continuity,
            regular: 0,
            video: Span::default(),
            audio: Span::default(),
        };
        let cues = Some(&self.cues).filter(|cues| !cues.is_idle(self.seen));
        self.over |= self.sink.part(&head, None, cues, &[]) == Given::Over;
    }

    fn shown_part_target(&self) -> u32 {
        self.options.part.and(self.part_target).unwrap_or(0) as u32
    }

    /// The open segment ends, if there is something in it, which is told; the next one begins at a time of the stream.
    fn end_segment(&mut self, at: u64) -> bool {
        let Some(open) = &self.packer else { return false };
        if open.packer.is_empty() && self.segment.parts == 0 {
            return false;
        }
        let length = at.saturating_sub(self.segment.start);
        if self.segment.regular == 0 {
            self.segment.regular = u32::try_from(length).unwrap_or(0);
        }
        self.cutter.ended(length);
        self.end_part(LAST);
        if self.packer.is_some() {
            self.next_segment(at);
        }
        true
    }

    pub(super) fn next_segment(&mut self, at: u64) {
        self.cues.next_segment(at.saturating_sub(self.segment.start));
        let (msn, start) = (self.segment.msn + 1, at);
        self.segment = Segment { msn, start, parts: 0, bytes: 0, flags: 0, ..self.segment };
        if let Some(open) = &mut self.packer {
            open.packer.begin_segment();
        }
    }

    /// The open part ends.
    fn end_part(&mut self, flags: u16) {
        let part_target = self.shown_part_target();
        let Some(Open { packer, tracks }) = &mut self.packer else { return };
        if packer.is_empty() && flags == 0 {
            return;
        }
        let video = self.pending.as_ref().map_or(self.seen, |pending| pending.seq - 1);
        let audio = self.held.front().map_or(self.seen, |held| held.seq - 1);
        // Whoever goes on has not seen again all that is in parts already.
        let upto = |track: usize, now: u64| now.min(self.seen).max(self.given[track]);
        self.given = [upto(0, video), upto(1, audio)];
        let segment = &mut self.segment;
        let independent = if tracks.video.is_none() { INDEPENDENT } else { 0 };
        let mut head = Head {
            format: packer.format(),
            flags: flags | segment.flags | independent,
            part: segment.parts,
            msn: segment.msn,
            discontinuities: segment.discontinuities,
            wall: 0,
            slewed: self.wall.slewed(),
            video_upto: self.given[0],
            audio_upto: self.given[1],
            target: self.cutter.target(),
            part_target,
            version: segment.version,
            begun: segment.begun,
            continuity: [0; 5],
            regular: segment.regular,
            video: Span::default(),
            audio: Span::default(),
        };
        let first = segment.parts == 0;
        let cues = Some(&self.cues).filter(|cues| !cues.is_idle(self.given[0].min(self.given[1])));
        let (wall, sink) = (&self.wall, &mut self.sink);
        let given = packer.take(first, self.seen as u32, |packed| {
            (head.video, head.audio, head.continuity) =
                (packed.video, packed.audio, packed.continuity);
            let is_empty = head.video.len == 0 && head.audio.len == 0;
            if is_empty {
                // Whoever goes on behind it must know when that is.
                (head.video.base, head.audio.base) = bases(segment.end, tracks);
            }
            // A segment begins with a picture, though a part of sound may come before.
            let sound_first = first && head.video.frames == 0 && tracks.video.is_some();
            head.wall = wall.of(if sound_first { segment.start } else { begin_ms(&head, tracks) });
            sink.part(&head, first.then_some(&*tracks), cues, &packed.media)
        });
        self.continuity = head.continuity;
        match given {
            Given::Lost => self.lose_segment(),
            Given::Kept | Given::Over => {
                segment.parts += 1;
                segment.bytes += u64::from(head.video.len) + u64::from(head.audio.len);
                segment.flags = 0;
                self.cues.happened(head.msn, head.wall);
                self.cues_given = self.cues.upto;
                self.over |= given == Given::Over;
            }
        }
    }

    /// A part is lost: what there is of its segment is all that there will be, and what comes next begins anew.
    fn lose_segment(&mut self) {
        self.packer = None;
        if self.segment.parts > 0 {
            (self.segment.msn, self.segment.parts) = (self.segment.msn + 1, 0);
            self.segment.bytes = 0;
        }
        self.segment.flags &= crate::part::DISCONTINUITY;
    }
}
