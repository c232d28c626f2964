//! Processes: fork, exec, exit, and what one asks of the kernel for them.

use std::ffi::{CString, OsStr};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

/// The number of this process.
pub fn pid() -> i32 {
    std::process::id() as i32
}

/// Which of the two a process is after [`fork`].
pub enum Fork {
    /// The process that called; the number is the child's.
    Parent(i32),
    /// The new process.
    Child,
}

/// `fork(2)`. Fails also when this process has more than one thread: the child would inherit locks
/// that nobody is left to release.
pub fn fork() -> io::Result<Fork> {
    if threads()? != 1 {
        return Err(io::Error::other("a process with threads must not fork"));
    }
    // SAFETY: there is one thread (checked above), so the child's memory is consistent.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Fork::Parent(child.as_raw())),
        ForkResult::Child => Ok(Fork::Child),
    }
}

fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count))
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It called `exit` with that code.
    Code(i32),
    /// A signal killed it; the flag tells of a core dump.
    Signal(i32, bool),
}

/// The children that have ended since the last call.
pub fn reap() -> Vec<(i32, Exit)> {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push((pid.as_raw(), Exit::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, core)) => {
                ended.push((pid.as_raw(), Exit::Signal(signal as i32, core)));
            }
            Err(Errno::EINTR) => {}
            Ok(WaitStatus::StillAlive) | Err(_) => return ended,
            Ok(_) => {}
        }
    }
}

/// Sends `signal` to `pid`.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    let signal = nix::sys::signal::Signal::try_from(signal)?;
    Ok(nix::sys::signal::kill(Pid::from_raw(pid), signal)?)
}

/// Whether a process of that number exists.
pub fn exists(pid: i32) -> bool {
    !matches!(nix::sys::signal::kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// Whether a process of that number runs: one that has ended and waits for its parent does not.
pub fn lives(pid: i32) -> bool {
    let zombie = || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may contain anything.
        text.get(text.rfind(')')? + 1..)?.trim_start().chars().next().map(|state| state == 'Z')
    };
    exists(pid) && !zombie().unwrap_or(false)
}

/// Whether process `pid` is a server of this program, as far as can be told: a pid file may name a number that
/// another process has since.
pub fn is_this_program(pid: i32) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return exists(pid) };
    if line.starts_with(b"rserve: ") {
        return line.starts_with(b"rserve: master process");
    }
    let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = |path: &[u8]| Path::new(OsStr::from_bytes(path)).file_name().map(OsStr::to_owned);
    let ours = std::env::args_os().next().and_then(|path| name(path.as_bytes()));
    ours.is_some() && name(first) == ours
}

/// The number of this process's parent.
pub fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// The process that was called to start a daemon: it waits, and exits by what becomes of it.
pub struct Starter(io::PipeWriter);

impl Starter {
    /// Lets the starter exit with success. Dropped without it, or with the process: with failure.
    pub fn report_ready(mut self) {
        let _ = self.0.write_all(b"R");
    }

    /// The descriptor that keeps it waiting.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Goes to the background: a new session, no terminal, standard input and output on `/dev/null`.
/// Standard error stays until the server is up, so that whoever started it reads why it is not.
pub fn daemonize() -> io::Result<Starter> {
    let (mut outcome, writer) = io::pipe()?;
    if let Fork::Parent(_) = fork()? {
        drop(writer);
        let up = outcome.read_exact(&mut [0]).is_ok();
        std::process::exit(if up { 0 } else { 1 });
    }
    nix::unistd::setsid()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(Starter(writer))
}

/// Starts `program` with `arguments` and the environment `variables` (added to ours) in a new
/// process that inherits `descriptors`; gives the process's number.
pub fn spawn_inheriting(
    program: &OsStr,
    arguments: &[std::ffi::OsString],
    variables: &[(String, String)],
    descriptors: &[RawFd],
) -> io::Result<i32> {
    // Everything is allocated before the fork; afterwards the child only makes system calls.
    let path = CString::new(program.as_bytes())?;
    let argv: Vec<CString> =
        arguments.iter().map(|a| CString::new(a.as_bytes())).collect::<Result<_, _>>()?;
    let replaced = |key: &OsStr| variables.iter().any(|(name, _)| OsStr::new(name) == key);
    let mut environment = Vec::new();
    for (key, value) in std::env::vars_os().filter(|(key, _)| !replaced(key)) {
        environment.push(CString::new([key.as_bytes(), b"=", value.as_bytes()].concat())?);
    }
    for (key, value) in variables {
        environment.push(CString::new(format!("{key}={value}"))?);
    }
    match fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => {
            for &fd in descriptors {
                let _ = inherit(fd);
            }
            let _ = nix::unistd::execve(&path, &argv, &environment);
            std::process::exit(127)
        }
    }
}

/// A descriptor that the predecessor of this process named; `None` if it is not open.
pub fn inherited_file(fd: RawFd) -> Option<std::fs::File> {
    // SAFETY: F_GETFD on any number is harmless, and tells whether it is open.
    if fd < 3 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: it is open, and the predecessor passed it to nobody else in this process.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    Some(fd.into())
}

/// Makes reads of `file` fail with `WouldBlock` instead of waiting.
pub fn set_nonblocking(file: &impl AsFd) -> io::Result<()> {
    fcntl(file, FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A second descriptor of what a number stands for, closed on exec.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved; a bad number is an error.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    crate::file::check(copy)?;
    // SAFETY: the kernel has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Removes variables from this process's environment.
pub fn forget_variables(names: &[&str]) {
    for name in names {
        // SAFETY: the callers (start-up, a worker before its loop) run in the only thread.
        unsafe { std::env::remove_var(name) };
    }
}

/// Keeps of the environment only `TZ` and what `wanted` names, and sets what it gives a value
/// (`NAME=VALUE`).
pub fn keep_environment(wanted: &[String]) {
    let names: Vec<&str> = wanted
        .iter()
        .map(|word| word.split_once('=').map_or(word.as_str(), |(name, _)| name))
        .collect();
    let known =
        |name: &OsStr| name.to_str().is_some_and(|name| name == "TZ" || names.contains(&name));
    let kept: Vec<_> = std::env::vars_os().filter(|(name, _)| known(name)).collect();
    // SAFETY: a worker calls this before its loop, in its only thread. What is in the environment besides
    // may be no variable at all: it goes with the rest.
    unsafe {
        libc::clearenv();
        kept.into_iter().for_each(|(name, value)| std::env::set_var(name, value));
    }
    for (name, value) in wanted.iter().filter_map(|word| word.split_once('=')) {
        if !name.is_empty() {
            // SAFETY: a worker calls this before its loop, in its only thread.
            unsafe { std::env::set_var(name, value) };
        }
    }
    crate::clock::read_time_zone();
}

fn inherit(fd: RawFd) -> io::Result<()> {
    // SAFETY: the descriptor is open: its owner asked us to hand it on, and is alive in the parent's
    // memory image that this child has.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}

/// Raises (or lowers) the limit of open files.
pub fn limit_files(count: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, count, hard.max(count))?)
}

/// Sets how large a core file may become, as nginx does: the soft and the hard limit.
pub fn limit_core(bytes: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_CORE, bytes, bytes)?)
}

/// The limit of open files now.
pub fn file_limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// Sets the nice value.
pub fn set_priority(nice: i32) -> io::Result<()> {
    // SAFETY: no memory is involved. `as _`: the type of the first argument differs by libc.
    crate::file::check(unsafe { libc::setpriority(libc::PRIO_PROCESS as _, 0, nice) })?;
    Ok(())
}

/// Binds this process to the processors whose bit is set.
pub fn set_affinity(processors: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &processor in processors {
        set.set(processor)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The machine's name, in lower case.
pub fn hostname() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_else(|| "localhost".to_owned()).to_ascii_lowercase()
}

/// How many processors this process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The processors this process may run on.
pub fn allowed_processors() -> Vec<usize> {
    let Ok(set) = nix::sched::sched_getaffinity(Pid::from_raw(0)) else { return vec![0] };
    (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect()
}

/// Whether a core file may be written after a change of user (`PR_SET_DUMPABLE`).
pub fn allow_core_dumps() {
    let _ = nix::sys::prctl::set_dumpable(true);
}

/// Whether this process belongs to a terminal.
pub fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Points standard error at `target`.
pub fn redirect_stderr(target: &impl AsFd) -> io::Result<()> {
    Ok(nix::unistd::dup2_stderr(target)?)
}

/// Whether nobody is left to read from the pipe behind `fd`.
pub fn is_broken(fd: RawFd) -> bool {
    let mut polled = libc::pollfd { fd, events: 0, revents: 0 };
    // SAFETY: the kernel reads and writes the one structure whose number it is given, and keeps nothing of it.
    unsafe { libc::poll(&mut polled, 1, 0) > 0 && polled.revents & libc::POLLERR != 0 }
}

/// Waits until `fd` takes a write, for `timeout_ms` at most. Whether it does; an error takes it, too:
/// the write says which.
pub fn wait_writable(fd: RawFd, timeout_ms: i32) -> bool {
    let mut polled = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: the kernel reads and writes the one structure whose number it is given, and keeps nothing of it.
    unsafe { libc::poll(&mut polled, 1, timeout_ms) > 0 }
}

/// Waits until one of `descriptors` is readable or `timeout_ms` has passed. A signal ends the wait.
pub fn wait_readable(descriptors: &[RawFd], timeout_ms: Option<u64>) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = descriptors
        .iter()
        .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    let timeout = timeout_ms.map_or(-1, |ms| ms.min(i32::MAX as u64) as i32);
    // SAFETY: the pointer and length are those of a live exclusive vector.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as _, timeout) };
    match crate::file::check(ready) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}
