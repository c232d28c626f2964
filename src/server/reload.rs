//! The acknowledged reload: the old workers leave only when the new ones have taken over.

use std::rc::Rc;

use sys::clock::monotonic_ms;
use sys::signal;

use crate::cycle::{self, Cycle};
use crate::master::Master;
use crate::{Failure, welcome};

/// Milliseconds that a reload waits for workers of earlier ones to make room: a little more than they take.
const ROOM_MS: u64 = 8000;

impl Master {
    /// Reloads the configuration and hands over to workers that serve it. On any failure
    /// everything stays as it was, and the reason is both logged and returned.
    pub(crate) fn reload(&mut self) -> Result<(), Failure> {
        if !self.is_running() {
            return Err(Failure::new("the server is shutting down"));
        }
        if self.successor.is_some() {
            // The way back from an upgrade: the file may be the newer binary's by now.
            sys::log!(
                Notice,
                "a new binary runs: the configuration stays as it is, nothing is read"
            );
            self.bring_workers_back();
            return Ok(());
        }
        sys::log!(Notice, "reconfiguring");
        sys::notify::reloading();
        let result = self.try_reload();
        if let Err(failure) = &result {
            sys::log!(Emerg, "{failure}");
            self.cycle.configure_sockets();
            sys::log!(Error, "reload failed, the running configuration stays");
        }
        sys::notify::send("READY=1");
        result
    }

    fn try_reload(&mut self) -> Result<(), Failure> {
        let tree = cycle::parse(&self.place)?;
        let mut new = Cycle::load(&self.place, &tree, self.modules)?;
        new.open_files()?;
        new.open_regions(&self.cycle.regions, Vec::new())?;
        new.listen(&self.cycle.sockets.borrow())?;
        new.init_modules().inspect_err(|_| {
            new.remove_new_files();
            new.decided(false);
        })?;
        new.warn(false);

        self.make_room_for(new.numbers().len());
        let old_generation = self.generation;
        let old = std::mem::replace(&mut self.cycle, Rc::new(new));
        old.outgoing(&self.cycle.regions, false);
        self.outgoing = Some(old.clone());
        sys::log::set_main(self.cycle.log.clone());
        self.generation += 1;
        let started = self.start_generation().and_then(|()| self.wait_ready(self.generation));
        self.outgoing = None;
        if let Err(failure) = started {
            let failed = self.generation;
            self.cycle.remove_new_files();
            let new = std::mem::replace(&mut self.cycle, old);
            self.generation = old_generation;
            sys::log::set_main(self.cycle.log.clone());
            self.kill_generation(failed);
            self.cycle.outgoing(&new.regions, true);
            new.decided(false);
            return Err(failure);
        }

        self.cycle.decided(true);
        old.replaced(&self.cycle.regions);
        self.move_files(&old);
        self.socket_files.extend(self.cycle.new_files.iter().cloned());
        self.workers.forget_vacancies();
        self.resume_accepting();
        self.report(&old);
        // Also those of earlier generations that are still finishing: once more does no harm.
        let current = self.generation;
        self.workers.signal(signal::SIGQUIT, true, |worker| worker.generation != current);
        self.hurry_the_oldest();
        self.remove_unused_sockets();
        Ok(())
    }

    /// New workers need places in shared memory. Where those before have them all, because of readers that stay,
    /// these are sent to the workers of now; that is waited for.
    fn make_room_for(&mut self, workers: usize) {
        let until = monotonic_ms() + ROOM_MS;
        let (mut hurried, current) = (false, self.generation);
        while self.cycle.capacity() < workers && monotonic_ms() < until && !self.is_told_to_end() {
            if !std::mem::replace(&mut hurried, true) {
                self.workers.signal(signal::SIGUSR2, true, |worker| worker.generation != current);
            }
            let _ = sys::process::wait_readable(&[self.signals.fd()], Some(50));
            let taken = self.signals.take();
            self.pending.extend(taken.into_iter().filter(|taken| *taken != signal::SIGCHLD));
            self.reap();
            self.look();
        }
    }

    /// Where many reloads follow each other, workers with readers that stay would pile up.
    fn hurry_the_oldest(&mut self) {
        let most = self.cycle.core.worker_generations() as usize;
        let mut old: Vec<u64> = self.workers.iter().map(|worker| worker.generation).collect();
        old.retain(|&generation| generation != self.generation);
        old.sort_unstable();
        old.dedup();
        if let Some(oldest) = old.len().checked_sub(most + 1) {
            let last = old[oldest];
            self.workers.signal(signal::SIGUSR2, true, |worker| worker.generation <= last);
        }
    }

    /// Says what the reload changed.
    fn report(&self, old: &Cycle) {
        let is_in = |cycle: &Cycle, address| cycle.requests.iter().any(|r| r.address == address);
        for request in &self.cycle.requests {
            if !is_in(old, request.address.clone()) {
                sys::log!(Notice, "{}", welcome::listening(request));
            }
        }
        for request in &old.requests {
            if !is_in(&self.cycle, request.address.clone()) {
                sys::log!(Notice, "no longer listening on {}", request.address);
            }
        }
        sys::log!(Notice, "generation {} serves now", self.generation);
    }
}
