//! A part in the life of the server's processes: of core modules, of modules of `http {}`, of shared memory.

use std::rc::Rc;

use conf::Error;

use crate::Regions;

/// What a process beside the workers is for: it has no listeners, and sees no client. There is one of each kind at most, while
/// there is something for it to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks others for what the server needs itself.
    Helper,
    /// It trims caches.
    CacheManager,
    /// It finds what is in caches, and ends.
    CacheLoader,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Helper, Role::CacheManager, Role::CacheLoader];

    /// What its process is called.
    pub fn title(self) -> &'static str {
        match self {
            Role::Helper => "helper process",
            Role::CacheManager => "cache manager process",
            Role::CacheLoader => "cache loader process",
        }
    }
}

/// What is done when a process starts or ends. Methods run in the process that is named. What one does not see to itself
/// is its parts' to see to.
pub trait Process: 'static {
    /// What it consists of.
    fn parts(&self) -> &[Rc<dyn Process>] {
        &[]
    }

    /// Master, before the first fork: files and shared memory are open.
    fn opened(&self) -> Result<(), Error> {
        self.parts().iter().try_for_each(|part| part.opened())
    }

    /// Master, at a reload: the workers of another configuration, with these regions, are forked next; `back` if
    /// they did not come to serve, and this configuration stays.
    fn outgoing(&self, next: &Regions, back: bool) {
        self.parts().iter().for_each(|part| part.outgoing(next, back));
    }

    /// Master, at the start and at a reload: this configuration serves now; or it does not come to serve, and its
    /// workers have ended.
    fn decided(&self, serves: bool) {
        self.parts().iter().for_each(|part| part.decided(serves));
    }

    /// Master, at a reload: workers with these regions serve now in the place of this configuration's.
    fn replaced(&self, by: &Regions) {
        self.parts().iter().for_each(|part| part.replaced(by));
    }

    /// Worker: it has its loop, and accepts nothing yet.
    fn started(&'static self) -> Result<(), String> {
        self.parts().iter().try_for_each(|part| part.started())
    }

    /// Master: whether there is something to do for a process beside the workers.
    fn needs(&self, role: Role) -> bool {
        self.parts().iter().any(|part| part.needs(role))
    }

    /// Such a process: it has its loop.
    fn assist(&'static self, role: Role) {
        self.parts().iter().for_each(|part| part.assist(role));
    }

    /// Worker: it accepts no more, and ends with its last connection; `within` so many milliseconds,
    /// if that is limited.
    fn draining(&'static self, within: Option<u64>) {
        self.parts().iter().for_each(|part| part.draining(within));
    }

    /// Worker: it ends, whatever its clients are at: nothing more comes of them. What is held (`rt::hold`) it waits for, for a moment.
    fn stopping(&'static self) {
        self.parts().iter().for_each(|part| part.stopping());
    }

    /// Worker: its master is gone, and another may start at any moment: what only one server may have is let go.
    fn orphaned(&self) {
        self.parts().iter().for_each(|part| part.orphaned());
    }

    /// Master: the last worker has ended, and no other master of this server runs.
    fn closed(&self) {
        self.parts().iter().for_each(|part| part.closed());
    }

    /// Master: a worker has ended, in whichever way. `false`: what it left in shared memory cannot be seen to now,
    /// because somebody has the lock. The master, which never waits for a worker, asks again.
    fn worker_ended(&self, pid: i32) -> bool {
        // Each of them, whatever the others say.
        self.parts().iter().filter(|part| !part.worker_ended(pid)).count() == 0
    }

    /// Master, at a reload: how many more processes there is room for in shared memory.
    fn capacity(&self) -> usize {
        self.parts().iter().map(|part| part.capacity()).min().unwrap_or(usize::MAX)
    }

    /// Master, twice a second: what is to be seen to from time to time.
    fn look(&self) {
        self.parts().iter().for_each(|part| part.look());
    }

    /// Master: files that were loaded are looked at again, at once. What is wrong with them, in words.
    fn refresh(&self) -> Vec<String> {
        self.parts().iter().flat_map(|part| part.refresh()).collect()
    }

    /// Master, twice a second: the processes that have a part in shared memory.
    fn attached(&self) -> Vec<i32> {
        self.parts().iter().flat_map(|part| part.attached()).collect()
    }

    /// Master, twice a second: the processes that keep a lock of shared memory, and get no further.
    fn stuck(&self) -> Vec<i32> {
        self.parts().iter().flat_map(|part| part.stuck()).collect()
    }
}
