//! The main context's directives: processes, logs and limits.

use std::path::PathBuf;
use std::sync::Arc;

use conf::{Arity, Contexts, Error, Setting, settings};
use module::Setup;
use sys::log::{Level, Log, Target};
use sys::user::Identity;

use crate::events::Events;

settings! {
    /// What the directives of the main context say.
    #[derive(Debug, Default)]
    pub struct CoreConf {
        flag daemon = (Contexts::MAIN, "on", "go to the background");
        flag master_process = (
            Contexts::MAIN, "on", "run workers under a master; off is for development"
        );
        value worker_processes: usize = (
            Contexts::MAIN, Arity::Exactly(1), worker_processes, "1",
            "how many workers; auto: one for each processor"
        );
        option worker_cpu_affinity: Affinity = (
            Contexts::MAIN, Arity::AtLeast(1), affinity, "none",
            "bind each worker to the processors of its bit mask; auto: one each"
        );
        option worker_priority: i32 = (
            Contexts::MAIN, Arity::Exactly(1), priority, "0", "nice value of the workers"
        );
        option worker_rlimit_nofile: u64 = (
            Contexts::MAIN, Arity::Exactly(1), |s: &Setting<'_>| s.number(0), "the system's",
            "limit of open files in each worker"
        );
        option worker_rlimit_core: u64 = (
            Contexts::MAIN, Arity::Exactly(1), |s: &Setting<'_>| s.size(0), "the system's",
            "how large the core file of a worker that crashes may become"
        );
        option worker_shutdown_timeout: u64 = (
            Contexts::MAIN, Arity::Exactly(1), |s: &Setting<'_>| s.time_ms(0), "none",
            "when a worker that drains closes what is still open"
        );
        time worker_ready_timeout = (
            Contexts::MAIN, "30s", "how long new workers may take before a reload is given up"
        );
        value worker_generations: u64 = (
            Contexts::MAIN, Arity::Exactly(1), |s: &Setting<'_>| Ok(s.number(0)?.max(1)), "4",
            "how many generations of workers there may be that a reload has sent away: of the oldest ones beyond that, the readers of event streams are sent to newer workers"
        );
        option working_directory: PathBuf = (
            Contexts::MAIN, Arity::Exactly(1), path, "none",
            "current directory of the workers, where core files go"
        );
        option pid: PathBuf = (
            Contexts::MAIN, Arity::Exactly(1), path, "logs/rserve.pid",
            "file with the master's process number; its control socket stands beside it"
        );
        raw user: Identity = (
            Contexts::MAIN, Arity::Between(1, 2), set_user, "nobody",
            "user and group of the workers when the master is root"
        );
        list env: String = (
            Contexts::MAIN, Arity::Exactly(1), |s: &Setting<'_>| Ok::<_, Error>(s.arg(0).to_owned()), "TZ",
            "keep an environment variable, or set it (NAME=VALUE); all others are removed"
        );
        list error_log: (Target, Level) = (
            Contexts::MAIN, Arity::AtLeast(1), module::error_log, "logs/error.log error",
            "where errors are written (a file or stderr), and from which level on"
        );
        block events: Events = (
            Contexts::MAIN, Arity::Exactly(0), set_events, "", "settings of the event loop"
        );
    }
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

fn path(setting: &Setting<'_>) -> Result<PathBuf, Error> {
    Ok(setting.path(0))
}

fn worker_processes(setting: &Setting<'_>) -> Result<usize, Error> {
    let count = match setting.arg(0) {
        "auto" => sys::process::processors(),
        _ => setting.number(0)? as usize,
    };
    if !(1..=1024).contains(&count) {
        return Err(setting.error_at(0, "worker_processes must be between 1 and 1024"));
    }
    Ok(count)
}

fn affinity(setting: &Setting<'_>) -> Result<Affinity, Error> {
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
    Ok(affinity)
}

fn priority(setting: &Setting<'_>) -> Result<i32, Error> {
    let value: i32 = setting.arg(0).parse().map_err(|_| setting.invalid(0, "number"))?;
    if !(-20..=20).contains(&value) {
        return Err(setting.error_at(0, "a nice value is between -20 and 20"));
    }
    Ok(value)
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
        match self.master_process() {
            true => self.worker_processes(),
            false => 1,
        }
    }
}
