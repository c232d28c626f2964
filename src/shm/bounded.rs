//! A lock for which nobody waits for ever.
//!
//! A process that dies with it leaves it to the next, who mends what was half-done. One that stands still with it
//! (stopped, or stuck in the kernel) is ended: by its master, which only ever tries to take the lock, after two
//! seconds; by those who wait, should there be no master that does, after ten. The time that counts is the
//! observer's own running time: when everybody was frozen together, nobody is late.

use std::time::Duration;

use crate::{Acquired, RobustLock, U64};

/// Milliseconds of one wait; longer ones between two looks do not count as more.
const LOOK_MS: u64 = 500;
/// Milliseconds that a process may keep the lock and stand still, before its master ends it.
pub const PATIENCE_MS: u64 = 2000;
/// The same for those who wait: their master was to have ended it.
const LONG_PATIENCE_MS: u64 = 5 * PATIENCE_MS;

/// The lock, in shared memory. It must be [`init`](BoundedLock::init)ialised once, before it is shared.
#[repr(C)]
pub struct BoundedLock {
    robust: RobustLock,
    /// Counts up each time that it is taken: whoever has it makes progress.
    turns: U64,
}

impl BoundedLock {
    /// Makes a lock at this place.
    ///
    /// # Safety
    /// Nobody uses the place as a lock, or will before this returns.
    pub unsafe fn init(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.robust.init() };
    }

    /// Takes the lock if nobody has it: for those whom nobody may keep waiting.
    pub fn try_lock(&self) -> Acquired {
        self.counted(self.robust.try_lock())
    }

    /// Takes the lock: it is never [`Acquired::Busy`].
    #[inline]
    pub fn lock(&self) -> Acquired {
        self.lock_by(|robust| robust.lock_within(LOOK_MS))
    }

    /// The same; each wait, of half a second at most, is `attempt`.
    #[inline]
    pub fn lock_by(&self, attempt: impl FnMut(&RobustLock) -> Acquired) -> Acquired {
        match self.robust.try_lock() {
            Acquired::Busy => self.wait(attempt),
            acquired => self.counted(acquired),
        }
    }

    /// For a master that cannot go on without the lock: it tries for some time, and ends who stands still with it.
    pub fn lock_soon(&self) -> Acquired {
        let until = sys::clock::monotonic_ms() + 2 * PATIENCE_MS;
        let mut holder = Holder::default();
        loop {
            let now = sys::clock::monotonic_ms();
            holder.end_if_stuck(self, now, PATIENCE_MS);
            match self.try_lock() {
                Acquired::Busy if now < until => std::thread::sleep(Duration::from_millis(1)),
                tried => return tried,
            }
        }
    }

    #[cold]
    fn wait(&self, mut attempt: impl FnMut(&RobustLock) -> Acquired) -> Acquired {
        let mut holder = Holder::default();
        loop {
            let acquired = attempt(&self.robust);
            if acquired != Acquired::Busy {
                return self.counted(acquired);
            }
            holder.end_if_stuck(self, sys::clock::monotonic_ms(), LONG_PATIENCE_MS);
        }
    }

    #[inline]
    fn counted(&self, acquired: Acquired) -> Acquired {
        if acquired != Acquired::Busy {
            self.turns.add(1);
        }
        acquired
    }

    /// What the lock protects is whole again.
    pub fn mended(&self) {
        self.robust.mended();
    }

    /// Gives the lock back; the caller has it.
    #[inline]
    pub fn unlock(&self) {
        self.robust.unlock();
    }
}

/// What an observer knows of who has the lock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holder {
    pid: i32,
    turns: u64,
    looked: u64,
    /// Milliseconds of the observer's running time.
    kept: u64,
}

impl Holder {
    /// Looks at the lock at a time in milliseconds. Gives the process that has it since more than `patience`
    /// milliseconds, in which the observer was running and nobody else had it.
    pub fn look(&mut self, lock: &BoundedLock, now: u64, patience: u64) -> Option<i32> {
        let (pid, turns) = (lock.robust.owner(), lock.turns.get());
        if pid == 0 || (pid, turns) != (self.pid, self.turns) {
            *self = Holder { pid, turns, looked: now, kept: 0 };
            return None;
        }
        self.kept += now.saturating_sub(self.looked).min(LOOK_MS);
        self.looked = now;
        (self.kept >= patience).then_some(pid)
    }

    /// Ends the process that keeps the lock and stands still; the next one mends what it has left.
    fn end_if_stuck(&mut self, lock: &BoundedLock, now: u64, patience: u64) {
        if let Some(pid) = self.look(lock, now, patience) {
            sys::log!(
                Alert,
                "process {pid} keeps the lock of a zone and stands still, it is ended"
            );
            let _ = sys::process::kill(pid, sys::signal::SIGKILL);
            *self = Holder::default();
        }
    }
}
