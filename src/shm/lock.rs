//! A lock between processes that is not lost with its owner.
//!
//! It is a robust, process-shared `pthread_mutex`: the kernel walks the list of a dying thread's
//! robust locks and gives them on, so that a worker that is killed in the middle leaves no lock
//! behind. No lease, no time-out, no guess about process numbers.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

/// The lock, in shared memory. It must be [`init`](RobustLock::init)ialised once, before it is shared.
#[repr(transparent)]
pub struct RobustLock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be used from several threads; every access goes through libc.
unsafe impl Sync for RobustLock {}
// SAFETY: as above; it has no owner in the sense of Rust.
unsafe impl Send for RobustLock {}

/// How the lock was acquired. Whoever has it calls [`RobustLock::unlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// Its last owner gave it back.
    Clean,
    /// Its last owner died with it: what it protects may be half-changed. Once that is mended, the
    /// caller says so with [`RobustLock::mended`].
    OwnerDied,
    /// Somebody has it, and has not given it back in time.
    Busy,
}

impl RobustLock {
    /// Makes a lock at this place.
    ///
    /// # Safety
    /// Nobody uses the place as a lock, or will before this returns.
    pub unsafe fn init(&self) {
        let mut attributes = MaybeUninit::uninit();
        let attributes: *mut libc::pthread_mutexattr_t = attributes.as_mut_ptr();
        // SAFETY: the attributes are made, used and destroyed here; the place is the caller's.
        unsafe {
            libc::pthread_mutexattr_init(attributes);
            libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED);
            libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST);
            // Taking it twice in one thread is an error, not an endless wait.
            libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK);
            let result = libc::pthread_mutex_init(self.0.get(), attributes);
            libc::pthread_mutexattr_destroy(attributes);
            debug_assert_eq!(result, 0);
        }
    }

    /// Takes the lock if nobody has it.
    pub fn try_lock(&self) -> Acquired {
        // SAFETY: the mutex was initialised; it lives as long as the mapping.
        acquired(unsafe { libc::pthread_mutex_trylock(self.0.get()) })
    }

    /// Waits for the lock, at most so many milliseconds.
    pub fn lock_within(&self, ms: u64) -> Acquired {
        let until = sys::clock::monotonic_after(ms);
        // SAFETY: as in `try_lock`; the time is read during the call.
        acquired(unsafe { pthread_mutex_clocklock(self.0.get(), libc::CLOCK_MONOTONIC, &until) })
    }

    /// The thread that has the lock, as this process numbers it; 0: nobody has it.
    pub fn owner(&self) -> i32 {
        // SAFETY: the word of a robust lock that the kernel looks at when its owner dies (get_robust_list(2)):
        // glibc has it first in the mutex, and reads and writes it atomically, as we do.
        let word = unsafe { AtomicU32::from_ptr(self.0.get().cast()) };
        // FUTEX_TID_MASK, of linux/futex.h
        (word.load(Ordering::Relaxed) & 0x3fff_ffff) as i32
    }

    /// What the lock protects is whole again.
    pub fn mended(&self) {
        // SAFETY: as in `try_lock`; the caller has the lock.
        unsafe { libc::pthread_mutex_consistent(self.0.get()) };
    }

    /// Gives the lock back; the caller has it.
    pub fn unlock(&self) {
        // SAFETY: as in `try_lock`. Of somebody who has not the lock libc refuses it: robust mutexes
        // check their owner.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }
}

unsafe extern "C" {
    /// POSIX.1-2024, glibc 2.30: as `pthread_mutex_timedlock`, by a clock that nobody sets.
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        until: *const libc::timespec,
    ) -> i32;
}

fn acquired(result: i32) -> Acquired {
    match result {
        0 => Acquired::Clean,
        libc::EOWNERDEAD => Acquired::OwnerDied,
        libc::EBUSY | libc::ETIMEDOUT => Acquired::Busy,
        // The memory holds no lock any more, or this thread has it already: whatever came next
        // would destroy other people's data.
        _ => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn a_dead_owner_leaves_the_lock_to_the_next() {
        let region = Region::create("lock-test", 4096).expect("a region");
        // SAFETY: the region is fresh, page-aligned and large enough.
        let lock = unsafe { region.base().cast::<RobustLock>().as_ref() };
        // SAFETY: nobody else knows the region.
        unsafe { lock.init() };
        // SAFETY: the child only locks and exits.
        match unsafe { libc::fork() } {
            0 => {
                lock.try_lock();
                // SAFETY: ends the child, with the lock.
                unsafe { libc::_exit(0) }
            }
            child => {
                let mut status = 0;
                // SAFETY: `status` is valid for the call.
                unsafe { libc::waitpid(child, &mut status, 0) };
            }
        }
        assert_eq!(lock.lock_within(1000), Acquired::OwnerDied);
        lock.mended();
        lock.unlock();
        assert_eq!(lock.owner(), 0);
        assert_eq!(lock.lock_within(1000), Acquired::Clean);
        // SAFETY: gettid(2) has no conditions.
        assert_eq!(lock.owner(), unsafe { libc::gettid() });
        let others = || [lock.try_lock(), lock.lock_within(20)];
        let others = std::thread::scope(|scope| scope.spawn(others).join());
        assert_eq!(others.expect("joined"), [Acquired::Busy, Acquired::Busy]);
        lock.unlock();
    }
}
