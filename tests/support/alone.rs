//! `alone PROGRAM ARGUMENTS…` runs a test's program where nothing else is: no other test's ports, files or processes.
//!
//! ```text
//!   alone ── namespaces: network (its own loopback), mounts (its own TMPDIR), processes
//!     └── init, process 1 there: mounts /proc, takes orphans, says what was left behind
//!           └── the test's program, and all that it starts
//! ```
//! What the program leaves behind is killed with process 1, and fails the test. Without the rights to make namespaces the
//! program runs as it would without this one; `alone --works` tells by its exit status whether they can be made.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType,
};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, Uid, getgid, getuid};

/// Where each program finds its TMPDIR: the path is the same for all, so that what is said of files can be compared.
const TEMPORARY: &str = "/tmp/alone";

/// What was just told to end may take so long.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.first().and_then(|first| first.to_str()) {
        None => failed("alone", "usage: alone PROGRAM ARGUMENTS…"),
        Some("--works") => match namespaces() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed("namespaces", error),
        },
        Some("--init") => {
            arguments.remove(0);
            init(&arguments)
        }
        // The list of a program's tests needs no room of its own.
        Some(_) if arguments.iter().any(|argument| argument == "--list") => replaced(&arguments),
        Some(_) => run(&arguments),
    }
}

fn failed(what: &str, why: impl std::fmt::Display) -> ExitCode {
    eprintln!("alone: {what}: {why}");
    ExitCode::FAILURE
}

fn command(arguments: &[OsString]) -> Command {
    let mut command = Command::new(&arguments[0]);
    command.args(&arguments[1..]);
    command
}

/// Becomes the program.
fn replaced(arguments: &[OsString]) -> ExitCode {
    failed(&arguments[0].to_string_lossy(), command(arguments).exec())
}

/// Makes the room, has process 1 run the program in it, and cleans up.
fn run(arguments: &[OsString]) -> ExitCode {
    if namespaces().is_err() {
        return replaced(arguments);
    }
    let files = match temporary_directory() {
        Ok(files) => files,
        Err(error) => return failed(TEMPORARY, error),
    };
    let this = PathBuf::from("/proc/self/exe");
    let status = Command::new(this).arg("--init").args(arguments).env("TMPDIR", TEMPORARY).status();
    let _ = fs::remove_dir_all(files);
    match status {
        Ok(status) => exit_code(status.code(), status.signal()),
        Err(error) => failed("init", error),
    }
}

fn exit_code(code: Option<i32>, signal: Option<i32>) -> ExitCode {
    let code = code.unwrap_or(128 + signal.unwrap_or(0));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Leaves the network, the mounts and, for its children, the processes of all others.
fn namespaces() -> io::Result<()> {
    let wanted = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    let (user, group) = (getuid(), getgid());
    if user == Uid::from_raw(0) {
        unshare(wanted)?;
    } else {
        unshare(wanted | CloneFlags::CLONE_NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    loopback_up()
}

/// Says to the kernel, by rtnetlink(7), that `lo` is up:
///
/// ```text
///   nlmsghdr   length u32 | RTM_NEWLINK u16 | REQUEST+ACK u16 | sequence u32 | port u32
///   ifinfomsg  family u8 | 0 u8 | type u16 | index i32 | flags u32 | which flags change u32
/// ```
fn loopback_up() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACK: u16 = 1 | 4;
    const FIRST_INTERFACE: i32 = 1;
    const IFF_UP: u32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend(32u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACK.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(FIRST_INTERFACE.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    let route = SockProtocol::NetlinkRoute;
    let netlink =
        socket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, route)?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&netlink);
    socket::sendto(fd, &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 64];
    let length = socket::recv(fd, &mut answer, MsgFlags::empty())?;
    // An nlmsghdr again, and 0 or the negative of an errno.
    let code = answer.get(16..20).filter(|_| length >= 20).and_then(|code| code.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A fresh directory under TMPDIR, seen as [`TEMPORARY`] by this process and its children; gives its own path.
///
/// It is of the same file system, since tests look at what files have there.
fn temporary_directory() -> io::Result<PathBuf> {
    let name = format!("alone-{}", std::process::id());
    let files = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&files);
    fs::create_dir(&files)?;
    fs::set_permissions(&files, fs::Permissions::from_mode(0o1777))?;
    fs::create_dir_all(TEMPORARY)?;
    let none: Option<&str> = None;
    mount(Some(&files), TEMPORARY, none, MsFlags::MS_BIND, none)?;
    Ok(files)
}

/// Process 1: runs the program, takes whoever has lost its parent, and fails if anyone is left.
fn init(arguments: &[OsString]) -> ExitCode {
    // Whoever gives up on the test kills the outer process alone.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let none: Option<&str> = None;
    if let Err(error) = mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none) {
        return failed("/proc", error);
    }
    let child = match command(arguments).spawn() {
        Ok(child) => child.id().cast_signed(),
        Err(error) => return failed(&arguments[0].to_string_lossy(), error),
    };
    let code = loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid.as_raw() == child => {
                break exit_code(Some(code), None);
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid.as_raw() == child => {
                break exit_code(None, Some(signal as i32));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return failed("wait", error),
        }
    };
    match left_behind() {
        left if left.is_empty() => code,
        left => failed("left behind", left.join("; ")),
    }
}

/// The processes that are still there, once they have had time to end.
fn left_behind() -> Vec<String> {
    let deadline = Instant::now() + GRACE;
    loop {
        while waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG))
            .is_ok_and(|status| status != WaitStatus::StillAlive)
        {}
        let left = processes();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn processes() -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| pid != 1)
        .filter_map(|pid| said_of(&Path::new("/proc").join(pid.to_string())))
        .collect()
}

/// The command line; none: it has ended meanwhile.
fn said_of(process: &Path) -> Option<String> {
    let line = fs::read(process.join("cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " ").trim_end().to_owned())
}
