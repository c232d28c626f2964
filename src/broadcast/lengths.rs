//! How many patterns of each length a process reads.

use std::cell::Cell;

use crate::layout::MAX_NAME;

/// One count for each length of a name.
pub(crate) struct Lengths([Cell<u32>; MAX_NAME + 1]);

impl Default for Lengths {
    fn default() -> Lengths {
        Lengths([const { Cell::new(0) }; MAX_NAME + 1])
    }
}

impl Lengths {
    /// Changes the count of a length; gives the new one.
    pub fn change(&self, len: usize, change: impl FnOnce(u32) -> u32) -> u32 {
        let count = &self.0[len];
        count.set(change(count.get()));
        count.get()
    }
}
