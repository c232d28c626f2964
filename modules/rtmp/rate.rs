//! A count, and how fast it grows.

use std::cell::Cell;

/// Seconds over which the rate is taken, as nginx-rtmp does.
const SPAN_MS: u64 = 10_000;

/// Bytes, and bits per second over the last ten seconds that are complete.
#[derive(Default)]
pub struct Rate {
    total: Cell<u64>,
    begin: Cell<u64>,
    span: Cell<u64>,
    rate: Cell<u64>,
}

impl Rate {
    /// Counts `bytes` at a time of the loop.
    pub fn add(&self, bytes: u64, now: u64) {
        self.roll(now);
        self.total.set(self.total.get() + bytes);
        self.span.set(self.span.get() + bytes);
    }

    fn roll(&self, now: u64) {
        let passed = now.saturating_sub(self.begin.get());
        if passed >= SPAN_MS {
            let first = self.begin.get() == 0;
            let fresh = if first || passed >= 2 * SPAN_MS { 0 } else { self.span.get() };
            self.rate.set(fresh * 8 * 1000 / passed.max(1));
            self.begin.set(now);
            self.span.set(0);
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.total.get()
    }

    /// Bits per second.
    pub fn bits_per_second(&self, now: u64) -> u64 {
        self.roll(now);
        self.rate.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_ten_seconds() {
        let rate = Rate::default();
        rate.add(5, 100_000);
        assert_eq!((rate.total(), rate.bits_per_second(100_001)), (5, 0));
        rate.add(9_995, 105_000);
        assert_eq!(rate.bits_per_second(110_000), 8_000);
        assert_eq!(rate.bits_per_second(119_000), 8_000);
        assert_eq!(rate.bits_per_second(140_000), 0, "nothing has come since");
    }

    /// What comes at an even pace has the same rate, whoever looks how often.
    #[test]
    fn a_rate_does_not_depend_on_who_looks() {
        for every in [500, 3_000, 10_000, 22_000, 60_000, u64::MAX] {
            let rate = Rate::default();
            let mut looked = 100_000;
            for now in (100_000..400_000).step_by(40) {
                rate.add(500, now);
                if now >= 130_000 && now - looked >= every.min(250_000) {
                    looked = now;
                    assert_eq!(rate.bits_per_second(now) / 1000, 100, "every {every} ms, at {now}");
                }
            }
            assert!(looked > 130_000, "{every}");
        }
    }
}
