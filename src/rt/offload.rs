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
const THREADS: usize = 64;
/// So many of them are for one lane, at most.
const LANE: usize = 8;

/// One thread at a time is on its way: who arrives sends for the next before it begins, if there is more to do. So many short jobs
/// at once wake few threads, and one that blocks keeps none waiting.
struct Jobs {
    queue: VecDeque<Job>,
    threads: usize,
    waiting: usize,
    /// A thread was woken or started, and has not looked yet.
    coming: bool,
}

static JOBS: Mutex<Jobs> =
    Mutex::new(Jobs { queue: VecDeque::new(), threads: 0, waiting: 0, coming: false });
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
    promise(work, submit)
}

fn promise<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    submit: impl FnOnce(Job),
) -> Offload<T> {
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

/// Work that may have to wait for one thing, such as a disk: it takes some of the threads, and never all, if that hangs. What is too much
/// waits for its turn.
#[derive(Clone, Default)]
pub struct Lane {
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    queue: VecDeque<Job>,
    running: usize,
}

impl Lane {
    /// As [`offload`].
    pub fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Offload<T> {
        promise(work, |job| {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            if line.running == LANE {
                return line.queue.push_back(job);
            }
            line.running += 1;
            drop(line);
            self.clone().run(job);
        })
    }

    /// Does a job, and then the next one.
    fn run(self, job: Job) {
        submit(Box::new(move || {
            job();
            let next = {
                let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
                let next = line.queue.pop_front();
                line.running -= usize::from(next.is_none());
                next
            };
            if let Some(next) = next {
                self.run(next);
            }
        }));
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
    jobs.send_for_one();
}

impl Jobs {
    fn send_for_one(&mut self) {
        if self.queue.is_empty() || self.coming {
            return;
        }
        if self.waiting > 0 {
            self.coming = true;
            WORK.notify_one();
        } else if self.threads < THREADS {
            let started = std::thread::Builder::new().name("offload".into()).spawn(work);
            self.coming = started.is_ok();
            self.threads += usize::from(self.coming);
        }
    }
}

fn work() {
    let mut jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.coming = false;
    loop {
        match jobs.queue.pop_front() {
            Some(job) => {
                jobs.send_for_one();
                drop(jobs);
                job();
                jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
            }
            None => {
                jobs.waiting += 1;
                jobs = WORK.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                jobs.waiting -= 1;
                jobs.coming = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::MutexGuard;

    use super::*;

    /// The threads are the process's: tests that take all of them would wait for each other.
    static THE_THREADS: Mutex<()> = Mutex::new(());

    fn take_the_threads() -> MutexGuard<'static, ()> {
        THE_THREADS.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        let _threads = take_the_threads();
        for _ in 0..THREADS + 1 {
            let lost = catch_unwind(|| wait(offload(|| -> u8 { resume_unwind(Box::new("lost")) })));
            assert_eq!(lost.expect_err("the panic").downcast_ref(), Some(&"lost"));
        }
        assert_eq!(wait(offload(|| 7)), 7);
    }

    /// What hangs in one lane keeps nobody else waiting, and all of it is done when it goes on.
    #[test]
    fn a_lane_that_hangs_leaves_threads_to_others() {
        let _threads = take_the_threads();
        let lane = Lane::default();
        let hangs = Arc::new(Mutex::new(()));
        let held = hangs.lock();
        let jobs = (0..2 * THREADS).map(|number| {
            let hangs = hangs.clone();
            lane.offload(move || {
                drop(hangs.lock());
                number
            })
        });
        let jobs: Vec<_> = jobs.collect();
        assert_eq!(wait(offload(|| 7)), 7);
        assert_eq!(wait(Lane::default().offload(|| 8)), 8);
        drop(held);
        let done: Vec<usize> = jobs.into_iter().map(wait).collect();
        assert_eq!(done, (0..2 * THREADS).collect::<Vec<_>>());
        assert_eq!(wait(lane.offload(|| 9)), 9);
    }

    /// Each waits for all others: none may be left in the queue while there are threads.
    #[test]
    fn work_that_blocks_keeps_none_waiting() {
        let _threads = take_the_threads();
        for _ in 0..20 {
            let all = Arc::new(std::sync::Barrier::new(THREADS));
            let jobs = (0..THREADS).map(|_| {
                let all = all.clone();
                offload(move || all.wait().is_leader())
            });
            let jobs: Vec<_> = jobs.collect();
            assert_eq!(jobs.into_iter().map(wait).filter(|leads| *leads).count(), 1);
        }
    }
}
