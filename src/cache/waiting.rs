//! Those who wait in this process for what is fetched, here or elsewhere: they are woken, and look again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::task::Waker;

use sys::bell::Bell;

use crate::key::Digest16;

/// All of a cache.
#[derive(Default)]
pub struct Waiting {
    bell: OnceCell<Rc<Bell>>,
    /// Each with a number of its own.
    wakers: RefCell<BTreeMap<(Digest16, u64), Waker>>,
    number: Cell<u64>,
}

impl Waiting {
    /// Hears from other processes from now on.
    pub fn listen(&'static self, name: String) -> Result<(), String> {
        let bell = Bell::bind(&name).map(Rc::new);
        // In a process without master each configuration would have one: the first one has it, and the others look again in time.
        let Ok(bell) = bell else { return Ok(()) };
        let heard = bell.clone();
        let watched = rt::on_readable(bell.as_raw_fd(), move || {
            heard.silence();
            self.wake_all();
        });
        watched.map_err(|e| format!("epoll_ctl() failed {}", sys::log::errno(&e)))?;
        let _ = self.bell.set(bell);
        Ok(())
    }

    fn wake_all(&self) {
        let all = std::mem::take(&mut *self.wakers.borrow_mut());
        all.into_values().for_each(Waker::wake);
    }

    fn wake(&self, digest: &Digest16) {
        let mut wakers = self.wakers.borrow_mut();
        let range = (*digest, 0)..=(*digest, u64::MAX);
        let woken: Vec<_> = wakers.range(range).map(|(key, _)| *key).collect();
        let woken: Vec<Waker> = woken.iter().filter_map(|key| wakers.remove(key)).collect();
        drop(wakers);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Tells those who wait here for an answer, and processes whose bells are called so, that it has come, or does not.
    pub fn tell(&self, digest: &Digest16, bells: impl Iterator<Item = String>) {
        self.wake(digest);
        for name in bells {
            match self.bell.get() {
                Some(bell) => bell.ring(&name),
                None => sys::bell::ring(&name),
            }
        }
    }

    /// A key for one that waits: nobody else's.
    pub fn next(&self, digest: Digest16) -> (Digest16, u64) {
        self.number.set(self.number.get() + 1);
        (digest, self.number.get())
    }

    /// Whether one waits still, and is woken in another way from now on.
    pub fn renew(&self, key: &(Digest16, u64), waker: &Waker) -> bool {
        let mut wakers = self.wakers.borrow_mut();
        wakers.get_mut(key).map(|known| known.clone_from(waker)).is_some()
    }

    /// One waits.
    pub fn add(&self, key: (Digest16, u64), waker: Waker) {
        self.wakers.borrow_mut().insert(key, waker);
    }

    /// One waits no more.
    pub fn remove(&self, key: &(Digest16, u64)) {
        self.wakers.borrow_mut().remove(key);
    }
}
