//! Which time of day a stream's clock means: found out when it begins, and corrected where the two clocks part.
//!
//! Messages come late, never early: the one of a segment that was least late tells how far off it is. A little is made up for with
//! each segment, so that dates go on as lengths do; but only for what changes slowly: a publisher that sends what it has kept is
//! no clock. What is far off, for long, or because the server's clock was set, is a
//! discontinuity. A publisher that sends faster than time passes is never late, and its dates run ahead.
//!
//! Dates may go back there. The presentation of DASH has one clock for ever: on that nothing begins before what came before it
//! has ended, and by how much the two are apart is counted with what was made up for.

/// So much may the clocks differ.
const SLACK_MS: i64 = 500;
/// What is further off than this is no drift.
const FAR_MS: i64 = 5000;
/// So long everything must have been late: a publisher that catches up is late for a moment.
const LATE_MS: u64 = 10_000;
/// So many hundredths of a segment are made up for with it.
const SLEW_PERCENT: u64 = 2;

/// The time of day at a stream's clock 0, in milliseconds of Unix time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall {
    /// `None`: what comes next decides.
    zero: Option<u64>,
    /// The newest time of day.
    now: u64,
    /// By how much the least late message of this segment was.
    late: Option<i64>,
    /// Since when all have been far too late.
    late_since: Option<u64>,
    /// The same of the segment before.
    was_late: Option<i64>,
    /// The server's clock was set back.
    set_back: bool,
    /// What was made up for since this began, in milliseconds; less than nothing, where it would have begun too soon.
    slewed: i32,
    /// When what was before has ended, as if nothing had been made up for.
    ended: u64,
}

impl Wall {
    /// Of a stream whose clock showed `at` then, after so much was made up for.
    pub fn at(at: u64, wall: u64, slewed: i32) -> Wall {
        Wall { zero: Some(wall.saturating_sub(at)), now: wall, slewed, ..Wall::default() }
    }

    /// Behind the end of what had this time of day then, after so much was made up for.
    pub fn behind(wall: u64, slewed: i32) -> Wall {
        Wall { ended: steady(wall, slewed), ..Wall::default() }
    }

    /// Decides what the stream's clock means, if that is not decided yet: `at` is now.
    pub fn begin(&mut self, at: u64) {
        if self.zero.is_none() {
            let too_soon = i32::try_from(self.ended.saturating_sub(self.now)).unwrap_or(i32::MAX);
            *self = Wall::at(at, self.now, -too_soon);
        }
    }

    /// The next message decides; what there was ends with this time of the stream.
    pub fn forget(&mut self, end: u64) {
        let known = self.zero.is_some();
        let ended = if known { steady(self.of(end), self.slewed) } else { self.ended };
        *self = Wall { now: self.now, ended, ..Wall::default() };
    }

    /// By how much a time of day is later than when what was before has ended.
    pub fn since_ended(&self, wall: u64) -> i32 {
        let since = (wall as i64).saturating_sub(self.ended as i64);
        since.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }

    /// The newest time of day.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The time of day of a time of the stream.
    pub fn of(&self, at: u64) -> u64 {
        self.zero.unwrap_or(0).saturating_add(at)
    }

    /// What was made up for since the stream's clock was given its meaning, in milliseconds.
    pub fn slewed(&self) -> i32 {
        self.slewed
    }

    /// A message has come.
    pub fn see(&mut self, at: u64, wall: u64) {
        self.set_back |= wall.saturating_add(FAR_MS as u64) < self.now;
        self.now = wall;
        if self.zero.is_some() {
            let late = (wall as i64).saturating_sub(self.of(at) as i64);
            self.late = Some(self.late.map_or(late, |least| least.min(late)));
        }
    }

    /// A segment that was so long has ended. `true`: what comes next is to have other dates, after a discontinuity.
    pub fn segment(&mut self, length: u64) -> bool {
        let late = self.late.take().unwrap_or(0);
        let most = (length * SLEW_PERCENT / 100) as i64;
        let before = self.was_late.replace(late).unwrap_or(late);
        let drifts = (SLACK_MS..=FAR_MS).contains(&late.abs()) && (late - before).abs() <= 5 * most;
        let step = if drifts { late.clamp(-most, most) } else { 0 };
        self.zero = self.zero.map(|zero| zero.saturating_add_signed(step));
        self.slewed = self.slewed.saturating_add(step as i32);
        if late <= FAR_MS {
            self.late_since = None;
            return self.set_back;
        }
        let since = *self.late_since.get_or_insert(self.now);
        self.set_back || self.now.abs_diff(since) >= LATE_MS
    }
}

/// As if nothing had been made up for.
fn steady(wall: u64, slewed: i32) -> u64 {
    wall.saturating_add_signed(-i64::from(slewed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of two seconds; `clock` says when the frame of a time of the stream comes. Gives by how much dates are off then,
    /// at most behind the first minute, and how often there was a discontinuity.
    fn run(minutes: u64, clock: impl Fn(u64) -> u64) -> (u64, u32) {
        let (mut wall, mut off, mut breaks) = (Wall::default(), 0, 0);
        for at in (0..minutes * 60_000).step_by(40) {
            wall.see(at, clock(at));
            wall.begin(at);
            if at % 2000 == 0 && at > 0 && wall.segment(2000) {
                wall.forget(at);
                wall.begin(at);
                breaks += 1;
            }
            if at > 60_000 {
                off = off.max(wall.of(at).abs_diff(clock(at)));
            }
        }
        (off, breaks)
    }

    const UNIX: u64 = 1_790_000_000_000;

    #[test]
    fn a_publisher_whose_clock_is_fast_or_slow_is_followed() {
        for (num, den) in [(100, 101), (101, 100), (999, 1000), (1, 1)] {
            let (off, breaks) = run(600, |at| UNIX + at * num / den);
            assert!(off < 600 && breaks == 0, "{num}/{den}: {off} ms, {breaks} discontinuities");
        }
    }

    #[test]
    fn a_clock_that_is_set_is_a_discontinuity() {
        let back = |at: u64| UNIX + at - if at > 100_000 { 3_600_000 } else { 0 };
        assert_eq!(run(5, back).1, 1);
        let forth = |at: u64| UNIX + at + if at > 100_000 { 3_600_000 } else { 0 };
        assert_eq!(run(5, forth).1, 1);
    }

    #[test]
    fn nothing_begins_before_what_was_has_ended() {
        let mut wall = Wall::default();
        // Ten seconds in one; the clock is set back; a publisher whose own clock begins anew.
        for (at, now, told) in
            [(0, 0, 0), (10_000, 1000, -9000), (20_000, 0, -20_000), (0, 60_000, 0)]
        {
            wall.see(at, UNIX + now);
            wall.forget(at);
            wall.begin(at);
            assert_eq!(wall.slewed(), told, "{at}");
            assert_eq!(wall.of(at), UNIX + now);
        }
        // Whoever goes on behind an end knows it by that.
        wall.forget(5000);
        let mut other = Wall::behind(UNIX + 1, wall.since_ended(UNIX + 1));
        other.see(0, UNIX);
        other.begin(0);
        assert_eq!((other.of(0), other.slewed()), (UNIX, -65_000));
    }

    #[test]
    fn what_comes_late_and_catches_up_is_none() {
        // Nothing comes for twenty seconds, then all of it at once.
        let stalls = |at: u64| UNIX + if (100_000..120_000).contains(&at) { 120_000 } else { at };
        assert_eq!(run(5, stalls), (run(5, stalls).0, 0));
        // A film that is sent as fast as it can be.
        assert_eq!(run(60, |at| UNIX + at / 100).1, 0);
    }
}
