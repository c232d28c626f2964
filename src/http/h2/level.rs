//! The streams of a connection that are equally urgent.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

/// The streams of one urgency.
#[derive(Default)]
pub struct Level {
    /// Those that send, or wait for room: of use only as a whole...
    pub whole: BTreeSet<u32>,
    /// ...and the number of others.
    pub shared: usize,
    /// Those whose turn has not come, by number...
    pub whole_behind: BTreeMap<u32, Waker>,
    /// ...and by place.
    pub shared_behind: BTreeMap<u64, Waker>,
}

impl Level {
    /// Whether somebody sends, or may.
    pub fn is_busy(&self) -> bool {
        self.shared > 0 || !self.whole.is_empty()
    }

    /// Whether somebody's turn has not come.
    pub fn is_waited_for(&self) -> bool {
        !self.whole_behind.is_empty() || !self.shared_behind.is_empty()
    }

    /// Wakes up to `most` whose turn it is, of those that are of use as a whole the first; the number of them.
    pub fn wake(&mut self, most: usize) -> usize {
        let mut woken = 0;
        if let Some(first) = self.whole_behind.first_entry()
            && self.whole.first().is_none_or(|busy| busy > first.key())
        {
            first.remove().wake();
            woken += 1;
        }
        while woken < most
            && let Some((_, waker)) = self.shared_behind.pop_first()
        {
            waker.wake();
            woken += 1;
        }
        woken
    }
}
