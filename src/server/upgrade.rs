//! The change of the binary (USR2): a new master takes the listening sockets over.
//!
//! The old master starts the program anew with two variables in its environment:
//! ```text
//! RSERVE=6;7;8;        the listening sockets
//! RSERVE_MEMORY=a:b:5; shared memory: name, shape, descriptor
//! RSERVE_READY=9       a pipe: the new master writes "R" when its workers are ready
//! ```
//! Both serve then, until somebody sends QUIT to one of them. The old one's pid file is
//! `rserve.pid.oldbin`; the plain name appears again when the new one is ready, not before.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use module::{Inherited, Sockets};
use sys::socket::Listener;

use crate::control::Control;
use crate::master::Master;
use crate::pid;

const SOCKETS: &str = "RSERVE";
const MEMORY: &str = "RSERVE_MEMORY";
const READY: &str = "RSERVE_READY";

/// What a predecessor handed over.
#[derive(Default)]
pub struct Inheritance {
    /// Its listening sockets.
    pub sockets: Sockets,
    /// Its shared memory.
    pub regions: Vec<Inherited>,
    ready: Option<File>,
    predecessor: Option<i32>,
}

impl Inheritance {
    /// Step 2: takes over what the environment names.
    pub fn take() -> Inheritance {
        let Ok(list) = std::env::var(SOCKETS) else { return Inheritance::default() };
        let mut sockets = Sockets::new(1);
        for number in list.split(';').filter(|number| !number.is_empty()) {
            let inherited = number.parse().ok().and_then(Listener::inherit);
            match inherited {
                Some((address, socket)) => sockets.add(address, socket),
                None => {
                    sys::log!(Emerg, "invalid socket number \"{number}\" in {SOCKETS}, ignored");
                }
            }
        }
        let ready = std::env::var(READY).ok().and_then(|number| number.parse().ok());
        let ready = ready.and_then(sys::process::inherited_file);
        let regions = inherited_regions();
        sys::process::forget_variables(&[SOCKETS, MEMORY, READY]);
        let predecessor = ready.is_some().then(sys::process::parent);
        Inheritance { sockets, regions, ready, predecessor }
    }

    /// Whether there is a predecessor.
    pub fn is_upgrade(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Whether the predecessor still runs.
    pub fn predecessor_lives(&self) -> bool {
        self.predecessor == Some(sys::process::parent())
    }

    /// The pipe to the predecessor, until the report.
    pub fn fd(&self) -> Option<RawFd> {
        self.ready.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Tells the predecessor that the workers are ready.
    pub fn report_ready(&mut self) {
        if let Some(mut pipe) = self.ready.take() {
            let _ = pipe.write_all(b"R");
        }
    }
}

/// What the predecessor's environment says of its shared memory.
fn inherited_regions() -> Vec<Inherited> {
    let list = std::env::var(MEMORY).unwrap_or_default();
    let entry = |text: &str| {
        let mut words = text.split(':');
        let (name, shape) = (words.next()?.to_owned(), words.next()?.to_owned());
        let file = sys::process::inherited_file(words.next()?.parse().ok()?)?;
        Some(Inherited { name, shape, fd: file.into() })
    };
    list.split(';').filter_map(entry).collect()
}

/// A new binary that this master has started.
pub struct Successor {
    pid: i32,
    pipe: PipeReader,
    ready: bool,
}

impl Successor {
    pub fn pid(&self) -> i32 {
        self.pid
    }

    pub fn ready(&self) -> bool {
        self.ready
    }

    /// The pipe on which it reports.
    pub fn fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}

impl Master {
    /// Starts the new binary.
    pub(crate) fn upgrade(&mut self) {
        if self.successor.is_some() {
            sys::log!(Error, "a new binary runs already, the signal is ignored");
            return;
        }
        if self.inheritance.predecessor_lives() {
            sys::log!(Error, "the binary before this one still runs, the signal is ignored");
            return;
        }
        match self.start_successor() {
            Ok(successor) => {
                sys::log!(Notice, "start new binary process {}", successor.pid);
                self.successor = Some(successor);
            }
            Err(error) => {
                sys::log!(Alert, "the new binary was not started {}", sys::log::errno(&error));
                self.restore_pid_file();
            }
        }
    }

    fn start_successor(&mut self) -> std::io::Result<Successor> {
        let program = program(&self.options.argv)?;
        let (pipe, theirs) = std::io::pipe()?;
        sys::process::set_nonblocking(&pipe)?;
        let mut descriptors = self.cycle.sockets.borrow().descriptors();
        let list: String = descriptors.iter().map(|fd| format!("{fd};")).collect();
        descriptors.push(theirs.as_raw_fd());
        descriptors.extend(self.cycle.regions.descriptors());
        let memory = self.cycle.regions.iter().map(|(wanted, region)| {
            format!("{}:{}:{};", wanted.name, wanted.shape, region.as_raw_fd())
        });
        let variables = [
            (SOCKETS.to_owned(), list),
            (MEMORY.to_owned(), memory.collect()),
            (READY.to_owned(), theirs.as_raw_fd().to_string()),
        ];
        let old = pid::old_binary(&self.cycle.pid);
        std::fs::rename(&self.cycle.pid, &old)?;
        let sockets = (pid::control_socket(&self.cycle.pid), pid::control_socket(&old));
        let _ = std::fs::rename(sockets.0, sockets.1);
        let argv = &self.options.argv;
        let pid =
            sys::process::spawn_inheriting(program.as_os_str(), argv, &variables, &descriptors)?;
        Ok(Successor { pid, pipe, ready: false })
    }

    /// Listens to the new binary.
    pub(crate) fn hear_successor(&mut self) {
        let Some(successor) = &mut self.successor else { return };
        let mut byte = [0];
        if !successor.ready && matches!(successor.pipe.read(&mut byte), Ok(1)) {
            successor.ready = true;
            sys::log!(Notice, "new binary process {} is ready", successor.pid);
        }
    }

    /// The new binary is gone: the plain name is ours again.
    pub(crate) fn restore_pid_file(&mut self) {
        let old = pid::old_binary(&self.cycle.pid);
        let ours = pid::read(&old).ok() == Some(sys::process::pid());
        if ours && std::fs::rename(&old, &self.cycle.pid).is_ok() {
            let path = pid::control_socket(&self.cycle.pid);
            let _ = std::fs::remove_file(pid::control_socket(&old));
            self.control = Control::open(&path).ok();
            sys::log!(Notice, "the new binary is gone, this one stays");
        }
    }
}

/// The program's file as it was called, so that a replaced file is what starts; a bare name is looked
/// up as the shell did.
fn program(argv: &[std::ffi::OsString]) -> std::io::Result<PathBuf> {
    let name = argv.first().map(PathBuf::from).unwrap_or_default();
    if name.components().count() > 1 {
        return std::path::absolute(name);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(&name)).find(|file| file.is_file());
    found.map_or_else(std::env::current_exe, Ok)
}
