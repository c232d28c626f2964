//! Waiting for one of several things.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use rt::Sleep;

/// Waits for a future, at most so many milliseconds.
pub(crate) async fn within<T>(ms: u64, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut pause) = (pin!(future), rt::sleep(ms));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Pin::new(&mut pause).poll(cx).map(|()| None),
    })
    .await
}

/// Waits for all; when one of them has come to something that would do, the others have `ms` milliseconds more.
pub(crate) async fn all<F: Future>(
    futures: impl IntoIterator<Item = F>,
    would_do: impl Fn(&F::Output) -> bool,
    ms: u64,
) -> Vec<Option<F::Output>> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut values: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    let mut pause: Option<Sleep> = None;
    poll_fn(|cx| {
        for (future, value) in futures.iter_mut().zip(&mut values) {
            if value.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *value = Some(ready);
            }
        }
        if values.iter().all(Option::is_some) {
            return Poll::Ready(());
        }
        match values.iter().flatten().any(&would_do) {
            true => Pin::new(pause.get_or_insert_with(|| rt::sleep(ms))).poll(cx),
            false => Poll::Pending,
        }
    })
    .await;
    values
}

type Running<T> = Pin<Box<dyn Future<Output = T>>>;

/// Futures that are under way at the same time, each with a number.
pub(crate) struct Several<T> {
    running: Vec<(usize, Running<T>)>,
    most: usize,
}

impl<T> Several<T> {
    /// At most so many.
    pub fn new(most: usize) -> Several<T> {
        Several { running: Vec::new(), most }
    }

    /// Begins another one; if there are too many, the oldest is given up.
    pub fn begin(&mut self, number: usize, future: impl Future<Output = T> + 'static) {
        if self.running.len() == self.most {
            drop(self.running.remove(0));
        }
        self.running.push((number, Box::pin(future)));
    }

    /// Waits for the next one to end. `None`: the pause is over before.
    pub async fn next(&mut self, pause: &mut Sleep) -> Option<(usize, T)> {
        poll_fn(|cx| {
            for at in 0..self.running.len() {
                let (number, future) = &mut self.running[at];
                if let Poll::Ready(value) = future.as_mut().poll(cx) {
                    let number = *number;
                    drop(self.running.remove(at));
                    return Poll::Ready(Some((number, value)));
                }
            }
            Pin::new(&mut *pause).poll(cx).map(|()| None)
        })
        .await
    }
}
