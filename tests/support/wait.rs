//! Waiting for what must come, never for a time.

use std::time::{Duration, Instant};

/// Between two looks: first, and later.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(16);

/// After so long, what a test waits for will not come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// However slow the looks are, it is not waited for longer than so many times the patience: what a test waits for is said by the test, not by
/// the end of its time.
const MOST_PATIENCES: u32 = 3;

/// Waits until `ready` holds; panics with `what` if it never does.
#[track_caller]
pub fn wait_for(what: &str, ready: impl FnMut() -> bool) {
    assert!(comes(ready), "waited in vain for: {what}");
}

/// Whether `ready` holds before patience ends.
pub fn comes(ready: impl FnMut() -> bool) -> bool {
    comes_within(PATIENCE, ready)
}

/// The same with another patience: for what has its own delay.
///
/// Only the time counts that was meant to pass: where others keep the processors busy, a pause is longer than it was to be,
/// and what is waited for comes later, too.
pub fn comes_within(patience: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    let (mut passed, mut pause) = (Duration::ZERO, SHORTEST);
    while !ready() {
        if passed > patience || begun.elapsed() > patience * MOST_PATIENCES {
            return false;
        }
        std::thread::sleep(pause);
        passed += pause;
        pause = LONGEST.min(pause * 2);
    }
    true
}
