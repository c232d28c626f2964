//! The zone's one lock, and what becomes of what a dead process left half-done.

use std::ops::Deref;

use shm::{Acquired, Holder};

use crate::step::{is_simulated, step};
use crate::zone::Zone;

impl Zone {
    /// Looks who has the lock, at a time in milliseconds ([`Holder::look`]).
    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        holder.look(&self.header().lock, now, patience)
    }

    /// Takes the lock; what a dead process left half-done is mended first.
    pub(crate) fn lock(&self) -> Locked<'_> {
        step("lock");
        let lock = &self.header().lock;
        // In a simulation the others must run, and not the kernel wait for them.
        self.locked(match is_simulated() {
            true => lock.lock_by(|robust| {
                step("busy");
                robust.try_lock()
            }),
            false => lock.lock(),
        })
    }

    /// Takes the lock if nobody has it: for those whom nobody may keep waiting.
    pub(crate) fn try_lock(&self) -> Option<Locked<'_>> {
        match self.header().lock.try_lock() {
            Acquired::Busy => None,
            acquired => Some(self.locked(acquired)),
        }
    }

    /// The lock, for a master that cannot go on without it.
    pub(crate) fn lock_soon(&self) -> Option<Locked<'_>> {
        match self.header().lock.lock_soon() {
            Acquired::Busy => None,
            acquired => Some(self.locked(acquired)),
        }
    }

    fn locked(&self, acquired: Acquired) -> Locked<'_> {
        let locked = Locked { zone: self };
        if acquired == Acquired::OwnerDied {
            locked.repair();
            self.header().lock.mended();
        }
        locked
    }
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

    /// Whether nothing may be appended: as long as whoever has said so lives.
    pub fn is_sealed(&self) -> bool {
        let by = self.header().sealed.get();
        by != 0 && (self.header().retired.get() != 0 || sys::process::exists(by as i32))
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
