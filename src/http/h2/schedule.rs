//! Whose turn it is, where several streams of a connection have something to send (RFC 9218): the more urgent go first; of
//! those that are equally urgent and of use only as a whole, the first; the others share.
//!
//! Who cannot send for want of room in its window keeps nobody from sending: the connection's task notices that, and has turns
//! for it as long as somebody waits behind one that may have no room. A stream that waits for room although the socket takes
//! everything, and is not woken for two turns, has a window that is full.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, Waker};

use super::level::Level;
use super::priority::Priority;

/// So much of all answers waits in the crate before nobody's turn comes: what a client that takes nothing costs, however many
/// streams it has.
const MOST_WAITING: u64 = 256 << 10;
/// So many of them fill that.
const AT_ONCE: usize = 4;

/// What a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It sends, or may.
    Sends,
    /// It has waited for room since this turn of the connection's task.
    Waits(u64),
    /// There is nothing to send, or no room in its window.
    Nothing,
}

struct Entry {
    priority: Priority,
    doing: Doing,
    /// Its place among those of its urgency that wait for their turn: they share, each has its turn before one has two.
    place: Option<u64>,
}

/// The streams that have a body to send.
#[derive(Default)]
pub struct Schedule {
    entries: BTreeMap<u32, Entry>,
    /// From the most urgent on.
    levels: [Level; 8],
    /// The number of places that were given.
    places: u64,
    turn: u64,
    /// Who has waited for room, and since when: some of them do so no more.
    for_room: VecDeque<(u64, u32)>,
    /// Bytes that were given to the crate since the socket took everything.
    waiting: u64,
    /// Those who have left HTTP, and found that too much waits.
    stopped: Vec<Waker>,
}

impl Schedule {
    /// A stream begins to send.
    pub fn enter(&mut self, id: u32, priority: Priority) {
        self.entries.insert(id, Entry { priority, doing: Doing::Nothing, place: None });
    }

    /// It has ended, if it had begun.
    pub fn leave(&mut self, id: u32) {
        self.set(id, Doing::Nothing);
        self.take_out(id);
        if self.entries.remove(&id).is_some() {
            self.wake(1);
        }
    }

    /// Waits until none that goes before it sends.
    pub fn poll_turn(&mut self, id: u32, cx: &mut Context<'_>) -> Poll<()> {
        let Some(entry) = self.entries.get(&id) else { return Poll::Ready(()) };
        let Priority { urgency, incremental } = entry.priority;
        let (before, from) = self.levels.split_at(usize::from(urgency));
        let waits = self.waiting >= MOST_WAITING
            || before.iter().any(Level::is_busy)
            || !incremental && from[0].whole.first().is_some_and(|&busy| busy < id);
        match waits {
            true => {
                self.set(id, Doing::Nothing);
                self.fall_in(id, cx.waker().clone());
                Poll::Pending
            }
            false => {
                self.set(id, Doing::Sends);
                self.take_out(id);
                Poll::Ready(())
            }
        }
    }

    /// Whether so much waits that nobody's turn comes; who asks is woken when that has changed.
    pub fn is_full(&mut self, waker: &Waker) -> bool {
        let is_full = self.waiting >= MOST_WAITING;
        if is_full {
            self.stopped.push(waker.clone());
        }
        is_full
    }

    /// Bytes have been given to the crate.
    pub fn gave(&mut self, bytes: u64) {
        self.waiting += bytes;
    }

    /// It waits for room, and those with whom it shares need not.
    pub fn waits(&mut self, id: u32) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let doing = entry.doing;
        if doing == Doing::Nothing || doing == Doing::Waits(self.turn) {
            return;
        }
        entry.doing = Doing::Waits(self.turn);
        self.for_room.push_back((self.turn, id));
        if doing == Doing::Sends {
            self.wake(1);
        }
    }

    /// It has nothing to send for now.
    pub fn pauses(&mut self, id: u32) {
        self.set(id, Doing::Nothing);
        self.wake(1);
    }

    /// Whether the connection's task is to have a turn, to find out who waits for room in its own window: somebody is behind.
    pub fn wants_turn(&self) -> bool {
        // Who is behind what was given to the crate is woken when that has gone out: that is a turn in any case.
        self.waiting < MOST_WAITING
            && !self.for_room.is_empty()
            && self.levels.iter().any(Level::is_waited_for)
    }

    /// The connection's task has had a turn, after which the socket takes more. `true`: another one is wanted.
    pub fn turned(&mut self) -> bool {
        self.turn += 1;
        if std::mem::take(&mut self.waiting) >= MOST_WAITING {
            self.stopped.drain(..).for_each(Waker::wake);
            self.wake(AT_ONCE);
        }
        let mut full = false;
        while let Some(&(since, id)) = self.for_room.front()
            && since + 2 < self.turn
        {
            self.for_room.pop_front();
            if self.entries.get(&id).is_some_and(|entry| entry.doing == Doing::Waits(since)) {
                self.set(id, Doing::Nothing);
                full = true;
            }
        }
        if full {
            self.wake(AT_ONCE);
        }
        self.wants_turn()
    }

    fn set(&mut self, id: u32, doing: Doing) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let before = std::mem::replace(&mut entry.doing, doing);
        let (was_busy, is_busy) = (before != Doing::Nothing, doing != Doing::Nothing);
        let level = &mut self.levels[usize::from(entry.priority.urgency)];
        match (entry.priority.incremental, is_busy) {
            _ if was_busy == is_busy => {}
            (true, true) => level.shared += 1,
            (true, false) => level.shared -= 1,
            (false, true) => _ = level.whole.insert(id),
            (false, false) => _ = level.whole.remove(&id),
        }
    }

    /// Its turn has not come. It keeps the place that it has had since its last one.
    fn fall_in(&mut self, id: u32, waker: Waker) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let level = &mut self.levels[usize::from(entry.priority.urgency)];
        if !entry.priority.incremental {
            level.whole_behind.insert(id, waker);
            return;
        }
        self.places += u64::from(entry.place.is_none());
        let place = *entry.place.get_or_insert(self.places);
        level.shared_behind.insert(place, waker);
    }

    /// It waits for its turn no more.
    fn take_out(&mut self, id: u32) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let level = &mut self.levels[usize::from(entry.priority.urgency)];
        level.whole_behind.remove(&id);
        if let Some(place) = entry.place.take() {
            level.shared_behind.remove(&place);
        }
    }

    /// Wakes up to `most` of those that are the most urgent. Each of them sends, or lets others go on: nobody is forgotten.
    fn wake(&mut self, most: usize) {
        if self.waiting >= MOST_WAITING {
            return;
        }
        for level in &mut self.levels {
            if level.wake(most) > 0 || level.is_busy() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    fn may(schedule: &mut Schedule, id: u32) -> bool {
        schedule.poll_turn(id, &mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn the_urgent_go_first_and_the_rest_share() {
        let mut schedule = Schedule::default();
        schedule.enter(1, Priority::parse(b"u=5"));
        schedule.enter(3, Priority::parse(b"u=1"));
        schedule.enter(5, Priority::parse(b"u=1"));
        schedule.enter(7, Priority::parse(b"u=1, i"));
        assert!(may(&mut schedule, 3));
        assert_eq!([1, 5, 7].map(|id| may(&mut schedule, id)), [false, false, true]);
        // Its source has nothing.
        schedule.pauses(3);
        assert!(may(&mut schedule, 5) && !may(&mut schedule, 1));
        for id in [3, 5, 7] {
            schedule.leave(id);
        }
        assert!(may(&mut schedule, 1));
    }

    #[test]
    fn a_client_that_takes_nothing_gets_no_more() {
        let mut schedule = Schedule::default();
        schedule.enter(1, Priority::default());
        assert!(may(&mut schedule, 1));
        schedule.gave(MOST_WAITING);
        assert!(!may(&mut schedule, 1));
        assert!(!schedule.turned() && may(&mut schedule, 1));
    }

    #[test]
    fn whose_window_is_full_holds_nobody() {
        let mut schedule = Schedule::default();
        schedule.enter(1, Priority::parse(b"u=1"));
        schedule.enter(3, Priority::parse(b"u=2"));
        assert!(may(&mut schedule, 1));
        schedule.waits(1);
        assert!(!may(&mut schedule, 3));
        assert!(schedule.turned() && schedule.turned() && !may(&mut schedule, 3));
        assert!(!schedule.turned());
        assert!(may(&mut schedule, 3));
        // There is room again.
        assert!(may(&mut schedule, 1) && !may(&mut schedule, 3));
    }

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Of a thousand streams, those are woken that have room, each once before any is woken again.
    #[test]
    fn those_are_woken_for_whom_there_is_room() {
        let mut schedule = Schedule::default();
        let counts: Vec<_> = (0..1000).map(|_| Arc::new(Count(AtomicUsize::new(0)))).collect();
        let wakers: Vec<_> = counts.iter().map(|count| Waker::from(count.clone())).collect();
        schedule.gave(MOST_WAITING);
        let poll = |schedule: &mut Schedule, at: usize| {
            schedule.poll_turn(at as u32, &mut Context::from_waker(&wakers[at])).is_ready()
        };
        for at in 0..1000 {
            schedule.enter(at as u32, Priority::default());
            assert!(!poll(&mut schedule, at));
        }
        let woken = || -> Vec<_> {
            let woken = |at: &usize| counts[*at].0.swap(0, Ordering::Relaxed) > 0;
            (0..1000).filter(woken).collect()
        };
        for turn in 0..500 {
            schedule.turned();
            let now = woken();
            assert_eq!(now, Vec::from_iter((0..AT_ONCE).map(|at| (turn * AT_ONCE + at) % 1000)));
            for &at in &now {
                assert!(poll(&mut schedule, at));
                schedule.gave(MOST_WAITING / AT_ONCE as u64);
            }
            assert!(now.iter().all(|&at| !poll(&mut schedule, at)));
        }
    }
}
