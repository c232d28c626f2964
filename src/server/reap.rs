//! Children that have ended.

use crate::cycle::role_of;
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
                    // Whoever had a role may have done what there was to do.
                    let is_needed =
                        role_of(worker.number).is_none_or(|role| self.cycle.needs(role));
                    let wanted =
                        is_needed && !worker.ending && worker.generation == self.generation;
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
