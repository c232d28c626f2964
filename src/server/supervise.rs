//! What the master does from its start to its end: it waits, hears, and does what it is told.

use module::Role;
use sys::clock::monotonic_ms;
use sys::signal;

use crate::control::Control;
use crate::cycle::number_of;
use crate::master::{Master, Phase};
use crate::successor::Successor;
use crate::{Failure, welcome};

/// After TERM the workers get this long before they are killed; the reminders come twice as late
/// each time.
const FIRST_REMINDER_MS: u64 = 50;
const LAST_REMINDER_MS: u64 = 1000;

impl Master {
    /// Starts the workers and supervises them until the end.
    pub fn run(mut self) -> Result<(), Failure> {
        sys::title::set(&format!("master process {}", sys::title::words(&self.options.argv)));
        if !self.inheritance.is_upgrade() {
            self.claim_files().inspect_err(|_| self.remove_files())?;
        }
        let started = self.first_generation();
        let is_told = started.is_err() && self.is_told_to_end();
        match started {
            // Some of its workers serve already: it ends as any server does, and keeps what they have taken.
            Err(_) if is_told && !self.inheritance.is_upgrade() => self.cycle.decided(true),
            Err(failure) => {
                self.workers.forget_vacancies();
                self.kill_generation(self.generation);
                self.cycle.decided(false);
                self.remove_files();
                return if is_told { Ok(()) } else { Err(failure) };
            }
            Ok(()) => {}
        }
        while !(self.phase != Phase::Running && self.workers.is_empty()) {
            self.wait();
            self.turn();
        }
        if !self.has_partner() {
            self.cycle.close();
        }
        self.remove_files();
        sys::log!(Notice, "exit");
        Ok(())
    }

    fn first_generation(&mut self) -> Result<(), Failure> {
        sys::log!(Notice, "start worker processes");
        self.start_generation()?;
        self.wait_ready(self.generation)?;
        self.cycle.decided(true);
        if self.inheritance.is_upgrade() {
            self.claim_files()?;
            self.inheritance.report_ready();
        }
        sys::notify::send(&format!("READY=1\nMAINPID={}", sys::process::pid()));
        if !self.inheritance.is_upgrade() {
            welcome::print(&self.options, &self.place, &self.cycle);
        }
        if let Some(starter) = self.starter.take() {
            // From here on nobody reads what is said aloud.
            let taken = sys::log::take_stderr();
            taken.map_err(|e| Failure::new(format!("dup2() failed {}", sys::log::errno(&e))))?;
            starter.report_ready();
        }
        Ok(())
    }

    fn wait(&mut self) {
        if !self.pending.is_empty() {
            return;
        }
        let mut descriptors = vec![self.signals.fd()];
        descriptors.extend(self.workers.channels());
        descriptors.extend(self.control.iter().flat_map(Control::readable));
        descriptors.extend(self.inheritance.fd());
        let starting = self.successor.as_ref().filter(|successor| !successor.ready());
        descriptors.extend(starting.map(Successor::fd));
        let reminder = match self.phase {
            Phase::Terminating { due, .. } => Some(due.saturating_sub(monotonic_ms())),
            _ => None,
        };
        let client = self.control.as_ref().and_then(Control::next_due);
        let timeouts = [reminder, client, self.workers.next_due(), self.next_look()];
        let timeout = timeouts.into_iter().flatten().min();
        if let Err(error) = sys::process::wait_readable(&descriptors, timeout) {
            sys::log!(Alert, "poll() failed {}", sys::log::errno(&error));
        }
    }

    fn turn(&mut self) {
        self.workers.hear();
        self.look();
        self.hear_successor();
        self.hear_predecessor();
        let taken = self.signals.take();
        self.pending.extend(taken);
        while let Some(signal) = self.pending.pop_front() {
            self.handle(signal);
        }
        self.answer_control();
        if self.phase == Phase::Running && self.accepting {
            for role in Role::ALL.into_iter().filter(|&role| self.cycle.needs(role)) {
                self.workers.want(number_of(role), self.generation);
            }
            for number in self.workers.due() {
                if let Err(failure) = self.start_worker(number) {
                    sys::log!(Alert, "{failure}");
                    self.workers.try_again(number);
                }
            }
        }
        self.remind();
    }

    fn handle(&mut self, taken: i32) {
        let action = match taken {
            signal::SIGTERM | signal::SIGINT => ", exiting",
            signal::SIGQUIT => ", shutting down",
            signal::SIGHUP => ", reconfiguring",
            signal::SIGUSR1 => ", reopening logs",
            signal::SIGUSR2 => ", changing binary",
            signal::SIGWINCH if !sys::process::has_terminal() => ", stop accepting connections",
            _ => "",
        };
        sys::log!(Notice, "signal {taken} ({}) received{action}", signal::name(taken));
        match taken {
            signal::SIGCHLD => self.reap(),
            signal::SIGTERM | signal::SIGINT => self.terminate(),
            // Who was told to stop at once does not get more time.
            signal::SIGQUIT if !matches!(self.phase, Phase::Running) => {}
            signal::SIGQUIT => {
                self.phase = Phase::Quitting;
                self.notify_stopping();
                self.workers.forget_vacancies();
                self.workers.signal(signal::SIGQUIT, true, |_| true);
                // New clients are refused, not left waiting, and a new server finds the ports free.
                drop(self.cycle.sockets.take());
            }
            signal::SIGHUP => drop(self.reload()),
            signal::SIGUSR1 => self.reopen_logs(),
            signal::SIGUSR2 => drop(self.upgrade()),
            // The terminal's window was resized: that is no command.
            signal::SIGWINCH if sys::process::has_terminal() => {}
            signal::SIGWINCH => {
                self.accepting = false;
                self.workers.forget_vacancies();
                self.workers.signal(signal::SIGQUIT, true, |_| true);
            }
            _ => {}
        }
    }

    /// The service stops with us, unless a newer binary is the main process by now.
    fn notify_stopping(&self) {
        if !self.successor.as_ref().is_some_and(Successor::ready) {
            sys::notify::send("STOPPING=1");
        }
    }

    fn terminate(&mut self) {
        self.notify_stopping();
        self.workers.forget_vacancies();
        self.workers.signal(signal::SIGTERM, true, |_| true);
        let due = monotonic_ms() + FIRST_REMINDER_MS;
        self.phase = Phase::Terminating { due, pause: FIRST_REMINDER_MS };
    }

    /// TERM again, later and later; at last KILL.
    fn remind(&mut self) {
        let Phase::Terminating { due, pause } = self.phase else { return };
        if monotonic_ms() < due {
            return;
        }
        let last = pause >= LAST_REMINDER_MS;
        let signal = if last { signal::SIGKILL } else { signal::SIGTERM };
        self.workers.signal(signal, true, |_| true);
        let pause = (pause * 2).min(LAST_REMINDER_MS);
        self.phase = Phase::Terminating { due: monotonic_ms() + pause, pause };
    }

    fn reopen_logs(&mut self) {
        sys::log!(Notice, "reopening logs");
        if let Err((path, error)) = self.cycle.logs.open() {
            let errno = sys::log::errno(&error);
            sys::log!(Emerg, "open() \"{}\" failed {errno}", path.display());
        }
        self.cycle.give_logs_away();
        self.workers.signal(signal::SIGUSR1, false, |_| true);
    }
}
