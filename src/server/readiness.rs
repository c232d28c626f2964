//! Waiting for a new generation of workers, and taking back one that must not come to serve.

use sys::clock::monotonic_ms;
use sys::signal;

use crate::Failure;
use crate::cycle::role_of;
use crate::master::Master;
use crate::workers::{describe, log_exit};

impl Master {
    /// Waits until every worker of `generation` is ready. A death or the end of patience is an error;
    /// signals meanwhile are kept for later, but those that end the server end the wait.
    pub(crate) fn wait_ready(&mut self, generation: u64) -> Result<(), Failure> {
        let patience = self.cycle.core.worker_ready_timeout();
        let deadline = monotonic_ms() + patience;
        while !self.workers.ready(generation) {
            let left = deadline.saturating_sub(monotonic_ms());
            if left == 0 {
                let seconds = patience as f64 / 1000.0;
                return Err(Failure::new(format!("workers were not ready within {seconds} s")));
            }
            let mut descriptors = vec![self.signals.fd()];
            descriptors.extend(self.workers.channels());
            let look = self.next_look().unwrap_or(left);
            let _ = sys::process::wait_readable(&descriptors, Some(left.min(look)));
            self.workers.hear();
            self.look();
            let taken = self.signals.take();
            // All of them are kept before one is obeyed: a worker's death ends the wait, and where a whole group of processes was told to
            // end, the word to this one came with it.
            let kept = taken.iter().copied().filter(|taken| *taken != signal::SIGCHLD);
            self.pending.extend(kept);
            if taken.contains(&signal::SIGCHLD) {
                self.reap_while_waiting(generation)?;
            }
            if self.is_told_to_end() {
                return Err(Failure::new("interrupted: the server is told to end"));
            }
        }
        Ok(())
    }

    fn reap_while_waiting(&mut self, generation: u64) -> Result<(), Failure> {
        let mut result = Ok(());
        for (pid, exit) in sys::process::reap() {
            self.bury(pid);
            match self.workers.ended(pid, exit) {
                // It is started again when the rest serves.
                Some(worker) if role_of(worker.number).is_some() => {}
                Some(mut worker) if worker.generation == generation => {
                    let how = describe(exit);
                    let why = worker.last_words().map(|words| format!(": {words}"));
                    let why = why.unwrap_or_default();
                    let message = format!("worker process {pid} {how} before it was ready{why}");
                    result = Err(Failure::new(message));
                }
                Some(worker) if !worker.ending => self.workers.replace(&worker),
                Some(_) => {}
                None => {
                    log_exit("process", pid, exit);
                    self.successor_ended(pid, exit);
                }
            }
        }
        result
    }

    /// Ends the workers of a generation that must not come to serve, and waits for their end.
    pub(crate) fn kill_generation(&mut self, generation: u64) {
        self.workers.signal(signal::SIGKILL, true, |worker| worker.generation == generation);
        while self.workers.iter().any(|worker| worker.generation == generation) {
            let _ = sys::process::wait_readable(&[self.signals.fd()], Some(100));
            let taken = self.signals.take();
            self.pending.extend(taken.into_iter().filter(|taken| *taken != signal::SIGCHLD));
            self.reap();
        }
    }
}
