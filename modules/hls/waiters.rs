//! Who waits in this worker for something to come.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

/// Those who wait.
#[derive(Default)]
pub struct Waiters(Rc<RefCell<Slab<Waker>>>);

/// One that waits, until this is dropped.
pub struct Waiter {
    all: Rc<RefCell<Slab<Waker>>>,
    key: Option<usize>,
}

impl Waiters {
    /// One more, who does not wait yet.
    pub fn waiter(&self) -> Waiter {
        Waiter { all: self.0.clone(), key: None }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Something has come.
    pub fn wake(&self) {
        self.0.borrow().iter().for_each(|(_, waker)| waker.wake_by_ref());
    }
}

impl Waiter {
    /// Is woken by what comes from now on.
    pub fn wait(&mut self, waker: &Waker) {
        let mut all = self.all.borrow_mut();
        match self.key {
            Some(key) => all[key].clone_from(waker),
            None => self.key = Some(all.insert(waker.clone())),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.all.borrow_mut().remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_is_woken_once_and_none_that_has_gone() {
        let (waiters, count) = (Waiters::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut all: Vec<_> = (0..3).map(|_| waiters.waiter()).collect();
        assert!(waiters.is_empty());
        for waiter in &mut all {
            waiter.wait(&waker);
            waiter.wait(&waker);
        }
        waiters.wake();
        assert_eq!(count.0.swap(0, Ordering::Relaxed), 3);
        all.remove(1);
        let mut next = waiters.waiter();
        next.wait(&waker);
        all.pop();
        waiters.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        drop((all, next));
        assert!(waiters.is_empty());
    }
}
