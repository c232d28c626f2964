//! The main context's directives: processes, logs and limits.

use std::path::PathBuf;
use std::sync::Arc;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting};
use module::Setup;
use sys::log::{Level, Log, Target};
use sys::user::Identity;

use crate::events::Events;

/// What the directives of the main context say.
#[derive(Debug, Default)]
pub struct CoreConf {
    pub daemon: Opt<bool>,
    pub master_process: Opt<bool>,
    pub worker_processes: Opt<usize>,
    pub worker_cpu_affinity: Opt<Affinity>,
    pub worker_priority: Opt<i32>,
    pub worker_rlimit_nofile: Opt<u64>,
    /// Milliseconds.
    pub worker_shutdown_timeout: Opt<u64>,
    /// Milliseconds.
    pub worker_ready_timeout: Opt<u64>,
    pub worker_generations: Opt<u64>,
    pub working_directory: Opt<PathBuf>,
    pub pid: Opt<PathBuf>,
    pub user: Opt<Identity>,
    pub env: Opt<Vec<String>>,
    pub error_log: Opt<Vec<(Target, Level)>>,
    pub events: Opt<Events>,
}

/// Which processors the workers are bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Worker `n` to the `n`th processor of these, in turn.
    Auto(Vec<usize>),
    /// Worker `n` to the `n`th set; the last set is for all further workers.
    Masks(Vec<Vec<usize>>),
}

impl Affinity {
    /// The processors of worker `number`.
    pub fn of_worker(&self, number: usize) -> Vec<usize> {
        match self {
            Affinity::Auto(all) => vec![all[number % all.len()]],
            Affinity::Masks(masks) => masks[number.min(masks.len() - 1)].clone(),
        }
    }
}

/// The rows of the main context.
pub static DIRECTIVES: &[Directive<CoreConf>] = &[
    Directive::new(
        "daemon",
        Contexts::MAIN,
        Arity::Flag,
        |c, s| c.daemon.set_in(s.flag()?, s),
        "on",
        "go to the background",
    ),
    Directive::new(
        "master_process",
        Contexts::MAIN,
        Arity::Flag,
        |c, s| c.master_process.set_in(s.flag()?, s),
        "on",
        "run workers under a master; off is for development",
    ),
    Directive::new(
        "worker_processes",
        Contexts::MAIN,
        Arity::Exactly(1),
        set_worker_processes,
        "1",
        "how many workers; auto: one for each processor",
    ),
    Directive::new(
        "worker_cpu_affinity",
        Contexts::MAIN,
        Arity::AtLeast(1),
        set_affinity,
        "none",
        "bind each worker to the processors of its bit mask; auto: one each",
    ),
    Directive::new(
        "worker_priority",
        Contexts::MAIN,
        Arity::Exactly(1),
        set_priority,
        "0",
        "nice value of the workers",
    ),
    Directive::new(
        "worker_rlimit_nofile",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.worker_rlimit_nofile.set_in(s.number(0)?, s),
        "the system's",
        "limit of open files in each worker",
    ),
    Directive::new(
        "worker_shutdown_timeout",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.worker_shutdown_timeout.set_in(s.time_ms(0)?, s),
        "none",
        "when a worker that drains closes what is still open",
    ),
    Directive::new(
        "worker_ready_timeout",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.worker_ready_timeout.set_in(s.time_ms(0)?, s),
        "30s",
        "how long new workers may take before a reload is given up",
    ),
    Directive::new(
        "worker_generations",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.worker_generations.set_in(s.number(0)?.max(1), s),
        "4",
        "how many generations of workers there may be that a reload has sent away: of the oldest ones beyond that, the readers of event streams are sent to newer workers",
    ),
    Directive::new(
        "working_directory",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.working_directory.set_in(s.path(0), s),
        "none",
        "current directory of the workers, where core files go",
    ),
    Directive::new(
        "pid",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| c.pid.set_in(s.path(0), s),
        "logs/rserve.pid",
        "file with the master's process number; its control socket stands beside it",
    ),
    Directive::new(
        "user",
        Contexts::MAIN,
        Arity::Between(1, 2),
        set_user,
        "nobody",
        "user and group of the workers when the master is root",
    ),
    Directive::new(
        "env",
        Contexts::MAIN,
        Arity::Exactly(1),
        |c, s| {
            c.env.push(s.arg(0).to_owned());
            Ok(())
        },
        "TZ",
        "keep an environment variable, or set it (NAME=VALUE); all others are removed",
    ),
    Directive::new(
        "error_log",
        Contexts::MAIN,
        Arity::AtLeast(1),
        set_error_log,
        "logs/error.log error",
        "where errors are written (a file or stderr), and from which level on",
    ),
    Directive::new(
        "events",
        Contexts::MAIN,
        Arity::Exactly(0),
        set_events,
        "",
        "settings of the event loop",
    )
    .with_block(),
];

fn set_worker_processes(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let count = match setting.arg(0) {
        "auto" => sys::process::processors(),
        _ => setting.number(0)? as usize,
    };
    if !(1..=1024).contains(&count) {
        return Err(setting.error_at(0, "worker_processes must be between 1 and 1024"));
    }
    conf.worker_processes.set_in(count, setting)
}

fn set_affinity(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let (auto, masks) = match setting.args() {
        [first, masks @ ..] if first == "auto" => (true, masks),
        masks => (false, masks),
    };
    let mut sets = Vec::new();
    for (at, mask) in masks.iter().enumerate() {
        if mask.text.is_empty() || !mask.text.bytes().all(|bit| bit == b'0' || bit == b'1') {
            let message = "a mask of processors is written with 0 and 1";
            return Err(setting.error_at(at + usize::from(auto), message));
        }
        let bits = mask.text.bytes().rev().enumerate().filter(|&(_, bit)| bit == b'1');
        sets.push(bits.map(|(processor, _)| processor).collect::<Vec<_>>());
    }
    let affinity = match auto {
        true if sets.len() > 1 => {
            return Err(setting.error("invalid number of arguments in \"worker_cpu_affinity\""));
        }
        true => Affinity::Auto(sets.pop().unwrap_or_else(sys::process::allowed_processors)),
        false => Affinity::Masks(sets),
    };
    if matches!(&affinity, Affinity::Auto(all) if all.is_empty()) {
        return Err(setting.error("no processor is left to bind workers to"));
    }
    conf.worker_cpu_affinity.set_in(affinity, setting)
}

fn set_priority(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    let value: i32 = setting.arg(0).parse().map_err(|_| setting.invalid(0, "number"))?;
    if !(-20..=20).contains(&value) {
        return Err(setting.error_at(0, "a nice value is between -20 and 20"));
    }
    conf.worker_priority.set_in(value, setting)
}

fn set_user(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    if !sys::user::is_root() {
        setting.warn(
            "the \"user\" directive makes sense only if the master process runs with super-user \
             privileges, ignored",
        );
        return Ok(());
    }
    let group = setting.args().get(1).map(|word| word.text.as_str());
    let found = Identity::find(setting.arg(0), group).map_err(|e| setting.error_at(0, e))?;
    conf.user.set_in(found, setting)
}

fn set_events(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.events.set_in(Events::from_block(setting)?, setting)
}

fn set_error_log(conf: &mut CoreConf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.error_log.push(module::error_log(setting)?);
    Ok(())
}

impl CoreConf {
    /// The process's own error logs.
    pub fn main_logs(&self, setup: &mut Setup<'_>, default: PathBuf) -> Vec<Arc<Log>> {
        let default = [(Target::File(default), Level::Error)];
        let written = match self.error_log.as_slice() {
            [] => &default[..],
            written => written,
        };
        written.iter().map(|(target, level)| setup.error_log(target.clone(), *level)).collect()
    }

    /// How many workers run.
    pub fn workers(&self) -> usize {
        match self.master_process.or_default(true) {
            true => self.worker_processes.or_default(1),
            false => 1,
        }
    }
}
