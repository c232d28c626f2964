//! The master's eye on shared memory: what the dead have left there, and who keeps a lock and gets no further.
//! The master itself only ever tries a lock: no worker keeps it waiting.

use sys::signal;

use crate::master::Master;

impl Master {
    /// Gives up a dead process's part in shared memory; later, if somebody has the lock.
    pub(crate) fn bury(&mut self, pid: i32) {
        if !self.cycle.worker_ended(pid) {
            self.watch.note(pid);
        }
    }

    /// Milliseconds until the next look; `None`: nothing is shared.
    pub(crate) fn next_look(&self) -> Option<u64> {
        let looks = self.cycle.shares_memory() && !self.workers.is_empty();
        looks.then(|| self.watch.left())
    }

    /// Sees to what is due.
    pub(crate) fn look(&mut self) {
        let Some(mut unburied) = self.watch.take_due() else { return };
        self.cycle.look();
        unburied.extend(self.forsaken());
        unburied.sort_unstable();
        unburied.dedup();
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

    /// Workers that have ended, and whose own master did not get to bury them: it was gone before, or it was told to
    /// end and found a lock taken.
    fn forsaken(&self) -> Vec<i32> {
        let mut attached = self.cycle.attached();
        let ours = |pid: i32| self.workers.iter().any(|worker| worker.pid == pid);
        attached.retain(|&pid| !ours(pid) && !sys::process::lives(pid));
        attached
    }

    /// Another master's workers are its business, as long as there is one.
    fn may_end(&self, pid: i32) -> bool {
        self.workers.iter().any(|worker| worker.pid == pid) || !self.has_partner()
    }
}
