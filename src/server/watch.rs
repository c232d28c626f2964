//! The master's eye on shared memory: what the dead have left there, and who keeps a lock and gets no further.
//! The master itself only ever tries a lock: no worker keeps it waiting.

use sys::clock::monotonic_ms;
use sys::signal;

use crate::master::Master;

/// How often it looks, in milliseconds.
const LOOK_MS: u64 = 500;

/// What is still to be seen to.
#[derive(Debug, Default)]
pub struct Watch {
    due: u64,
    /// Processes that have ended, and whose part in shared memory was locked.
    unburied: Vec<i32>,
}

impl Master {
    /// Gives up a dead process's part in shared memory; later, if somebody has the lock.
    pub(crate) fn bury(&mut self, pid: i32) {
        if !self.cycle.worker_ended(pid) {
            self.watch.unburied.push(pid);
        }
    }

    /// Milliseconds until the next look; `None`: nothing is shared.
    pub(crate) fn next_look(&self) -> Option<u64> {
        let looks = self.cycle.shares_memory() && !self.workers.is_empty();
        looks.then(|| self.watch.due.saturating_sub(monotonic_ms()))
    }

    /// Sees to what is due.
    pub(crate) fn look(&mut self) {
        let now = monotonic_ms();
        if now < self.watch.due {
            return;
        }
        self.watch.due = now + LOOK_MS;
        let unburied = std::mem::take(&mut self.watch.unburied);
        unburied.into_iter().for_each(|pid| self.bury(pid));
        for pid in self.cycle.stuck() {
            if self.may_end(pid) {
                sys::log!(
                    Alert,
                    "process {pid} keeps a lock of shared memory and stands still, it is ended"
                );
                let _ = sys::process::kill(pid, signal::SIGKILL);
            }
        }
    }

    /// Another master's workers are its business, as long as there is one.
    fn may_end(&self, pid: i32) -> bool {
        self.workers.iter().any(|worker| worker.pid == pid) || !self.has_partner()
    }
}
