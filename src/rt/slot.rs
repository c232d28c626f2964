//! Connection slots: allocated once, used again and again.

use std::cell::Cell;
use std::os::fd::RawFd;
use std::task::Waker;

use sys::socket::Peer;

use crate::layer::Layer;
use crate::service::{Service, Task};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    Free,
    Idle,
    /// A task waits.
    Task,
    /// A service or the task is on the stack right now.
    Running,
    /// A socket of a task's own, or its sleep: whoever waits for it is woken.
    Owned,
}

/// What becomes of a slot whose turn it is.
#[derive(Default)]
pub(crate) enum Work {
    #[default]
    None,
    Task(Task),
    Waker(Waker),
}

/// Readable, as far as is known: cleared by the read that would block.
pub(crate) const READABLE: u16 = 1;
/// Writable, as far as is known.
pub(crate) const WRITABLE: u16 = 2;
/// The peer has closed its sending half, or the connection broke.
pub(crate) const HANGUP: u16 = 4;
/// In the run queue.
pub(crate) const QUEUED: u16 = 8;
/// The deadline has passed.
pub(crate) const TIMED_OUT: u16 = 16;
/// In the poll set.
pub(crate) const REGISTERED: u16 = 32;
/// Something else than readiness woke the task.
pub(crate) const WOKEN: u16 = 64;

/// A task that gives its slot up when slots are short.
pub(crate) const EXPENDABLE: u16 = 128;

/// The connection is over in both directions: nothing that is sent will arrive.
pub(crate) const BROKEN: u16 = 256;

/// Its bytes go through a layer.
pub(crate) const LAYERED: u16 = 512;

/// The layer has something to send, which a read goes on with.
pub(crate) const UNSENT: u16 = 1024;

/// Bytes of a task that are fetched when it is queued.
const PREFETCHED: usize = 1024;

pub(crate) const NONE: u32 = u32::MAX;

pub(crate) struct Slot {
    pub generation: Cell<u32>,
    pub flags: Cell<u16>,
    pub state: Cell<SlotState>,
    /// How often the connection was given to another listener.
    pub passes: Cell<u8>,
    pub fd: Cell<RawFd>,
    /// Requests answered on this connection, kept for the protocol.
    pub requests: Cell<u32>,
    /// Deadline in the loop's milliseconds; 0 is none.
    pub due: Cell<u64>,
    /// The tick of the wheel at which the slot is linked; 0 is not linked.
    pub tick: Cell<u64>,
    /// Of the wheel; while it is free, of the free list.
    pub timer_next: Cell<u32>,
    pub timer_previous: Cell<u32>,
    /// Number of the connection in the logs.
    pub serial: Cell<u64>,
    /// When it was accepted, and when it last became idle.
    pub opened: Cell<u64>,
    pub idle_since: Cell<u64>,
    pub service: Cell<Option<&'static dyn Service>>,
    pub peer: Cell<Peer>,
    pub work: Cell<Work>,
    pub layer: Cell<Option<Box<dyn Layer>>>,
}

impl Slot {
    /// A free one.
    pub fn new(next: u32) -> Slot {
        Slot {
            generation: Cell::new(1),
            flags: Cell::new(0),
            state: Cell::new(SlotState::Free),
            passes: Cell::new(0),
            fd: Cell::new(-1),
            requests: Cell::new(0),
            due: Cell::new(0),
            tick: Cell::new(0),
            timer_next: Cell::new(next),
            timer_previous: Cell::new(NONE),
            serial: Cell::new(0),
            opened: Cell::new(0),
            idle_since: Cell::new(0),
            service: Cell::new(None),
            peer: Cell::new(Peer::Unknown),
            work: Cell::default(),
            layer: Cell::new(None),
        }
    }

    /// Whether it is a client's, and not a task alone.
    pub fn is_connection(&self) -> bool {
        self.fd.get() >= 0 && self.state.get() != SlotState::Owned || self.has(LAYERED)
    }

    /// Wakes who waits for this socket.
    pub fn wake_owner(&self) {
        if let Work::Waker(waker) = self.work.take() {
            waker.wake();
        }
    }

    /// Its task's turn comes soon.
    pub fn prefetch_task(&self) {
        let work = self.work.take();
        if let Work::Task(task) = &work {
            sys::prefetch::prefetch(&*task.as_ref(), PREFETCHED);
        }
        self.work.set(work);
    }

    /// The task, which is about to have its turn.
    pub fn take_task(&self) -> Option<Task> {
        match self.work.take() {
            Work::Task(task) => Some(task),
            Work::None | Work::Waker(_) => None,
        }
    }

    /// Whether a read is worth trying.
    pub fn is_readable(&self) -> bool {
        self.has(READABLE) || self.has_all(UNSENT | WRITABLE)
    }

    fn has_all(&self, flags: u16) -> bool {
        self.flags.get() & flags == flags
    }

    /// Whether one of them is raised.
    pub fn has(&self, flag: u16) -> bool {
        self.flags.get() & flag != 0
    }

    pub fn raise(&self, flag: u16) {
        self.flags.set(self.flags.get() | flag);
    }

    pub fn clear(&self, flag: u16) {
        self.flags.set(self.flags.get() & !flag);
    }
}

const _: () = assert!(size_of::<Slot>() <= 152, "an idle connection costs its slot: keep it small");
