//! A worker that drains: its readers go on getting what is published, until they leave by themselves or the worker's
//! time is over. Then they are sent away one after the other, not all at once: each comes back to a new worker, and
//! misses nothing.
//!
//! The clock says how many should be gone: a worker that is busy takes larger steps, not longer.

use std::cell::Cell;

/// How often some of them are sent away.
pub(crate) const STEP_MS: u64 = 20;

/// How far a worker's draining is.
#[derive(Default)]
pub(crate) struct Drain {
    /// When the last of them should be gone; 0: they are not sent away.
    until: Cell<u64>,
    /// When some were sent away last.
    stepped: Cell<u64>,
    /// Who is next.
    pub next: Cell<u32>,
    /// It is because another zone has this one's place.
    pub is_retired: Cell<bool>,
}

impl Drain {
    /// They are to be gone when most of `within` milliseconds are over. A second call can only make it faster. `true`: it
    /// begins with this.
    pub fn begin(&self, now: u64, within: u64) -> bool {
        // The last quarter is for those that are slow.
        let (before, until) = (self.until.get(), now + (within * 3 / 4).max(1));
        if before == 0 {
            self.stepped.set(now);
        }
        if before == 0 || until < before {
            self.until.set(until);
        }
        before == 0
    }

    /// How many are to be sent away now, of those who are left. `gradually`: else none before the end.
    pub fn due(&self, now: u64, left: usize, gradually: bool) -> usize {
        let (before, until) = (self.stepped.replace(now), self.until.get());
        let (passed, whole) = (now - before, until.saturating_sub(before));
        match now >= until {
            true => left,
            false if !gradually => 0,
            false => (left as u64 * passed).div_ceil(whole.max(1)) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Drain;

    #[test]
    fn they_leave_at_an_even_pace_and_are_gone_in_time() {
        let drain = Drain::default();
        assert!(drain.begin(1000, 400));
        assert_eq!(drain.due(1100, 90, true), 30);
        assert_eq!(drain.due(1200, 60, true), 30);
        assert!(!drain.begin(1200, 4000), "it may not become slower");
        assert_eq!(drain.due(1300, 30, true), 30);
    }

    #[test]
    fn others_stay_until_the_end() {
        let drain = Drain::default();
        drain.begin(1000, 400);
        assert_eq!(drain.due(1299, 90, false), 0);
        assert_eq!(drain.due(1300, 90, false), 90);
    }
}
