//! Who writes files now. A job has the bytes of its segments in memory, and where encoders agree the segments of all streams end
//! at once: so a worker has a few jobs at a time, which take the memory of those before them. Each directory has turns of its own:
//! a disk that hangs holds up nobody who writes to another.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::{Poll, Waker};

use live::spares::Spares;

/// Jobs at a time, in a directory of `hls_path` or `dash_path`.
const MOST: usize = 8;
/// Buffers that are kept for the next job.
const SPARES: Spares = Spares::new(8, 64 << 10..=4 << 20);

/// What somebody who waits does with a turn.
type Given = Box<dyn FnOnce(Turn)>;

#[derive(Default)]
struct Turns {
    taken: usize,
    waiting: VecDeque<Given>,
    /// Those who wait are given turns just now.
    giving: bool,
}

thread_local! {
    static TURNS: RefCell<HashMap<PathBuf, Turns>> = RefCell::default();
    static BUFFERS: RefCell<Spares> = const { RefCell::new(SPARES) };
}

/// The right to have a job. Who has waited for longest gets it as soon as it is given up: a worker that ends stays as long as
/// there are jobs.
pub struct Turn {
    root: PathBuf,
}

/// A turn in this directory; `None`: `given` gets it when there is one.
pub fn take(root: &Path, given: impl FnOnce(Turn) + 'static) -> Option<Turn> {
    with(root, |turns| match turns.taken < MOST {
        true => Some(turns.take(root)),
        false => {
            turns.waiting.push_back(Box::new(given));
            None
        }
    })
}

/// Waits for a turn in this directory.
pub async fn wait(root: &Path) -> Turn {
    #[derive(Default)]
    struct Place {
        turn: Option<Turn>,
        waker: Option<Waker>,
    }
    let place = Rc::new(RefCell::new(Place::default()));
    let there = place.clone();
    let taken = take(root, move |turn| {
        let mut place = there.borrow_mut();
        place.turn = Some(turn);
        place.waker.take().into_iter().for_each(Waker::wake);
    });
    if let Some(turn) = taken {
        return turn;
    }
    poll_fn(|context| {
        let mut place = place.borrow_mut();
        place.waker = Some(context.waker().clone());
        place.turn.take().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

fn with<T>(root: &Path, work: impl FnOnce(&mut Turns) -> T) -> T {
    TURNS.with_borrow_mut(|all| work(all.entry(root.to_owned()).or_default()))
}

impl Drop for Turn {
    fn drop(&mut self) {
        let root = &self.root;
        let is_first = with(root, |turns| {
            turns.taken -= 1;
            !std::mem::replace(&mut turns.giving, true)
        });
        if !is_first {
            return;
        }
        let _giving = Giving(root);
        // Who has nothing to do any more gives it up at once: no deeper than here.
        while let Some((given, turn)) = with(root, |turns| turns.next(root)) {
            given(turn);
        }
    }
}

/// As long as it lasts turns are being given; also one whose work ends with a panic lets others be given theirs.
struct Giving<'a>(&'a Path);

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        with(self.0, |turns| turns.giving = false);
    }
}

impl Turns {
    fn take(&mut self, root: &Path) -> Turn {
        self.taken += 1;
        Turn { root: root.to_owned() }
    }

    /// Who has waited for longest, and the turn for it.
    fn next(&mut self, root: &Path) -> Option<(Given, Turn)> {
        let given = if self.taken < MOST { self.waiting.pop_front() } else { None }?;
        Some((given, self.take(root)))
    }
}

/// An empty buffer, which has memory already if there is some.
pub fn buffer() -> Vec<u8> {
    BUFFERS.with_borrow_mut(Spares::take)
}

/// Buffers whose bytes are in files.
pub fn give_back(buffers: Vec<Vec<u8>>) {
    BUFFERS.with_borrow_mut(|spares| spares.give_back(buffers));
}

#[cfg(test)]
mod tests {
    use super::*;

    type Taken = Rc<RefCell<Vec<(usize, Option<Turn>)>>>;

    fn numbers(given: &Taken) -> Vec<usize> {
        given.borrow().iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn who_has_waited_for_longest_is_next_and_nobody_waits_for_another_directory() {
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        let given = Taken::default();
        let giving = |number: usize, keeps: bool| {
            let given = given.clone();
            move |turn| given.borrow_mut().push((number, Some(turn).filter(|_| keeps)))
        };
        let mut taken: Vec<_> = (0..MOST).filter_map(|it| take(one, giving(it, true))).collect();
        assert_eq!(taken.len(), MOST);
        let waiting = [(100, false), (101, true), (102, true)];
        assert!(waiting.iter().all(|&(number, keeps)| take(one, giving(number, keeps)).is_none()));
        assert!(take(other, giving(103, true)).is_some());
        assert!(numbers(&given).is_empty());
        // The first has nothing to do: the second has its turn, and the third waits.
        taken.pop();
        assert_eq!(numbers(&given), [100, 101]);
        assert!(take(one, giving(104, true)).is_none());
        taken.pop();
        assert_eq!(numbers(&given), [100, 101, 102]);
        let kept = given.take();
        drop(kept);
        assert_eq!(numbers(&given), [104]);
        drop((given.take(), taken));
        assert!(take(one, giving(105, true)).is_some());
    }
}
