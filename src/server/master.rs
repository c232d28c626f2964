//! The master: one thread that starts workers, hears signals and never touches a client.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;

use sys::clock::monotonic_ms;
use sys::process::Starter;
use sys::signal::{self, Signals};
use sys::unix::SocketFile;

use crate::control::Control;
use crate::cycle::{Cycle, Place};
use crate::options::Options;
use crate::upgrade::{Inheritance, Successor};
use crate::watch::Watch;
use crate::workers::{Workers, log_exit};
use crate::{Failure, Modules, welcome};

/// After TERM the workers get this long before they are killed; the reminders come twice as late
/// each time.
const FIRST_REMINDER_MS: u64 = 50;
const LAST_REMINDER_MS: u64 = 1000;

/// In the order in which those that come together are handled. USR2 and QUIT sent without a pause mean
/// that a new binary takes over: it must inherit the sockets before they are closed.
const SIGNALS: [i32; 9] = [
    signal::SIGCHLD,
    signal::SIGTERM,
    signal::SIGINT,
    signal::SIGUSR2,
    signal::SIGQUIT,
    signal::SIGHUP,
    signal::SIGUSR1,
    signal::SIGWINCH,
    signal::SIGALRM,
];

/// Whether the server is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// QUIT: the workers finish what they serve.
    Quitting,
    /// TERM: the next reminder, and how long it waits.
    Terminating {
        due: u64,
        pause: u64,
    },
}

/// The master process.
pub struct Master {
    pub(crate) options: Options,
    pub(crate) place: Place,
    pub(crate) modules: Modules,
    pub(crate) cycle: Rc<Cycle>,
    /// While a reload starts workers: the cycle that they are to replace.
    pub(crate) outgoing: Option<Rc<Cycle>>,
    pub(crate) workers: Workers,
    pub(crate) generation: u64,
    pub(crate) successor: Option<Successor>,
    pub(crate) control: Option<Control>,
    /// The files of all Unix sockets that this master has made or was handed, and has not removed.
    pub(crate) socket_files: Vec<SocketFile>,
    /// Pid files of configurations before.
    pub(crate) other_pid_files: Vec<PathBuf>,
    /// Who waits for the new binary to serve.
    pub(crate) upgrading: Option<UnixStream>,
    /// The process that was called to start this daemon, and waits for the outcome.
    starter: Option<Starter>,
    /// Who waits for the verdict of the reload at hand.
    pub(crate) asking: Option<UnixStream>,
    pub(crate) signals: Signals,
    /// Signals that came while something else had to be finished first.
    pub(crate) pending: VecDeque<i32>,
    /// When it looks at the locks next, and what it could not see to at once.
    pub(crate) watch: Watch,
    /// Whether workers that end are replaced: not after WINCH.
    accepting: bool,
    phase: Phase,
    pub(crate) inheritance: Inheritance,
}

impl Master {
    /// A master without workers.
    pub fn new(
        options: Options,
        place: Place,
        modules: Modules,
        cycle: Rc<Cycle>,
        inheritance: Inheritance,
        starter: Option<Starter>,
    ) -> Result<Master, Failure> {
        let signals = Signals::catch(&SIGNALS)
            .map_err(|e| Failure::new(format!("sigaction() failed {}", sys::log::errno(&e))))?;
        let mut socket_files = inheritance.files.clone();
        socket_files.extend(cycle.new_files.iter().cloned());
        Ok(Master {
            options,
            place,
            modules,
            cycle,
            outgoing: None,
            workers: Workers::default(),
            generation: 1,
            successor: None,
            control: None,
            socket_files,
            other_pid_files: Vec::new(),
            upgrading: None,
            starter,
            asking: None,
            signals,
            pending: VecDeque::new(),
            watch: Watch::default(),
            accepting: true,
            phase: Phase::Running,
            inheritance,
        })
    }

    /// Starts the workers and supervises them until the end.
    pub fn run(mut self) -> Result<(), Failure> {
        sys::title::set(&format!("master process {}", sys::title::words(&self.options.argv)));
        if !self.inheritance.is_upgrade() {
            self.claim_files().inspect_err(|_| self.remove_files())?;
        }
        if let Err(failure) = self.first_generation() {
            self.workers.forget_vacancies();
            self.kill_generation(self.generation);
            self.cycle.decided(false);
            self.remove_files();
            return match self.is_told_to_end() {
                true => Ok(()),
                false => Err(failure),
            };
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

    /// Forks all workers of the current generation.
    pub(crate) fn start_generation(&mut self) -> Result<(), Failure> {
        for number in 0..self.cycle.workers() {
            self.start_worker(number)?;
        }
        Ok(())
    }

    fn start_worker(&mut self, number: usize) -> Result<(), Failure> {
        // The child's copies of what is the master's alone; and of the sockets of the configuration
        // before: a port that the new one gave up must not stay open in its workers.
        let mut masters: Vec<i32> = Vec::new();
        masters.extend(self.control.iter().flat_map(Control::descriptors));
        masters.extend(self.starter.as_ref().map(Starter::fd));
        masters.extend(self.upgrading.as_ref().map(AsRawFd::as_raw_fd));
        masters.extend(self.successor.as_ref().map(Successor::fd));
        masters.extend(self.inheritance.fd());
        masters.extend(self.asking.as_ref().map(AsRawFd::as_raw_fd));
        if let Some(outgoing) = &self.outgoing {
            masters.extend(outgoing.sockets.borrow().descriptors());
            masters.extend(outgoing.logs.descriptors());
            masters.extend(outgoing.regions.files_without(&self.cycle.regions));
        }
        let (signals, daemon) = (&self.signals, self.starter.is_some());
        let in_child = || {
            signals.forget();
            masters.into_iter().for_each(sys::stream::close);
            if daemon && let Err(error) = sys::log::take_stderr() {
                sys::log!(Alert, "dup2() failed {}", sys::log::errno(&error));
            }
        };
        self.workers.start(&self.cycle, number, self.generation, in_child)
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

    fn reopen_logs(&mut self) {
        sys::log!(Notice, "reopening logs");
        if let Err((path, error)) = self.cycle.logs.open() {
            let errno = sys::log::errno(&error);
            sys::log!(Emerg, "open() \"{}\" failed {errno}", path.display());
        }
        self.cycle.give_logs_away();
        self.workers.signal(signal::SIGUSR1, false, |_| true);
    }

    /// Starts workers of the configuration at hand again, after they were sent away (WINCH).
    pub(crate) fn bring_workers_back(&mut self) {
        if std::mem::replace(&mut self.accepting, true) {
            return;
        }
        self.generation += 1;
        for number in 0..self.cycle.workers() {
            if let Err(failure) = self.start_worker(number) {
                sys::log!(Alert, "{failure}");
                self.workers.try_again(number);
            }
        }
    }

    /// A new generation serves: its dead are replaced again.
    pub(crate) fn resume_accepting(&mut self) {
        self.accepting = true;
    }

    /// Whether a signal waits that ends the server.
    pub(crate) fn is_told_to_end(&self) -> bool {
        let ends = [signal::SIGTERM, signal::SIGINT, signal::SIGQUIT];
        self.pending.iter().any(|pending| ends.contains(pending))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }
}
