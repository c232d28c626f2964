//! What of cues is known where a part ends: the segmenter's state, and what stands in the part.

use super::point::{Action, Break, Cue, MOST};

/// Cues of the open segment, or of the one that comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cues {
    /// Up to which message of the stream cues were taken.
    pub upto: u64,
    /// The break that is in force before these.
    pub before: Option<Break>,
    /// They happen with the beginning of the segment, in this order. In a segment's first part alone.
    pub marks: Vec<Cue>,
    /// They wait for the next one to begin.
    pub waiting: Vec<Cue>,
}

impl Cues {
    /// Takes a cue; `now`: it happens with the segment that has just begun.
    pub fn take(&mut self, seq: u64, cue: Cue, now: bool) {
        self.upto = seq;
        let known = self.before.iter().map(|it| &it.cue).chain(&self.marks).chain(&self.waiting);
        let is_known = known.into_iter().any(|known| cue.repeats(known));
        if is_known || self.marks.len() + self.waiting.len() >= MOST {
            return;
        }
        if now { self.marks.push(cue) } else { self.waiting.push(cue) }
    }

    /// Whether a segment is to end with the next key frame, which is so much behind its beginning. A moment needs no cut.
    pub fn wants_cut(&self, behind: u64) -> bool {
        let cuts = |cue: &Cue| cue.action != Action::Mark;
        self.waiting.iter().any(cuts) || self.before.as_ref().is_some_and(|it| it.is_over(behind))
    }

    /// A segment that was so long has ended.
    pub fn next_segment(&mut self, length: u64) {
        if let Some(before) = &mut self.before {
            before.elapsed = before.elapsed.saturating_add(length);
        }
        self.begin();
    }

    /// A segment begins, in which nothing is yet.
    pub fn begin(&mut self) {
        self.marks.append(&mut self.waiting);
        let is_over = self.before.as_ref().is_some_and(|before| before.is_over(0));
        if is_over && self.marks.iter().all(|cue| cue.action == Action::Mark) {
            self.marks.push(Cue { action: Action::In, ..Cue::default() });
        }
    }

    /// The segment's first part is out.
    pub fn happened(&mut self, msn: u64, wall: u64) {
        self.before = self.after(msn, wall);
        self.marks.clear();
    }

    /// The break that is in force behind them, in the segment with this number, which began then.
    pub fn after(&self, msn: u64, wall: u64) -> Option<Break> {
        let mut now = self.before.clone();
        for (place, cue) in (0..).zip(&self.marks) {
            match cue.action {
                Action::Mark => {}
                Action::In => now = None,
                Action::Out => {
                    now = Some(Break { cue: cue.clone(), msn, place, start: wall, elapsed: 0 });
                }
            }
        }
        now
    }

    /// Another publisher comes, or none: what waits does not happen, and a break ends with the next segment.
    pub fn leave(&mut self) {
        self.marks.clear();
        self.waiting.clear();
        if self.before.is_some() {
            self.waiting.push(Cue { action: Action::In, ..Cue::default() });
        }
    }

    /// Whether nothing is to be said to whoever has looked at messages up to this one.
    pub fn is_idle(&self, upto: u64) -> bool {
        let is_empty = self.before.is_none() && self.marks.is_empty() && self.waiting.is_empty();
        is_empty && self.upto <= upto
    }
}
