//! Other processes: run to their end, watched through `/proc`, ended.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::{comes_within, wait_for};

/// Runs a program to its end, with nothing to read.
pub fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|e| panic!("{program}: {e} (Debian: apt install {})", package(&program)))
}

/// The Debian package of a program that the tests use.
pub fn package(program: &str) -> &str {
    match program.rsplit('/').next().unwrap_or(program) {
        "ab" => "apache2-utils",
        "kill" => "procps",
        "prlimit" => "util-linux",
        "ss" => "iproute2",
        other => other,
    }
}

/// Sends a signal: `HUP`, `USR1`, `KILL` …
pub fn signal(pid: u32, name: &str) {
    let signal = Signal::from_str(&format!("SIG{name}")).unwrap_or_else(|e| panic!("{name}: {e}"));
    // Who has gone meanwhile needs none.
    let _ = nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), signal);
}

/// Kills these processes at once, and waits for their ends: what a client asks for behind it, none of them accepts any more.
#[track_caller]
pub fn kill(pids: &[u32]) {
    pids.iter().for_each(|&pid| signal(pid, "KILL"));
    pids.iter().for_each(|&pid| wait_for_end(pid));
}

/// Runs `work` while these processes stand still. They go on behind it, by a panic, too; one may have been killed meanwhile.
///
/// Who of several workers gets a connection is the kernel's choice, and may be the same one again and again: a test that wants it in one
/// of them stops the others.
#[track_caller]
pub fn while_stopped<T>(pids: &[u32], work: impl FnOnce() -> T) -> T {
    let stopped = Stopped(pids);
    pids.iter().for_each(|&pid| signal(pid, "STOP"));
    wait_for("the processes to stop", || {
        pids.iter().all(|&pid| stat(pid).is_none_or(|(state, _)| state == 'T'))
    });
    let result = work();
    drop(stopped);
    result
}

struct Stopped<'a>(&'a [u32]);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.iter().filter(|&&pid| is_alive(pid)).for_each(|&pid| signal(pid, "CONT"));
    }
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// The processes that a process has started and that live.
pub fn children(parent: u32) -> Vec<u32> {
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<u32> = pids
        .filter(|&pid| stat(pid).is_some_and(|(state, of)| state != 'Z' && of == parent))
        .collect();
    found.sort_unstable();
    found
}

/// State and parent.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut words = text.get(text.rfind(')')? + 1..)?.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// Waits until no thread of this program has run for so long: what was sent to it is dealt with, and what it had put off for less than that.
///
/// A thread that has something to do is ready to run, whether it is given a processor or not: so this says the same on busy processors.
/// A program that is never without something to do is not waited for.
pub fn come_to_rest(program: &str, long: Duration) {
    let longest = Duration::from_millis(200).max(10 * long);
    let (mut before, mut since) = (None, Instant::now());
    comes_within(longest, || {
        let now = asleep(program);
        if now.is_none() || now != before {
            (before, since) = (now, Instant::now());
        }
        before.is_some() && since.elapsed() > long
    });
}

/// The threads of a program, each with how often it was given a processor; `None`: not all of them sleep.
fn asleep(program: &str) -> Option<Vec<(PathBuf, u64)>> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let is_it = |path: &PathBuf| {
        std::fs::read_link(path.join("exe"))
            .is_ok_and(|exe| exe.file_name().is_some_and(|name| name == program))
    };
    let threads = folders(Path::new("/proc")).into_iter().filter(is_it);
    let threads = threads.flat_map(|path| folders(&path.join("task")));
    threads
        .filter_map(|path| Some((scheduled(&path)?, path)))
        .map(|((sleeps, count), path)| sleeps.then_some((path, count)))
        .collect()
}

/// Whether a thread waits, and how often it was given a processor. `None`: it has gone.
fn scheduled(path: &Path) -> Option<(bool, u64)> {
    let text = std::fs::read_to_string(path.join("status")).ok()?;
    let value = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
    };
    let switches = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
    let count = switches.iter().filter_map(|name| value(name)?.parse::<u64>().ok()).sum();
    Some((value("State:")? != "R", count))
}

/// Waits until a process has ended.
#[track_caller]
pub fn wait_for_end(pid: u32) {
    wait_for(&format!("the end of process {pid}"), || !is_alive(pid));
}
