//! Where the numbers of a stream begin that neither the memory nor its files tell of. They come from the time of day, and from
//! nothing that a directive can change: who begins anew begins ahead of all that was given out before.

use std::cell::Cell;

/// 2026-11-01 00:00 UTC.
const EPOCH: u64 = 1_793_491_200;
/// Seconds for each discontinuity.
const PACE: u64 = 300;

/// The first media sequence number and the discontinuities before it, at this time of day, in seconds.
///
/// hls.js (1.7) keeps an array with an entry for each discontinuity sequence number, and goes through all of it whenever a
/// playlist comes: thirty million, the minutes of unix time, take it half a second each time. So these count more slowly, and
/// from an epoch of their own; a stream that breaks more often than once in five minutes all its life would begin anew behind
/// what it had.
pub fn first(unix: u64) -> (u64, u64) {
    (unix, unix.saturating_sub(EPOCH) / PACE)
}

/// No number that is counted here is further ahead of the time of day.
const MOST_AHEAD: u64 = 180;

/// The time of day that a stream's numbers are measured by. It goes on where the server's clock is set back: else nothing
/// would be cut until that is again where it was.
#[derive(Debug, Default)]
pub struct Pace {
    /// A time of day, in seconds, and the monotonic clock's then, in milliseconds.
    known: Cell<(u64, u64)>,
}

impl Pace {
    /// By how many a number is ahead of it now: `wall` in seconds, `monotonic` in milliseconds.
    pub fn ahead(&self, number: u64, wall: u64, monotonic: u64) -> u64 {
        let (known, since) = self.known.get();
        let on = known + monotonic.saturating_sub(since) / 1000;
        let now = wall.max(on);
        // It was counted before the clock was set back, by whoever was here then.
        let now = if number > now + MOST_AHEAD { number } else { now };
        if now > on {
            self.known.set((now, monotonic));
        }
        number.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        const HOUR: u64 = 3600;
        let pace = Pace::default();
        assert_eq!(pace.ahead(EPOCH + 30, EPOCH, 5000), 30);
        for second in 0..100 {
            let ahead =
                pace.ahead(EPOCH + 30 + second, EPOCH - HOUR + second, 5000 + second * 1000);
            assert!(ahead <= 31, "{ahead}");
        }
        // It is measured all the same.
        assert_eq!(pace.ahead(EPOCH + 200, EPOCH - HOUR + 99, 104_000), 101);
        let other = Pace::default();
        assert_eq!(other.ahead(EPOCH + 30, EPOCH - HOUR, 7000), 0);
        assert_eq!(other.ahead(EPOCH + 130, EPOCH - HOUR + 10, 17_000), 90);
    }

    #[test]
    fn they_grow_and_stay_small() {
        let in_ten_years = EPOCH + 10 * 366 * 86_400;
        assert_eq!(first(EPOCH).1, 0);
        assert_eq!(first(EPOCH + 3600).1, 12);
        assert!(first(in_ten_years).1 < 1_100_000);
        // A clock that was never set.
        assert_eq!(first(5), (5, 0));
    }
}
