//! Where a segment ends: at a key frame if that comes in time, else where it would become too long.

/// What is decided once for a stream, and what it is decided by. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cutter {
    /// A segment is to be so long, and ends with the next key frame.
    fragment: u64,
    /// No segment is longer, whatever comes.
    max_fragment: u64,
    /// The longest that a segment may be, in seconds, as playlists say; 0: no segment has ended yet.
    target: u32,
    /// The longest group of pictures of late.
    group: u64,
    /// When the newest group began.
    group_at: Option<u64>,
    /// How long the newest segment was; 0: none has ended.
    newest: u64,
    /// The segment is to end with a key frame, however short it is.
    pub is_asked: bool,
}

/// What becomes of the segment before a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It goes on with the frame.
    No,
    /// It ends before it.
    Yes,
    /// The same, though the frame is no key frame: it would become too long.
    Forced,
}

impl Cutter {
    /// With what a configuration asks for, and what was decided before.
    pub fn new(fragment: u64, max_fragment: u64, target: u32) -> Cutter {
        let max_fragment = max_fragment.max(fragment);
        Cutter {
            fragment,
            max_fragment,
            target,
            group: 0,
            group_at: None,
            newest: 0,
            is_asked: false,
        }
    }

    /// The longest that the next part of a segment is to be, of which so much is there, if none may pass `most`: the rest,
    /// were the segment as long as the one before, is shared out evenly. A last part of a few frames is what players stumble
    /// over: it is shorter than what they take for the end of the segment.
    pub fn part(&self, there: u64, most: u64) -> u64 {
        let rest = self.newest.saturating_sub(there);
        match rest.div_ceil(most.max(1)) {
            0 => most,
            parts => rest.div_ceil(parts),
        }
    }

    /// What playlists say; 0: no segment has ended.
    pub fn target(&self) -> u32 {
        self.target
    }

    /// The longest that a segment may be. Rounded to a second it must not pass what playlists say.
    pub fn limit(&self) -> u64 {
        match self.target {
            0 => self.max_fragment,
            target => u64::from(target) * 1000 + 499,
        }
    }

    /// Whether a segment that began at `start` ends before a frame. `at`, `end`: when the frame begins, and when it ends.
    pub fn before(&mut self, start: u64, at: u64, end: u64, is_key: bool) -> Cut {
        let length = at.saturating_sub(start);
        if is_key {
            if let Some(before) = self.group_at.replace(at) {
                // Slowly forgotten: one long scene does not shorten the segments of the whole day.
                self.group = (at.saturating_sub(before)).max(self.group - self.group / 8);
                self.group = self.group.min(self.limit());
            }
            let next_is_late = length + self.group > self.limit() && length * 2 >= self.fragment;
            let is_long = length >= self.fragment.min(self.limit());
            if length > 0 && (is_long || next_is_late || self.is_asked) {
                return Cut::Yes;
            }
        }
        match length > 0 && end.saturating_sub(start) > self.limit() {
            true => Cut::Forced,
            false => Cut::No,
        }
    }

    /// A segment has ended that was so long. The first decides how long they may be for as long as the stream lives.
    pub fn ended(&mut self, length: u64) {
        self.newest = length;
        if self.target == 0 {
            let longest = length.max(self.fragment).min(self.max_fragment.max(length));
            self.target = longest.div_ceil(1000).max(1) as u32;
        }
    }

    /// The pictures' clock has begun anew.
    pub fn restart(&mut self) {
        self.group_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths of segments of frames of 40 ms, with key frames where `keys` says.
    fn cut(cutter: &mut Cutter, frames: u64, keys: impl Fn(u64) -> bool) -> Vec<(u64, Cut)> {
        let (mut start, mut all) = (0, Vec::new());
        for number in 0..frames {
            let at = number * 40;
            let cut = cutter.before(start, at, at + 40, keys(number));
            if cut != Cut::No {
                cutter.ended(at - start);
                all.push((at - start, cut));
                start = at;
            }
        }
        all
    }

    #[test]
    fn segments_end_with_the_group() {
        let mut cutter = Cutter::new(5000, 50_000, 0);
        let all = cut(&mut cutter, 1000, |number| number % 50 == 0);
        assert!(all.iter().all(|cut| *cut == (6000, Cut::Yes)), "{all:?}");
        assert_eq!(cutter.target(), 6);
    }

    #[test]
    fn groups_that_grow_are_cut_where_the_target_says() {
        let mut cutter = Cutter::new(2000, 20_000, 0);
        cut(&mut cutter, 200, |number| number % 25 == 0);
        assert_eq!(cutter.target(), 2);
        let all = cut(&mut cutter, 2000, |number| number % 400 == 0);
        assert!(all.iter().all(|(length, _)| *length <= 2499), "{all:?}");
        assert!(all.iter().any(|(_, cut)| *cut == Cut::Forced));
        assert_eq!(cutter.target(), 2, "what was said once stays");
    }

    #[test]
    fn no_key_frame_for_an_hour() {
        let mut cutter = Cutter::new(5000, 10_000, 0);
        let all = cut(&mut cutter, 90_000, |number| number == 0);
        assert!(all.iter().all(|(length, _)| *length <= 10_499), "{all:?}");
        assert_eq!(cutter.target(), 10);
    }

    #[test]
    fn each_frame_a_key_frame() {
        let mut cutter = Cutter::new(2000, 20_000, 0);
        let all = cut(&mut cutter, 1000, |_| true);
        assert!(all.iter().all(|cut| *cut == (2000, Cut::Yes)), "{all:?}");
    }

    #[test]
    fn a_group_that_would_pass_the_target_ends_before() {
        let mut cutter = Cutter::new(5000, 50_000, 6);
        // Groups of 2.4 s: behind the second are 4.8 s, behind the third 7.2 s.
        let all = cut(&mut cutter, 2000, |number| number % 60 == 0);
        assert!(all[1..].iter().all(|cut| *cut == (4800, Cut::Yes)), "{all:?}");
    }
}
