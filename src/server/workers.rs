//! The master's book of its workers: starting them, hearing that they are ready, replacing the dead.

use std::rc::Rc;

use module::Role;
use sys::channel::{self, MasterEnd, Report};
use sys::clock::monotonic_ms;
use sys::process::{Exit, Fork};

use crate::Failure;
use crate::cycle::{Cycle, role_of};
use crate::worker;

/// A worker that dies younger than this is replaced later and later.
const YOUNG_MS: u64 = 1000;
const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 10_000;

/// One worker process.
#[derive(Debug)]
pub struct Worker {
    pub pid: i32,
    /// 0 up to `worker_processes`, or the number of a role ([`role_of`]).
    pub number: usize,
    /// Which configuration it serves: counted up with every reload.
    pub generation: u64,
    /// It accepts connections.
    pub ready: bool,
    /// It was told to end.
    pub ending: bool,
    started: u64,
    channel: MasterEnd,
}

impl Worker {
    /// Why it could not start, as it said itself.
    pub fn last_words(&mut self) -> Option<String> {
        Some(self.channel.last_words()).filter(|words| !words.is_empty())
    }
}

/// A worker that is to be started again.
#[derive(Clone, Copy, Debug)]
struct Vacancy {
    number: usize,
    due: u64,
}

/// All workers, of all generations.
#[derive(Debug, Default)]
pub struct Workers {
    all: Vec<Worker>,
    vacancies: Vec<Vacancy>,
    /// Pauses of numbers whose workers died young.
    pauses: Vec<(usize, u64)>,
}

impl Workers {
    /// Forks worker `number`. In the child this does not return.
    pub fn start(
        &mut self,
        cycle: &Rc<Cycle>,
        number: usize,
        generation: u64,
        in_child: impl FnOnce(),
    ) -> Result<(), Failure> {
        let failed = |call: &str, error| {
            Failure::new(format!("{call}() failed while starting a worker {}", errno(&error)))
        };
        let (master_end, worker_end) = channel::pair().map_err(|e| failed("socketpair", e))?;
        // Held until the child has its own handlers: a signal must not reach the master's through it.
        let blocked = sys::signal::block_all().map_err(|e| failed("sigprocmask", e))?;
        match sys::process::fork().map_err(|e| failed("fork", e))? {
            Fork::Child => {
                drop(master_end);
                // The channels of the other workers are the master's alone.
                self.all.clear();
                in_child();
                worker::run(cycle.clone(), number, worker_end, blocked)
            }
            Fork::Parent(pid) => {
                sys::log!(Notice, "start {} {pid}", what(number));
                self.all.push(Worker {
                    pid,
                    number,
                    generation,
                    ready: false,
                    ending: false,
                    started: monotonic_ms(),
                    channel: master_end,
                });
                Ok(())
            }
        }
    }

    /// Every worker.
    pub fn iter(&self) -> impl Iterator<Item = &Worker> {
        self.all.iter()
    }

    /// Whether there is none left.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The descriptors on which workers report.
    pub fn channels(&self) -> impl Iterator<Item = i32> {
        self.all.iter().filter(|worker| !worker.ready).map(|worker| worker.channel.fd())
    }

    /// Takes the reports that have come.
    pub fn hear(&mut self) {
        for worker in self.all.iter_mut().filter(|worker| !worker.ready) {
            if let Some(Report::Ready) = worker.channel.report() {
                worker.ready = true;
            }
        }
    }

    /// Whether every worker of the generation is ready. Nobody waits for those beside them: clients need them not.
    pub fn ready(&self, generation: u64) -> bool {
        let counts =
            |worker: &&Worker| worker.generation == generation && role_of(worker.number).is_none();
        self.all.iter().filter(counts).all(|worker| worker.ready)
    }

    /// Plans a process of that number, if the generation has none and is about to have none.
    pub fn want(&mut self, number: usize, generation: u64) {
        let is = |worker: &Worker| worker.generation == generation && worker.number == number;
        let planned = self.vacancies.iter().any(|vacancy| vacancy.number == number);
        if !planned && !self.all.iter().any(is) {
            self.try_again(number);
        }
    }

    /// Sends a signal to the workers that `chosen` names.
    pub fn signal(&mut self, signal: i32, ending: bool, chosen: impl Fn(&Worker) -> bool) {
        for worker in self.all.iter_mut().filter(|worker| chosen(worker)) {
            worker.ending |= ending;
            if let Err(error) = sys::process::kill(worker.pid, signal) {
                sys::log!(Alert, "kill({}, {signal}) failed {}", worker.pid, errno(&error));
            }
        }
    }

    /// Takes a process that has ended out of the book; `None`: it was no worker.
    pub fn ended(&mut self, pid: i32, exit: Exit) -> Option<Worker> {
        let at = self.all.iter().position(|worker| worker.pid == pid)?;
        let worker = self.all.swap_remove(at);
        log_exit(what(worker.number), pid, exit);
        Some(worker)
    }

    /// Plans a replacement: at once for a worker that had lived, else after a growing pause.
    pub fn replace(&mut self, worker: &Worker) {
        let now = monotonic_ms();
        let known = self.pauses.iter().position(|(number, _)| *number == worker.number);
        let before = known.map_or(0, |at| self.pauses.swap_remove(at).1);
        let pause = match now - worker.started < YOUNG_MS {
            true => (before * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
            false => 0,
        };
        if pause > 0 {
            self.pauses.push((worker.number, pause));
            let who = match role_of(worker.number) {
                Some(role) => format!("the {}", role.title()),
                None => format!("worker {}", worker.number),
            };
            sys::log!(Warn, "{who} died young, it is started again in {pause} ms");
        }
        self.vacancies.push(Vacancy { number: worker.number, due: now + pause });
    }

    /// Starting this worker failed: once more, later.
    pub fn try_again(&mut self, number: usize) {
        self.vacancies.push(Vacancy { number, due: monotonic_ms() + YOUNG_MS });
    }

    /// The numbers of the workers that are to be started now.
    pub fn due(&mut self) -> Vec<usize> {
        let now = monotonic_ms();
        let due = self.vacancies.extract_if(.., |vacancy| vacancy.due <= now);
        due.map(|vacancy| vacancy.number).collect()
    }

    /// Milliseconds until a worker is to be started.
    pub fn next_due(&self) -> Option<u64> {
        let now = monotonic_ms();
        self.vacancies.iter().map(|vacancy| vacancy.due.saturating_sub(now)).min()
    }

    /// Forgets whom to replace: the server ends, or a new generation has begun.
    pub fn forget_vacancies(&mut self) {
        self.vacancies.clear();
        self.pauses.clear();
    }
}

fn what(number: usize) -> &'static str {
    role_of(number).map_or("worker process", Role::title)
}

/// How a child has ended, for messages.
pub fn describe(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal(signal, _) => format!("was killed by signal {signal}"),
    }
}

/// Logs the end of a child in nginx's words: tools look for them.
pub fn log_exit(what: &str, pid: i32, exit: Exit) {
    match exit {
        Exit::Code(code) => sys::log!(Notice, "{what} {pid} exited with code {code}"),
        Exit::Signal(signal, core) => {
            let core = if core { " (core dumped)" } else { "" };
            sys::log!(Alert, "{what} {pid} exited on signal {signal}{core}");
        }
    }
}

fn errno(error: &std::io::Error) -> String {
    sys::log::errno(error)
}
