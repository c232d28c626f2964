//! Children that have ended.

use crate::master::{Master, Phase};
use crate::workers::log_exit;

impl Master {
    /// Buries the children that have ended. The deaths of workers that nobody sent away are made good.
    pub(crate) fn reap(&mut self) {
        for (pid, exit) in sys::process::reap() {
            match self.workers.ended(pid, exit) {
                Some(worker) => {
                    self.bury(pid);
                    // It may have been the last that listened on a socket of a configuration before.
                    self.remove_unused_sockets();
                    let wanted = !worker.ending && worker.generation == self.generation;
                    if wanted && self.phase == Phase::Running && self.accepting {
                        self.workers.replace(&worker);
                    }
                }
                None => {
                    log_exit("process", pid, exit);
                    self.successor_ended(pid, exit);
                }
            }
        }
    }
}
