//! Where the log is, in the zone's memory.

use shm::{U32, U64};

/// The state of a log, in the zone's shared memory. All zero: no log was opened into it. It is changed
/// under the zone's lock alone, but for what [`Log::sync`](crate::Log::sync) publishes; each word by
/// itself, so that whoever gets the lock of a dead process goes on with it as it is.
#[repr(C)]
#[derive(Debug, Default)]
pub struct LogState {
    pub(crate) phase: U32,
    pub(crate) epoch: U32,
    /// Names this life; before it has begun, the newest that has left something.
    pub(crate) life: U64,
    /// The number of the segment in which it began, and which life began that.
    pub(crate) first: U64,
    pub(crate) first_life: U64,
    /// The position behind all that is written and committed; published for those who sync.
    pub(crate) head: U64,
    /// The last append, of which only the next one knows whether the zone has committed it: where its
    /// record begins and ends, and its seq; 0: there is none.
    pub(crate) pending_at: U64,
    pub(crate) pending_end: U64,
    pub(crate) pending: U64,
    /// How far the cleaner is: the position up to which no older lap's records are needed, but that
    /// it goes through each segment from its end to its beginning.
    pub(crate) swept: U64,
    /// Bytes that were copied out of the segment that it is in.
    pub(crate) copied: U64,
    /// Where the head was when it was last through with a segment.
    pub(crate) swept_at: U64,
    /// The number of the last segment that may be written to.
    pub(crate) clear: U64,
    /// What was the newest seq when the log was opened or closed, and what was damaged then.
    pub(crate) newest: U64,
    pub(crate) damaged: U32,
    /// Not 0: a sync has failed, and nobody knows what is on the disk.
    pub(crate) failed: U32,
    /// Everything up to this position is on the disk; published, as the seq is.
    pub(crate) synced_at: U64,
    pub(crate) synced: U64,
}

/// No log.
pub(crate) const FRESH: u32 = 0;
/// Opened, but nothing is written.
pub(crate) const READY: u32 = 1;
/// The header says that somebody writes.
pub(crate) const BEGUN: u32 = 2;

impl LogState {
    /// The newest seq that is known to be on the disk.
    pub fn synced(&self) -> u64 {
        self.synced.published()
    }

    /// Whether a log was opened into it.
    pub fn is_open(&self) -> bool {
        self.phase.published() != FRESH
    }

    /// Sets out from what was found.
    pub(crate) fn start(&self, epoch: u32, from: &Start) {
        self.phase.set(FRESH);
        self.epoch.set(epoch);
        self.life.set(from.life);
        self.head.set(from.head);
        self.pending.set(0);
        self.swept.set(from.clear * from.segment);
        self.copied.set(0);
        self.swept_at.set(0);
        self.clear.set(from.clear);
        self.newest.set(from.newest);
        self.damaged.set(from.damaged);
        self.failed.set(0);
        self.synced_at.set(0);
        self.synced.set(0);
        self.phase.publish(READY);
    }
}

/// What a state sets out from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// The newest life that has left something.
    pub life: u64,
    pub head: u64,
    /// The last segment that may be written to, and the size of one.
    pub clear: u64,
    pub segment: u64,
    pub newest: u64,
    pub damaged: u32,
}

/// Raises a word that several publish.
pub(crate) fn raise(word: &U64, value: u64) {
    loop {
        let old = word.published();
        if old >= value || word.replace(old, value) {
            return;
        }
    }
}
