//! Whose turn it is, where several streams of a connection have something to send (RFC 9218): the more urgent go first; of
//! those that are equally urgent and of use only as a whole, the first; the others share.
//!
//! Who cannot send for want of room in its window keeps nobody from sending: the connection's task notices that, and has turns
//! for it as long as somebody waits behind one that may have no room. A stream that waits for room although the socket takes
//! everything, and is not woken for two turns, has a window that is full.

use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

/// So much of all answers waits in the crate before nobody's turn comes: what a client that takes nothing costs, however many
/// streams it has.
const MOST_WAITING: u64 = 256 << 10;

/// What a client, or the answer itself, says of how urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// 0 (most) to 7.
    urgency: u8,
    /// Parts of it are of use.
    incremental: bool,
}

impl Default for Priority {
    /// Nobody has said anything: as urgent as RFC 9218 §4.1 has it, and shared, as with servers that know no urgency.
    fn default() -> Priority {
        Priority { urgency: 3, incremental: true }
    }
}

impl Priority {
    /// Reads a field's value (RFC 9218 §4): a dictionary of which two members are known, and the rest is passed over.
    pub fn parse(value: &[u8]) -> Priority {
        let mut priority = Priority { urgency: 3, incremental: false };
        for member in value.split(|&byte| byte == b',') {
            let member = member.split(|&byte| byte == b';').next().unwrap_or_default();
            match member.trim_ascii() {
                [b'u', b'=', digit @ b'0'..=b'7'] => priority.urgency = digit - b'0',
                b"i" | b"i=?1" => priority.incremental = true,
                b"i=?0" => priority.incremental = false,
                _ => {}
            }
        }
        priority
    }

    /// What it becomes with what the answer says of itself (RFC 9218 §8): only that is changed.
    pub fn overridden(self, value: &[u8]) -> Priority {
        let said = Priority::parse(value);
        let says = |name: u8| {
            value
                .split(|&byte| byte == b',')
                .any(|member| member.trim_ascii().first() == Some(&name))
        };
        Priority {
            urgency: if says(b'u') { said.urgency } else { self.urgency },
            incremental: if says(b'i') { said.incremental } else { self.incremental },
        }
    }

    /// Whether a stream goes before another one.
    fn precedes(self, id: u32, other: Priority, other_id: u32) -> bool {
        let whole = !self.incremental && !other.incremental;
        self.urgency < other.urgency || self.urgency == other.urgency && whole && id < other_id
    }
}

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
    waker: Option<Waker>,
}

/// The streams that have a body to send.
#[derive(Default)]
pub struct Schedule {
    entries: BTreeMap<u32, Entry>,
    turn: u64,
    /// Bytes that were given to the crate since the socket took everything.
    waiting: u64,
    /// Those who have left HTTP, and found that too much waits.
    stopped: Vec<Waker>,
}

impl Schedule {
    /// A stream begins to send.
    pub fn enter(&mut self, id: u32, priority: Priority) {
        self.entries.insert(id, Entry { priority, doing: Doing::Nothing, waker: None });
    }

    /// It has ended, if it had begun.
    pub fn leave(&mut self, id: u32) {
        self.entries.remove(&id);
        self.wake();
    }

    /// Waits until none that goes before it sends.
    pub fn poll_turn(&mut self, id: u32, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mine) = self.entries.get(&id).map(|entry| entry.priority) else {
            return Poll::Ready(());
        };
        let precedes = |(other, entry): (&u32, &Entry)| {
            entry.doing != Doing::Nothing && entry.priority.precedes(*other, mine, id)
        };
        let waits = self.waiting >= MOST_WAITING || self.entries.iter().any(precedes);
        let Some(entry) = self.entries.get_mut(&id) else { return Poll::Ready(()) };
        match waits {
            true => {
                entry.doing = Doing::Nothing;
                entry.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            false => {
                entry.doing = Doing::Sends;
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

    /// It waits for room.
    pub fn waits(&mut self, id: u32) {
        let turn = self.turn;
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.doing != Doing::Nothing
        {
            entry.doing = Doing::Waits(turn);
        }
    }

    /// It has nothing to send for now.
    pub fn pauses(&mut self, id: u32) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.doing = Doing::Nothing;
        }
        self.wake();
    }

    /// Whether the connection's task is to have a turn, to find out who waits for room in its own window: somebody is behind.
    pub fn wants_turn(&self) -> bool {
        // Who is behind what was given to the crate is woken when that has gone out: that is a turn in any case.
        if self.waiting >= MOST_WAITING {
            return false;
        }
        let waits = |entry: &Entry| matches!(entry.doing, Doing::Waits(_));
        self.entries.values().any(waits) && self.entries.values().any(|entry| entry.waker.is_some())
    }

    /// The connection's task has had a turn, after which the socket takes more. `true`: another one is wanted.
    pub fn turned(&mut self) -> bool {
        self.turn += 1;
        if std::mem::take(&mut self.waiting) >= MOST_WAITING {
            self.wake();
        }
        let (turn, mut full) = (self.turn, false);
        for entry in self.entries.values_mut() {
            if matches!(entry.doing, Doing::Waits(since) if since + 2 < turn) {
                entry.doing = Doing::Nothing;
                full = true;
            }
        }
        if full {
            self.wake();
        }
        self.wants_turn()
    }

    fn wake(&mut self) {
        self.entries.values_mut().filter_map(|entry| entry.waker.take()).for_each(Waker::wake);
        self.stopped.drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(schedule: &mut Schedule, id: u32) -> bool {
        schedule.poll_turn(id, &mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// RFC 9218 §4, RFC 8941
    #[test]
    fn words_are_read() {
        let priority = |urgency, incremental| Priority { urgency, incremental };
        for (value, wanted) in [
            ("u=5", priority(5, false)),
            ("u=0, i", priority(0, true)),
            ("i;x=1,u=2", priority(2, true)),
            ("i=?0", priority(3, false)),
            ("u=8", priority(3, false)),
            ("u=-1, foo=\"a\"", priority(3, false)),
            ("", priority(3, false)),
        ] {
            assert_eq!(Priority::parse(value.as_bytes()), wanted, "{value}");
        }
        assert_eq!(priority(1, true).overridden(b"u=4"), priority(4, true));
        assert_eq!(priority(1, false).overridden(b"i"), priority(1, true));
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
}
