//! When the master looks at shared memory next, and what it could not see to before.

use sys::clock::monotonic_ms;

/// How often it looks, in milliseconds.
const LOOK_MS: u64 = 500;

/// What is still to be seen to.
#[derive(Debug, Default)]
pub struct Watch {
    due: u64,
    /// Processes that have ended, and whose part in shared memory was locked.
    unburied: Vec<i32>,
}

impl Watch {
    /// Milliseconds until the next look.
    pub fn left(&self) -> u64 {
        self.due.saturating_sub(monotonic_ms())
    }

    /// Notes a dead process for the next look.
    pub fn note(&mut self, pid: i32) {
        self.unburied.push(pid);
    }

    /// The processes that were noted, if it is time to look.
    pub fn take_due(&mut self) -> Option<Vec<i32>> {
        let now = monotonic_ms();
        (now >= self.due).then(|| {
            self.due = now + LOOK_MS;
            std::mem::take(&mut self.unburied)
        })
    }
}
