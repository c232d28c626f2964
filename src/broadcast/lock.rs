//! The zone's one lock: taking it, waiting for it, and what becomes of who keeps it.
//!
//! Nobody waits for ever. A process that dies with the lock leaves it to the next, who mends what was half-done.
//! One that stands still with it (stopped, or stuck in the kernel) is ended: by its master, which only ever
//! tries to take the lock, after two seconds; by those who wait, should there be no master that does, after ten.
//! The time that counts is the observer's own running time: when everybody was frozen together, nobody is late.

use std::ops::Deref;

use shm::Acquired;

use crate::step::step;
use crate::zone::Zone;

/// Milliseconds of one wait; longer ones between two looks do not count as more.
const LOOK_MS: u64 = 500;
/// Milliseconds that a process may keep the lock and stand still, before its master ends it.
pub const PATIENCE_MS: u64 = 2000;
/// The same for those who wait: their master was to have ended it.
const LONG_PATIENCE_MS: u64 = 5 * PATIENCE_MS;

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
    pub fn look(&mut self, zone: &Zone, now: u64, patience: u64) -> Option<i32> {
        let (pid, turns) = (zone.header().lock.owner(), zone.header().turns.get());
        if pid == 0 || (pid, turns) != (self.pid, self.turns) {
            *self = Holder { pid, turns, looked: now, kept: 0 };
            return None;
        }
        self.kept += now.saturating_sub(self.looked).min(LOOK_MS);
        self.looked = now;
        (self.kept >= patience).then_some(pid)
    }
}

impl Zone {
    /// Takes the lock; what a dead process left half-done is mended first.
    pub(crate) fn lock(&self) -> Locked<'_> {
        step("lock");
        let lock = &self.header().lock;
        let acquired = match lock.try_lock() {
            Acquired::Busy => self.wait_for_lock(),
            acquired => acquired,
        };
        self.locked(acquired)
    }

    /// Takes the lock if nobody has it: for those whom nobody may keep waiting.
    pub(crate) fn try_lock(&self) -> Option<Locked<'_>> {
        match self.header().lock.try_lock() {
            Acquired::Busy => None,
            acquired => Some(self.locked(acquired)),
        }
    }

    /// The lock, for a master that cannot go on without it: it tries for some time, and ends who stands still with it.
    pub(crate) fn lock_soon(&self) -> Option<Locked<'_>> {
        let until = sys::clock::monotonic_ms() + 2 * PATIENCE_MS;
        let mut holder = Holder::default();
        loop {
            let now = sys::clock::monotonic_ms();
            if let Some(pid) = holder.look(self, now, PATIENCE_MS) {
                end(pid);
                holder = Holder::default();
            }
            match self.try_lock() {
                None if now < until => std::thread::sleep(std::time::Duration::from_millis(1)),
                tried => return tried,
            }
        }
    }

    fn locked(&self, acquired: Acquired) -> Locked<'_> {
        self.header().turns.add(1);
        let locked = Locked { zone: self };
        if acquired == Acquired::OwnerDied {
            locked.repair();
            self.header().lock.mended();
        }
        locked
    }

    #[cold]
    fn wait_for_lock(&self) -> Acquired {
        let mut holder = Holder::default();
        loop {
            // In a simulation the others must run, and not the kernel wait for them.
            let acquired = match crate::step::is_simulated() {
                true => {
                    step("busy");
                    self.header().lock.try_lock()
                }
                false => self.header().lock.lock_within(LOOK_MS),
            };
            if acquired != Acquired::Busy {
                return acquired;
            }
            if let Some(pid) = holder.look(self, sys::clock::monotonic_ms(), LONG_PATIENCE_MS) {
                end(pid);
                holder = Holder::default();
            }
        }
    }
}

/// Ends a process that keeps the lock and stands still; the next one mends what it has left.
fn end(pid: i32) {
    sys::log!(Alert, "process {pid} keeps the lock of a zone and stands still, it is ended");
    let _ = sys::process::kill(pid, sys::signal::SIGKILL);
}

/// The zone, with its lock.
pub(crate) struct Locked<'z> {
    zone: &'z Zone,
}

impl<'z> Locked<'z> {
    /// Gives the lock back.
    pub fn unlock(self) -> &'z Zone {
        self.zone
    }
}

impl Deref for Locked<'_> {
    type Target = Zone;

    fn deref(&self) -> &Zone {
        self.zone
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A fault of the program in the middle of a change: as if the process had died here.
        if std::thread::panicking() {
            self.repair();
        }
        self.zone.header().lock.unlock();
    }
}
