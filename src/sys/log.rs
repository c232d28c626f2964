//! The error log: levelled lines in nginx's form, to a file or to standard error.
//!
//! ```text
//! 2026/11/21 23:18:00 [notice] 1234#1234: signal 1 (SIGHUP) received, reconfiguring
//! 2026/11/21 23:18:01 [error] 1240#1240: *17 open() "/srv/x" failed (2: No such file or directory)
//! ```

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use crate::append::{AppendFile, write_to_stderr};
use crate::ring::Ring;
use crate::syslog::Syslog;
use crate::{clock, process, user};

/// How much a line matters, the weightiest first (syslog's order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The server cannot run.
    Emerg,
    /// Somebody should look now: a worker died.
    Alert,
    /// A fault that is not a client's.
    Crit,
    /// A request failed.
    Error,
    /// Odd, but served.
    Warn,
    /// Life of the processes.
    Notice,
    /// What clients do wrong.
    Info,
    /// For those who develop the server.
    Debug,
}

/// Every level with its name in configuration and log.
pub const LEVELS: [(&str, Level); 8] = [
    ("emerg", Level::Emerg),
    ("alert", Level::Alert),
    ("crit", Level::Crit),
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("notice", Level::Notice),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

/// The levels at which it is logged that a client was refused or delayed.
pub const REFUSALS: [(&str, Level); 4] = [
    ("info", Level::Info),
    ("notice", Level::Notice),
    ("warn", Level::Warn),
    ("error", Level::Error),
];

impl Level {
    /// The next one below.
    pub fn below(self) -> Level {
        let below = LEVELS.get(self as usize + 1);
        below.map_or(self, |(_, level)| *level)
    }

    /// The level's name, `notice`.
    pub fn name(self) -> &'static str {
        LEVELS[self as usize].0
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard error.
    Stderr,
    /// A file, opened for appending.
    File(PathBuf),
    /// A server of syslog.
    Syslog(Arc<Syslog>),
    /// The last so many bytes, in the memory of each process.
    Memory(usize),
}

impl Target {
    /// The file's path; standard error's is `/dev/stderr`, others have a name that is none.
    pub fn path(&self) -> &Path {
        match self {
            Target::Stderr => Path::new("/dev/stderr"),
            Target::File(path) => path,
            Target::Syslog(_) => Path::new("syslog:"),
            Target::Memory(_) => Path::new("memory:"),
        }
    }
}

/// One `error_log`: a target and the least weighty level that it takes.
#[derive(Debug)]
pub struct Log {
    target: Target,
    level: Level,
    /// `None` is standard error. Replaced by `reopen`.
    file: RwLock<Option<AppendFile>>,
    ring: Option<Ring>,
}

impl Log {
    /// A log on standard error.
    pub fn stderr(level: Level) -> Log {
        Log::new(Target::Stderr, level)
    }

    /// A log whose file is not open yet: until [`Log::reopen`] it writes to standard error.
    pub fn new(target: Target, level: Level) -> Log {
        let ring = match target {
            Target::Memory(size) => Some(Ring::new(size)),
            _ => None,
        };
        Log { target, level, file: RwLock::new(None), ring }
    }

    /// Where the lines go.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The descriptor of its file, if one is open.
    pub fn fd(&self) -> Option<RawFd> {
        self.file.read().ok()?.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// The least weighty level that is written.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether a line of `level` would be written: ask before rendering a costly one.
    pub fn takes(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Writes one line. A line that cannot be written is lost: there is nobody left to tell.
    pub fn write(&self, level: Level, message: std::fmt::Arguments<'_>) {
        if !self.takes(level) {
            return;
        }
        let time = clock::local(clock::wall().as_secs()).error_log();
        let pid = process::pid();
        let line = format!("{time} [{}] {pid}#{pid}: {message}\n", level.name());
        match (&self.target, &self.ring) {
            (Target::Syslog(syslog), _) => {
                return to_syslog(syslog, Some(level), line.trim_end().as_bytes());
            }
            (Target::Memory(_), Some(ring)) => return ring.write(line.as_bytes()),
            _ => {}
        }
        let Ok(file) = self.file.read() else { return };
        let _ = match file.as_ref() {
            Some(file) => file.write(line.as_bytes()),
            None => write_to_stderr(line.as_bytes()),
        };
    }

    fn take_stderr(&self) -> io::Result<()> {
        match self.file.read().ok().as_deref() {
            Some(Some(file)) => file.take_stderr(),
            _ => Ok(()),
        }
    }

    /// Opens (or creates) the file; again after somebody renamed it (USR1).
    pub fn reopen(&self) -> io::Result<()> {
        let Target::File(path) = &self.target else { return Ok(()) };
        let Ok(mut current) = self.file.write() else { return Ok(()) };
        if !current.as_ref().is_some_and(|file| file.is_lasting(path)) {
            *current = Some(AppendFile::open(path)?);
        }
        Ok(())
    }

    /// Gives the file to the user who must be able to reopen it.
    pub fn give_to(&self, user: &user::Identity) -> io::Result<()> {
        match (&self.target, self.file.read().ok().as_deref()) {
            (Target::File(path), Some(Some(file))) => file.give_to(user, path),
            _ => Ok(()),
        }
    }
}

static MAIN: RwLock<Vec<Arc<Log>>> = RwLock::new(Vec::new());

/// Makes `logs` the process's own logs, where [`write()`] goes.
pub fn set_main(logs: Vec<Arc<Log>>) {
    if let Ok(mut main) = MAIN.write() {
        *main = logs;
    }
}

fn main_logs() -> Vec<Arc<Log>> {
    MAIN.read().map(|main| main.clone()).unwrap_or_default()
}

/// Whether one of the process's own logs takes lines of this level.
pub fn takes(level: Level) -> bool {
    MAIN.read().is_ok_and(|main| main.iter().any(|log| log.takes(level)))
}

/// Writes to the process's own logs; before there is one, to standard error.
pub fn write(level: Level, message: std::fmt::Arguments<'_>) {
    let logs = main_logs();
    if logs.is_empty() {
        Log::stderr(Level::Notice).write(level, message);
    }
    logs.iter().for_each(|log| log.write(level, message));
}

/// Writes a line to these logs; to the process's own, if there are none.
pub fn write_to(logs: &[Arc<Log>], level: Level, message: std::fmt::Arguments<'_>) {
    match logs.is_empty() {
        true => write(level, message),
        false => logs.iter().for_each(|log| log.write(level, message)),
    }
}

/// Writes to those of the process's own logs that are files: for what standard error has shown.
pub fn to_file(level: Level, message: std::fmt::Arguments<'_>) {
    let logs = main_logs();
    let files = logs.iter().filter(|log| matches!(log.target, Target::File(_)));
    files.for_each(|log| log.write(level, message));
}

/// Sends a line; where that fails, the process's own logs that are no syslog are told, or standard error.
pub fn to_syslog(syslog: &Syslog, level: Option<Level>, line: &[u8]) {
    if let Err(error) = syslog.send(level.map(|level| level as u8), line) {
        let (name, errno) = (syslog.name(), errno(&error));
        let message = format_args!("send() to {name} failed {errno}: lines are lost");
        beside_syslog(Level::Alert, message);
    }
}

fn beside_syslog(level: Level, message: std::fmt::Arguments<'_>) {
    let logs = main_logs();
    let others: Vec<_> =
        logs.iter().filter(|log| !matches!(log.target, Target::Syslog(_))).collect();
    if others.is_empty() {
        Log::stderr(level).write(level, message);
    }
    others.iter().for_each(|log| log.write(level, message));
}

/// Makes standard error write to the first log file, for what has no other way to say something.
pub fn take_stderr() -> io::Result<()> {
    match main_logs().iter().find(|log| matches!(log.target, Target::File(_))) {
        Some(log) => log.take_stderr(),
        None => Ok(()),
    }
}

/// `log!(Notice, "worker {pid} exited")`: a line in the process's own log.
#[macro_export]
macro_rules! log {
    ($level:ident, $($argument:tt)*) => {
        $crate::log::write($crate::log::Level::$level, format_args!($($argument)*))
    };
}

/// `(2: No such file or directory)`: an error of the system as the logs show it.
pub fn errno(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            format!("({code}: {text})")
        }
        None => format!("({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_below_the_level_are_not_written() {
        let path = std::env::temp_dir().join(format!("rserve-log-{}", process::pid()));
        let log = Log::new(Target::File(path.clone()), Level::Warn);
        log.reopen().expect("a log file");
        log.write(Level::Notice, format_args!("quiet"));
        log.write(Level::Error, format_args!("loud"));
        let text = std::fs::read_to_string(&path).expect("its text");
        std::fs::remove_file(&path).expect("removed");
        assert!(text.ends_with(": loud\n") && text.contains(" [error] "), "{text}");
        assert!(!text.contains("quiet"));
    }

    #[test]
    fn system_errors_show_their_number() {
        let error = io::Error::from_raw_os_error(libc::ENOENT);
        assert_eq!(errno(&error), "(2: No such file or directory)");
    }
}
