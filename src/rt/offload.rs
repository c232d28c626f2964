//! Work that blocks (a cold disk) on other threads, awaited like anything else.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Work of this process that other threads have not yet done.
static UNDONE: AtomicUsize = AtomicUsize::new(0);

/// Whether all work of other threads is done: what a client that has gone has asked for is not left half done.
pub(crate) fn is_done() -> bool {
    UNDONE.load(Ordering::Acquire) == 0
}

/// Runs `work` on another thread; the future gives its result, and panics as the work has. Dropping
/// the future does not stop it.
pub fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Offload<T> {
    let place = Arc::new(Mutex::new(Place { result: None, waker: None }));
    let there = place.clone();
    UNDONE.fetch_add(1, Ordering::AcqRel);
    submit(Box::new(move || {
        // Whoever waits must hear of a panic, too, and the thread has others to serve.
        let result = catch_unwind(AssertUnwindSafe(work));
        UNDONE.fetch_sub(1, Ordering::AcqRel);
        let mut place = there.lock().unwrap_or_else(PoisonError::into_inner);
        place.result = Some(result);
        if let Some(waker) = place.waker.take() {
            waker.wake();
        }
    }));
    Offload { place }
}

/// Runs `work` on another thread, or at once in this one: where files are left to threads, and where they are not.
pub async fn offload_if<T: Send + 'static>(
    elsewhere: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match elsewhere {
        true => offload(work).await,
        false => work(),
    }
}

/// The result of [`offload`].
pub struct Offload<T> {
    place: Arc<Mutex<Place<T>>>,
}

struct Place<T> {
    result: Option<std::thread::Result<T>>,
    waker: Option<Waker>,
}

impl<T> Future for Offload<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match place.result.take() {
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(panic)) => {
                drop(place);
                resume_unwind(panic)
            }
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
                job();
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Wake(std::sync::mpsc::Sender<()>);

    impl std::task::Wake for Wake {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }

    /// Polls whenever it is woken, until it is ready.
    fn wait<T>(mut future: Offload<T>) -> T {
        let (sender, woken) = std::sync::mpsc::channel();
        let waker = Waker::from(Arc::new(Wake(sender)));
        loop {
            if let Poll::Ready(result) =
                Pin::new(&mut future).poll(&mut Context::from_waker(&waker))
            {
                return result;
            }
            woken.recv_timeout(std::time::Duration::from_secs(30)).expect("the work ends");
        }
    }

    #[test]
    fn a_panic_of_the_work_reaches_who_waits_and_the_threads_go_on() {
        for _ in 0..THREADS + 1 {
            let lost = catch_unwind(|| wait(offload(|| -> u8 { resume_unwind(Box::new("lost")) })));
            assert_eq!(lost.expect_err("the panic").downcast_ref(), Some(&"lost"));
        }
        assert_eq!(wait(offload(|| 7)), 7);
    }
}
