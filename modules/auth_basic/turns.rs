//! Whose password is tried next. Threads that read files are shared with others: of a flood of passwords only a few are on
//! them at a time, and only so many wait.
//!
//! A turn is over when the work is done, not when its client has gone: who asks and leaves gets no more of them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Passwords that are tried at the same time in a process.
const AT_ONCE: usize = 2;

/// One address has this part of the places at most: who guesses does not keep others out.
const SHARE: usize = 2;

static TURNS: Mutex<Turns> = Mutex::new(Turns { running: 0, waiting: VecDeque::new(), last: None });

struct Turns {
    running: usize,
    waiting: VecDeque<Arc<Mutex<Place>>>,
    /// Whose turn it was last: another address goes first.
    last: Option<IpAddr>,
}

impl Turns {
    /// Who is next.
    fn next(&mut self) -> Option<Arc<Mutex<Place>>> {
        self.waiting.retain(|place| !lock(place).gone);
        let other = self.waiting.iter().position(|place| lock(place).whose != self.last);
        let next = self.waiting.remove(other.unwrap_or(0))?;
        self.last = lock(&next).whose;
        Some(next)
    }
}

/// Of one who waits.
#[derive(Default)]
struct Place {
    whose: Option<IpAddr>,
    called: bool,
    gone: bool,
    waker: Option<Waker>,
}

/// A turn, until it is dropped.
pub struct Turn(());

/// Waits for a turn. `None`: so many wait already, or of one address a share of these.
pub async fn turn(most: usize, whose: Option<IpAddr>) -> Option<Turn> {
    let waiting = {
        let mut turns = lock(&TURNS);
        if turns.running < AT_ONCE {
            turns.running += 1;
            return Some(Turn(()));
        }
        turns.waiting.retain(|place| !lock(place).gone);
        let own = turns.waiting.iter().filter(|place| lock(place).whose == whose).count();
        if turns.waiting.len() >= most || own >= (most / SHARE).max(1) {
            return None;
        }
        let place = Arc::new(Mutex::new(Place { whose, ..Place::default() }));
        turns.waiting.push_back(place.clone());
        Waiting(place)
    };
    poll_fn(|cx| {
        let mut place = lock(&waiting.0);
        if place.called {
            return Poll::Ready(());
        }
        place.waker = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
    // It is this one's now.
    lock(&waiting.0).called = false;
    Some(Turn(()))
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = lock(&TURNS);
        while let Some(next) = turns.next() {
            let mut next = lock(&next);
            // It may go at any moment: only under its own lock that is known.
            if !next.gone {
                next.called = true;
                if let Some(waker) = next.waker.take() {
                    waker.wake();
                }
                return;
            }
        }
        turns.running -= 1;
    }
}

struct Waiting(Arc<Mutex<Place>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let called = {
            let mut place = lock(&self.0);
            place.gone = true;
            place.called
        };
        // Who was called and has gone meanwhile passes the turn on.
        if called {
            drop(Turn(()));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    #[test]
    fn turns_go_round_and_those_who_have_gone_take_none() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut now = |future: std::pin::Pin<&mut dyn Future<Output = Option<Turn>>>| match future
            .poll(&mut cx)
        {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        };
        let first: Vec<_> = (0..AT_ONCE).map(|_| now(pin!(turn(4, None)))).collect();
        assert!(first.iter().all(|turn| matches!(turn, Some(Some(_)))));
        let mut a = Box::pin(turn(4, None));
        let mut b = Box::pin(turn(4, None));
        assert!(now(a.as_mut()).is_none() && now(b.as_mut()).is_none());
        assert!(matches!(now(pin!(turn(4, None))), Some(None)), "so many wait already");
        drop(a);
        let mut c = Box::pin(turn(4, None));
        assert!(now(c.as_mut()).is_none(), "there is room again");
        drop(first);
        // `b` was called, and goes without having seen it: `c` and others have their turns all the same.
        drop(b);
        let c = now(c.as_mut());
        assert!(matches!(c, Some(Some(_))));
        let others: Vec<_> = (1..AT_ONCE).map(|_| now(pin!(turn(0, None)))).collect();
        assert!(others.iter().all(|turn| matches!(turn, Some(Some(_)))));
        assert!(matches!(now(pin!(turn(0, None))), Some(None)));
    }

    #[test]
    fn addresses_take_turns() {
        let place = |last: u8| {
            let whose = Some(IpAddr::from([127, 0, 0, last]));
            Arc::new(Mutex::new(Place { whose, ..Place::default() }))
        };
        let waiting = [1, 1, 1, 2, 1, 3].map(place).into();
        let mut turns = Turns { running: 1, waiting, last: Some(IpAddr::from([127, 0, 0, 1])) };
        let next = || turns.next().map(|place| lock(&place).whose);
        let order: Vec<_> = std::iter::from_fn(next).collect();
        let expected = [2, 1, 3, 1, 1, 1].map(|last| Some(IpAddr::from([127, 0, 0, last])));
        assert_eq!(order, expected);
    }
}
