//! The segmenter's cues: they wait until a segment begins.

use crate::cue;
use crate::segmenter::clock::VIDEO;
use crate::segmenter::state::{Media, Segmenter, Sink};

/// A segment that a cue ends is not shorter: segments are counted from the time of day in seconds on.
const SHORTEST_MS: u64 = 1000;
/// So far may a cue be from the time at which it came.
const NEAR_MS: u64 = 10_000;

impl<S: Sink> Segmenter<S> {
    /// A message that is neither video nor audio.
    pub fn data(&mut self, message: &Media<'_>) {
        let is_new = message.seq > self.cues.upto;
        if let Some(mut cue) = cue::read(message.payload).filter(|_| is_new) {
            let at = self.clock.of(VIDEO, message.time);
            let wall = self.packer.as_ref().map(|_| self.wall.of(at));
            let is_near = |wall: &u64| wall.abs_diff(message.wall) <= NEAR_MS;
            cue.wall = wall.filter(is_near).unwrap_or(message.wall);
            // Encoders send it before the key frame that it is about, or right behind.
            let segment = &self.segment;
            let now = self.packer.is_some() && segment.parts == 0 && at <= segment.start;
            self.cues.take(message.seq, cue, now);
        }
        self.seen = self.seen.max(message.seq);
    }

    /// Another publisher comes: nothing of what the one before has said goes on.
    pub fn leave_cues(&mut self, seq: u64) {
        if seq > self.cues.upto && !self.cues.is_idle(u64::MAX) {
            self.cues.leave();
            self.cues.upto = seq;
        }
    }

    /// Nothing is said of cues any more.
    pub fn drop_cues(&mut self) {
        self.cues.leave();
    }

    /// Whether the segment is to end with a key frame that is there then. The first one with its tracks is as long as all are to
    /// be.
    pub(super) fn cues_want_cut(&self, at: u64) -> bool {
        let length = at.saturating_sub(self.segment.start);
        self.segment.regular > 0 && length >= SHORTEST_MS && self.cues.wants_cut(length)
    }
}
