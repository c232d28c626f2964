//! Where in a channel one has read to.

/// A place that is remembered: spares looking for the place. A stale one is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    pub(crate) cursor: u64,
    pub(crate) block: u32,
    pub(crate) offset: u32,
    pub(crate) stamp: u32,
}

impl Hint {
    /// Of nowhere.
    pub const NONE: Hint = Hint { cursor: 0, block: 0, offset: 0, stamp: 0 };

    /// The cursor whose place it is.
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }
}
