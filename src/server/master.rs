//! The master: one thread that starts workers, hears signals and never touches a client.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;

use sys::process::Starter;
use sys::signal::{self, Signals};
use sys::unix::SocketFile;

use crate::control::Control;
use crate::cycle::Cycle;
use crate::handover::Inheritance;
use crate::options::Options;
use crate::place::Place;
use crate::successor::Successor;
use crate::watch::Watch;
use crate::workers::Workers;
use crate::{Failure, Modules};

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
pub(crate) enum Phase {
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
    pub(crate) starter: Option<Starter>,
    /// Who waits for the verdict of the reload at hand.
    pub(crate) asking: Option<UnixStream>,
    pub(crate) signals: Signals,
    /// Signals that came while something else had to be finished first.
    pub(crate) pending: VecDeque<i32>,
    /// When it looks at the locks next, and what it could not see to at once.
    pub(crate) watch: Watch,
    /// Whether workers that end are replaced: not after WINCH.
    pub(crate) accepting: bool,
    pub(crate) phase: Phase,
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

    /// Forks all workers of the current generation.
    pub(crate) fn start_generation(&mut self) -> Result<(), Failure> {
        for number in self.cycle.numbers() {
            self.start_worker(number)?;
        }
        Ok(())
    }

    /// Forks one of them.
    pub(crate) fn start_worker(&mut self, number: usize) -> Result<(), Failure> {
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

    /// Starts workers of the configuration at hand again, after they were sent away (WINCH).
    pub(crate) fn bring_workers_back(&mut self) {
        if std::mem::replace(&mut self.accepting, true) {
            return;
        }
        self.generation += 1;
        for number in self.cycle.numbers() {
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

    /// Whether there is another master of this server: a newer binary, or an older one.
    pub(crate) fn has_partner(&self) -> bool {
        self.successor.is_some() || self.inheritance.predecessor_lives()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }
}
