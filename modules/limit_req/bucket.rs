//! The leaky bucket of a key: how many requests, in thousandths, came faster than the rate lets them.
//!
//! A bucket is two words of the zone's table: when it was last looked at, and its excess. A process that is killed
//! between the two leaves the excess for a time that has passed: a client loses what would have leaked since.

use shm::{Entry, Key, Locked, Table};

/// A bucket that is older, in milliseconds, is forgotten; a clock may go back by as much.
const MINUTE: u64 = 60_000;
/// A request.
const ONE: u64 = 1000;
/// A bucket that was made for a request which another zone may yet refuse.
const NEVER_USED: (u64, u64) = (0, 0);

/// What a request came to in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is within rate and burst; the excess with it.
    Within(u64),
    /// It is above the burst; the excess that it would have.
    Above(u64),
    /// There is no room for its key.
    Full,
}

/// Looks at a request: whether it is within `rate` (thousandths of requests a second) and `burst`. It is not counted, but
/// its key has a place now.
pub fn look(table: &Table, key: &[u8], now: u64, rate: u64, burst: u64) -> Verdict {
    visit(table, key, now, rate, burst, false)
}

/// The same, and counts it if it is.
pub fn take(table: &Table, key: &[u8], now: u64, rate: u64, burst: u64) -> Verdict {
    visit(table, key, now, rate, burst, true)
}

fn visit(table: &Table, key: &[u8], now: u64, rate: u64, burst: u64, counts: bool) -> Verdict {
    let key = table.key(key);
    let locked = table.lock();
    let entry = match locked.find(key, 0) {
        Some(entry) => {
            locked.touch(entry);
            entry
        }
        None => match add(&locked, key, now, rate) {
            Some(entry) => entry,
            None => return Verdict::Full,
        },
    };
    let [last, excess] = locked.value(entry);
    let passed = passed(last.get(), now);
    let above = match (last.get(), excess.get()) {
        NEVER_USED => 0,
        (_, excess) => excess.saturating_add(ONE).saturating_sub(leaked(rate, passed)),
    };
    if above > burst {
        return Verdict::Above(above);
    }
    if counts {
        if passed > 0 {
            last.set(now);
        }
        excess.set(above);
    }
    Verdict::Within(above)
}

/// Milliseconds since; clocks of processes may differ by a little. As nginx, one that was set back counts as one.
fn passed(last: u64, now: u64) -> u64 {
    match now.checked_sub(last) {
        Some(passed) => passed,
        None => u64::from(last - now > MINUTE),
    }
}

/// Thousandths of requests that leak in so many milliseconds.
fn leaked(rate: u64, ms: u64) -> u64 {
    (u128::from(rate) * u128::from(ms) / 1000).try_into().unwrap_or(u64::MAX)
}

/// Adds a bucket that has never been used. As in nginx, one or two go with it that have nothing in them; if there is no
/// room then, as many of the oldest as its key needs.
fn add(locked: &Locked<'_>, key: Key<'_>, now: u64, rate: u64) -> Option<Entry> {
    let is_empty = |entry: &Entry| {
        let [last, excess] = locked.value(*entry).map(shm::U64::get);
        let passed = now.abs_diff(last);
        passed >= MINUTE && excess <= leaked(rate, passed)
    };
    for _ in 0..2 {
        if let Some(entry) = locked.oldest().filter(is_empty) {
            locked.remove(entry);
        }
    }
    let (last, excess) = NEVER_USED;
    loop {
        if let Some(entry) = locked.insert(key, 0, [last, excess]) {
            return Some(entry);
        }
        let oldest = locked.oldest().filter(|_| locked.may_hold(key))?;
        locked.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::Region;

    fn table(size: usize) -> Table {
        Table::of(Region::create("test", size).expect("memory").into()).expect("a table")
    }

    #[test]
    fn a_bucket_leaks_at_its_rate() {
        let (table, start) = (table(32768), 1_000_000);
        let take = |ms: u64| take(&table, b"k", start + ms, 2000, 1000);
        // Two a second, one more at once: the second has an excess of one request, the third of two.
        assert_eq!(
            [take(0), take(0), take(0)],
            [Verdict::Within(0), Verdict::Within(1000), Verdict::Above(2000)]
        );
        // What was refused is not counted; 250 ms leak half a request.
        assert_eq!(take(250), Verdict::Above(1500));
        assert_eq!(take(500), Verdict::Within(1000));
        assert_eq!(take(100_000), Verdict::Within(0));
        // A clock of another process that is behind leaks nothing.
        assert_eq!(take(99_990), Verdict::Within(1000));
    }

    #[test]
    fn a_look_counts_nothing() {
        let table = table(32768);
        assert_eq!(look(&table, b"k", 1_000_000, 1000, 0), Verdict::Within(0));
        assert_eq!(take(&table, b"k", 1_000_000, 1000, 0), Verdict::Within(0));
        assert_eq!(look(&table, b"k", 1_000_000, 1000, 0), Verdict::Above(1000));
        assert_eq!(look(&table, b"k", 1_001_000, 1000, 0), Verdict::Within(0));
        assert_eq!(take(&table, b"k", 1_001_000, 1000, 0), Verdict::Within(0));
    }

    #[test]
    fn the_largest_numbers_are_numbers() {
        let table = table(32768);
        let most = u64::MAX >> 1;
        assert_eq!(take(&table, b"k", 1, most, most), Verdict::Within(0));
        assert_eq!(take(&table, b"k", most, most, most), Verdict::Within(0));
        assert_eq!(take(&table, b"k", 0, most, most), Verdict::Within(0));
    }

    #[test]
    fn a_full_zone_forgets_the_oldest_and_never_more_than_it_must() {
        let table = table(32768);
        let most = table.capacity();
        let take = |n: usize, now: u64| take(&table, &n.to_le_bytes(), now, 1, 0);
        for n in 0..most * 3 {
            assert_eq!(take(n, 1_000_000), Verdict::Within(0));
        }
        assert_eq!(table.lock().len(), most, "they are in use: one goes for one");
        assert_eq!(take(most * 3 - 1, 1_000_000), Verdict::Above(1000), "it is remembered");
        assert_eq!(take(0, 1_000_000), Verdict::Within(0), "it is forgotten");
        // Two that have nothing in them go with each that comes (as nginx: their excess has leaked, a minute has passed).
        let later = 1_000_000 + 2_000_000;
        (0..10).for_each(|n| assert_eq!(take(n + most * 4, later), Verdict::Within(0)));
        assert_eq!(table.lock().len(), most - 10);
    }

    #[test]
    fn a_key_that_is_longer_than_the_zone_has_no_place() {
        let table = table(32768);
        assert_eq!(take(&table, &[b'x'; 65535], 1_000_000, 1000, 0), Verdict::Full);
        assert_eq!(take(&table, &[b'x'; 5000], 1_000_000, 1000, 0), Verdict::Within(0));
        assert_eq!(take(&table, &[b'x'; 5000], 1_000_000, 1000, 0), Verdict::Above(1000));
    }
}
