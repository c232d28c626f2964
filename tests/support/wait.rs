//! Waiting for what must come, never for a time.

use std::time::{Duration, Instant};

/// After so long, what a test waits for will not come.
pub const PATIENCE: Duration = Duration::from_secs(20);

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
pub fn comes_within(patience: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !ready() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}
