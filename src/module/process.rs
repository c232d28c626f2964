//! A part in the life of the server's processes: of core modules, of modules of `http {}`, of shared memory.

use conf::Error;

use crate::Regions;

/// What is done when a process starts or ends. Methods run in the process that is named.
pub trait Process: 'static {
    /// Master, before the first fork: files and shared memory are open.
    fn opened(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Master, at a reload: the workers of another configuration, with these regions, are forked next; `back` if
    /// they did not come to serve, and this configuration stays.
    fn outgoing(&self, next: &Regions, back: bool) {
        let _ = (next, back);
    }

    /// Master, at the start and at a reload: this configuration serves now; or it does not come to serve, and its
    /// workers have ended.
    fn decided(&self, serves: bool) {
        let _ = serves;
    }

    /// Master, at a reload: workers with these regions serve now in the place of this configuration's.
    fn replaced(&self, by: &Regions) {
        let _ = by;
    }

    /// Worker: it has its loop, and accepts nothing yet.
    fn started(&'static self) -> Result<(), String> {
        Ok(())
    }

    /// Master: whether there is something for the helper process to do, which has no listeners and sees no client.
    fn needs_help(&self) -> bool {
        false
    }

    /// Helper: it has its loop.
    fn help(&'static self) {}

    /// Worker: it accepts no more, and ends with its last connection; `within` so many milliseconds,
    /// if that is limited.
    fn draining(&'static self, within: Option<u64>) {
        let _ = within;
    }

    /// Worker: its master is gone, and another may start at any moment: what only one server may have is let go.
    fn orphaned(&self) {}

    /// Master: the last worker has ended, and no other master of this server runs.
    fn closed(&self) {}

    /// Master: a worker has ended, in whichever way. `false`: what it left in shared memory cannot be seen to now,
    /// because somebody has the lock. The master, which never waits for a worker, asks again.
    fn worker_ended(&self, pid: i32) -> bool {
        let _ = pid;
        true
    }

    /// Master, at a reload: how many more processes there is room for in shared memory.
    fn capacity(&self) -> usize {
        usize::MAX
    }

    /// Master, twice a second: what is to be seen to from time to time.
    fn look(&self) {}

    /// Master: files that were loaded are looked at again, at once. What is wrong with them, in words.
    fn refresh(&self) -> Vec<String> {
        Vec::new()
    }

    /// Master, twice a second: the processes that have a part in shared memory.
    fn attached(&self) -> Vec<i32> {
        Vec::new()
    }

    /// Master, twice a second: the processes that keep a lock of shared memory, and get no further.
    fn stuck(&self) -> Vec<i32> {
        Vec::new()
    }
}
