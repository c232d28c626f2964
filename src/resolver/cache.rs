//! What this worker knows of names, and who waits to know it.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use lru::LruCache;
use slab::Slab;

use crate::failure::Failure;
use crate::found::{Found, Outcome};
use crate::name::Name;

/// Names that are known, and as many that are being asked for.
const MOST: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Names with what was found of them.
pub(crate) struct Cache<T> {
    names: RefCell<LruCache<Name, Entry<T>>>,
    /// Names that are being asked for.
    asked: Cell<usize>,
}

struct Entry<T> {
    /// What was found last, also when it holds no more.
    known: Option<Found<T>>,
    /// Nothing was found since; so long nobody asks again.
    failed: Option<(Failure, u64)>,
    /// Somebody is asking.
    question: Option<Rc<Question<T>>>,
}

impl<T: 'static> Cache<T> {
    pub fn new() -> Cache<T> {
        Cache { names: RefCell::new(LruCache::new(MOST)), asked: Cell::new(0) }
    }

    /// Wants to know of a name, at a time in the loop's milliseconds. If there is an asker, it is to ask, for all who will want to
    /// know.
    pub fn ask(&'static self, name: &Name, now: u64) -> (Wait<T>, Option<Asker<T>>) {
        let mut names = self.names.borrow_mut();
        if let Some(entry) = names.get(name) {
            if let Some(known) = entry.at(now) {
                return (Wait::Over(known), None);
            }
            if let Some(question) = &entry.question {
                return (Wait::Until(Waiter::of(question)), None);
            }
        }
        if self.asked.get() >= MOST.get() {
            return (Wait::Over(Err(Failure::Server)), None);
        }
        self.asked.update(|count| count + 1);
        let question = Rc::<Question<T>>::default();
        names.get_or_insert_mut(name.clone(), Entry::default).question = Some(question.clone());
        let wait = Wait::Until(Waiter::of(&question));
        (wait, Some(Asker { cache: self, name: name.clone(), question, outcome: None }))
    }

    /// What was found of a name last, if there was a time at which it was and no later one at which it was certain that there
    /// is nothing.
    pub fn last_known(&self, name: &Name) -> Option<Found<T>> {
        self.names.borrow_mut().get(name)?.known.clone()
    }
}

impl<T> Default for Entry<T> {
    fn default() -> Entry<T> {
        Entry { known: None, failed: None, question: None }
    }
}

impl<T> Entry<T> {
    /// What is known at a time.
    fn at(&self, now: u64) -> Option<Result<Found<T>, Failure>> {
        match (&self.failed, &self.known) {
            (Some((why, until)), _) if now < *until => Some(Err(*why)),
            (None, Some(known)) if now < known.until => Some(Ok(known.clone())),
            _ => None,
        }
    }
}

/// What all who want to know the same wait for.
struct Question<T> {
    answer: RefCell<Option<Result<Found<T>, Failure>>>,
    /// Of those who wait.
    wakers: RefCell<Slab<Waker>>,
}

impl<T> Default for Question<T> {
    fn default() -> Question<T> {
        Question { answer: RefCell::default(), wakers: RefCell::default() }
    }
}

/// Who asks, for all who wait. Dropped before it has an outcome, it has failed: none of them waits in vain.
pub(crate) struct Asker<T: 'static> {
    cache: &'static Cache<T>,
    name: Name,
    question: Rc<Question<T>>,
    outcome: Option<Outcome<T>>,
}

impl<T: 'static> Asker<T> {
    /// Whether anybody wants to know it still.
    pub fn is_awaited(&self) -> bool {
        !self.question.wakers.borrow().is_empty()
    }

    /// Tells all what has come of it.
    pub fn tell(mut self, outcome: Outcome<T>) {
        self.outcome = Some(outcome);
    }
}

impl<T: 'static> Drop for Asker<T> {
    fn drop(&mut self) {
        self.cache.asked.update(|count| count - 1);
        let mut names = self.cache.names.borrow_mut();
        let entry = names.get_or_insert_mut(self.name.clone(), Entry::default);
        entry.question = None;
        let answer = match self.outcome.take() {
            Some(Ok(found)) => {
                (entry.known, entry.failed) = (Some(found.clone()), None);
                Ok(found)
            }
            Some(Err(failed)) => {
                entry.failed = Some((failed.why, failed.until));
                if failed.why.is_final() {
                    entry.known = None;
                }
                Err(failed.why)
            }
            None => Err(Failure::Server),
        };
        drop(names);
        self.question.answer.replace(Some(answer));
        let wakers = self.question.wakers.borrow().clone();
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// The wait for what is to be known of a name.
pub(crate) enum Wait<T> {
    Over(Result<Found<T>, Failure>),
    Until(Waiter<T>),
}

/// One of those who wait.
pub(crate) struct Waiter<T> {
    question: Rc<Question<T>>,
    place: usize,
}

impl<T> Waiter<T> {
    fn of(question: &Rc<Question<T>>) -> Waiter<T> {
        let place = question.wakers.borrow_mut().insert(Waker::noop().clone());
        Waiter { question: question.clone(), place }
    }
}

impl<T> Future for Wait<T> {
    type Output = Result<Found<T>, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Waiter { question, place } = match &*self {
            Wait::Over(known) => return Poll::Ready(known.clone()),
            Wait::Until(waiter) => waiter,
        };
        match &*question.answer.borrow() {
            Some(answer) => Poll::Ready(answer.clone()),
            None => {
                question.wakers.borrow_mut()[*place].clone_from(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        self.question.wakers.borrow_mut().remove(self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(wait: &mut Wait<T>) -> Poll<Result<Found<T>, Failure>> {
        Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A fault of the program, say: the task has panicked.
    #[test]
    fn an_asker_that_ends_without_an_answer_keeps_nobody_waiting() {
        let cache: &'static Cache<u8> = Box::leak(Box::new(Cache::new()));
        let name = Name::new("www.example").expect("a name");
        let (mut first, asker) = cache.ask(&name, 1);
        let (mut second, joined) = cache.ask(&name, 1);
        assert!(joined.is_none() && now(&mut first).is_pending() && now(&mut second).is_pending());
        drop(asker);
        for wait in [&mut first, &mut second] {
            assert_eq!(now(wait), Poll::Ready(Err(Failure::Server)));
        }
        // Nothing of that is remembered.
        let (third, asker) = cache.ask(&name, 1);
        let asker = asker.expect("it is to be asked for again");
        assert!(asker.is_awaited());
        drop(third);
        assert!(!asker.is_awaited());
        asker.tell(Ok(Found { all: Rc::new([7]), until: 5 }));
        let (mut known, asker) = cache.ask(&name, 4);
        assert!(asker.is_none());
        assert!(matches!(now(&mut known), Poll::Ready(Ok(found)) if *found.all == [7]));
        assert!(cache.ask(&name, 5).1.is_some());
        assert_eq!(cache.asked.get(), 0);
    }
}
