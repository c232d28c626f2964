//! Work that blocks (a cold disk) on other threads, awaited like anything else.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

type Job = Box<dyn FnOnce() + Send>;

/// Threads of the pool; they start when there is work for them.
const THREADS: usize = 32;

struct Jobs {
    queue: VecDeque<Job>,
    threads: usize,
    waiting: usize,
}

static JOBS: Mutex<Jobs> = Mutex::new(Jobs { queue: VecDeque::new(), threads: 0, waiting: 0 });
static WORK: Condvar = Condvar::new();

/// Runs `work` on another thread; the future gives its result. Dropping the future does not stop it.
pub fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Offload<T> {
    let place = Arc::new(Mutex::new(Place { result: None, waker: None }));
    let there = place.clone();
    submit(Box::new(move || {
        let result = work();
        let mut place = there.lock().unwrap_or_else(PoisonError::into_inner);
        place.result = Some(result);
        if let Some(waker) = place.waker.take() {
            waker.wake();
        }
    }));
    Offload { place }
}

/// The result of [`offload`].
pub struct Offload<T> {
    place: Arc<Mutex<Place<T>>>,
}

struct Place<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T> Future for Offload<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match place.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                place.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn submit(job: Job) {
    let mut jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.queue.push_back(job);
    if jobs.queue.len() > jobs.waiting && jobs.threads < THREADS {
        let started = std::thread::Builder::new().name("offload".into()).spawn(work);
        jobs.threads += usize::from(started.is_ok());
    }
    WORK.notify_one();
}

fn work() {
    let mut jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match jobs.queue.pop_front() {
            Some(job) => {
                drop(jobs);
                // A panic in a job must not take the thread from those that come after.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
            }
            None => {
                jobs.waiting += 1;
                jobs = WORK.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                jobs.waiting -= 1;
            }
        }
    }
}
