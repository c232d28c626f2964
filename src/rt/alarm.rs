//! Calls at a time.

use std::cmp::Ordering;

/// The next to ring is the greatest; of those that are due together, the one that was set first.
pub(crate) struct Alarm {
    pub due: u64,
    pub number: u64,
    pub ring: Box<dyn FnOnce()>,
}

impl Ord for Alarm {
    fn cmp(&self, other: &Alarm) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Alarm) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Alarm) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Alarm {}
