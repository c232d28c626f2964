//! The change of the binary (USR2): a new master takes the listening sockets over.
//!
//! The old master starts the program anew with variables in its environment:
//! ```text
//! RSERVE=6;7;8;        the listening sockets
//! RSERVE_FILES=8:1:2;  Unix sockets: descriptor, device and inode of the file
//! RSERVE_MEMORY=a:b:5; shared memory: name, shape, descriptor, and the descriptor of the file that goes with it
//! RSERVE_PREDECESSOR=5 the number of the old master, which may be gone by the time this is read
//! RSERVE_READY=9       a pipe: the new master writes "R" when its workers are ready, and learns by its
//!                      breaking that the old one is gone
//! ```
//! Both serve then, until somebody sends QUIT to one of them. The old one's pid file is
//! `rserve.pid.oldbin`; the plain name appears again when the new one is ready, not before.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use module::{Inherited, Sockets};
use sys::socket::Listener;
use sys::unix::{Identity, SocketFile};

use crate::control;
use crate::master::Master;
use crate::workers::describe;
use crate::{Failure, pid};

const SOCKETS: &str = "RSERVE";
const FILES: &str = "RSERVE_FILES";
const MEMORY: &str = "RSERVE_MEMORY";
const PREDECESSOR: &str = "RSERVE_PREDECESSOR";
const READY: &str = "RSERVE_READY";

/// Milliseconds that the end of a process may take.
const MOMENTS: u32 = 100;

/// What a predecessor handed over.
#[derive(Default)]
pub struct Inheritance {
    /// Its listening sockets.
    pub sockets: Sockets,
    /// The files of its Unix sockets.
    pub files: Vec<SocketFile>,
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
            let fd = number.parse().ok();
            match fd.and_then(|fd| Listener::inherit(fd, file_of(fd))) {
                Some((address, socket)) => sockets.add(address, socket),
                None => {
                    sys::log!(Emerg, "invalid socket number \"{number}\" in {SOCKETS}, ignored");
                }
            }
        }
        let ready = std::env::var(READY).ok().and_then(|number| number.parse().ok());
        let ready = ready.and_then(sys::process::inherited_file);
        let regions = inherited_regions();
        let predecessor = std::env::var(PREDECESSOR).ok().and_then(|number| number.parse().ok());
        let predecessor = predecessor.unwrap_or_else(sys::process::parent);
        let predecessor = ready.is_some().then_some(predecessor);
        sys::process::forget_variables(&[SOCKETS, FILES, MEMORY, PREDECESSOR, READY]);
        let files = sockets.iter().filter_map(|(_, socket)| socket.file().cloned()).collect();
        Inheritance { sockets, files, regions, ready, predecessor }
    }

    /// Whether there is a predecessor.
    pub fn is_upgrade(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Whether the predecessor still runs.
    pub fn predecessor_lives(&self) -> bool {
        self.predecessor == Some(sys::process::parent())
    }

    /// The pipe to the predecessor, while it lives.
    pub fn fd(&self) -> Option<RawFd> {
        self.ready.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Tells the predecessor that the workers are ready.
    pub fn report_ready(&mut self) {
        if let Some(pipe) = &mut self.ready {
            let _ = pipe.write_all(b"R");
        }
    }

    /// The number of the predecessor, once, when it has ended.
    fn ended(&mut self) -> Option<i32> {
        self.ready.take_if(|pipe| sys::process::is_broken(pipe.as_raw_fd()))?;
        // A dying process closes its pipes a moment before its children get another parent.
        for _ in 0..MOMENTS {
            if !self.predecessor_lives() {
                break;
            }
            let _ = sys::process::wait_readable(&[], Some(1));
        }
        self.predecessor
    }
}

/// The file that the predecessor made for its socket `fd`.
fn file_of(fd: RawFd) -> Option<Identity> {
    let list = std::env::var(FILES).ok()?;
    list.split(';').find_map(|entry| {
        let mut numbers = entry.split(':').map(|number| number.parse::<u64>().ok());
        let (of, device, inode) = (numbers.next()??, numbers.next()??, numbers.next()??);
        (of == fd as u64).then_some(Identity { device, inode })
    })
}

/// What the predecessor's environment says of its shared memory.
fn inherited_regions() -> Vec<Inherited> {
    let list = std::env::var(MEMORY).unwrap_or_default();
    let entry = |text: &str| {
        let mut words = text.split(':');
        let (name, shape) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut descriptor = || sys::process::inherited_file(words.next()?.parse().ok()?);
        let memory = descriptor()?;
        Some(Inherited { name, shape, fd: memory.into(), file: descriptor().map(Into::into) })
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
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// The pipe on which it reports.
    pub fn fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}

impl Master {
    /// Starts the new binary. Whether it comes to serve is heard later.
    pub(crate) fn upgrade(&mut self) -> Result<(), Failure> {
        let refused = match (&self.successor, self.inheritance.predecessor_lives()) {
            _ if !self.is_running() => "the server is shutting down, the signal is ignored",
            (Some(_), _) => "a new binary runs already, the signal is ignored",
            (None, true) => "the binary before this one still runs, the signal is ignored",
            (None, false) => {
                let started = self.start_successor().map_err(|e| {
                    let errno = sys::log::errno(&e);
                    Failure::new(format!("the new binary was not started {errno}"))
                });
                match &started {
                    Ok(pid) => sys::log!(Notice, "start new binary process {pid}"),
                    Err(failure) => {
                        sys::log!(Alert, "{failure}");
                        self.restore_files();
                    }
                }
                return started.map(drop);
            }
        };
        sys::log!(Error, "{refused}");
        Err(Failure::new(refused))
    }

    /// Whether there is another master of this server: a newer binary, or an older one.
    pub(crate) fn has_partner(&self) -> bool {
        self.successor.is_some() || self.inheritance.predecessor_lives()
    }

    fn start_successor(&mut self) -> std::io::Result<i32> {
        let program = program(&self.options.argv)?;
        let (pipe, theirs) = std::io::pipe()?;
        sys::process::set_nonblocking(&pipe)?;
        let mut descriptors = self.cycle.sockets.borrow().descriptors();
        let list: String = descriptors.iter().map(|fd| format!("{fd};")).collect();
        let files: String = files(&self.cycle.sockets.borrow());
        descriptors.push(theirs.as_raw_fd());
        descriptors.extend(self.cycle.regions.descriptors());
        let memory = self.cycle.regions.iter().map(|(wanted, region, file)| {
            let file = file.map(|file| format!(":{file}")).unwrap_or_default();
            format!("{}:{}:{}{file};", wanted.name, wanted.shape, region.as_raw_fd())
        });
        let variables = [
            (SOCKETS.to_owned(), list),
            (FILES.to_owned(), files),
            (MEMORY.to_owned(), memory.collect()),
            (PREDECESSOR.to_owned(), sys::process::pid().to_string()),
            (READY.to_owned(), theirs.as_raw_fd().to_string()),
        ];
        self.make_room()?;
        let argv = &self.options.argv;
        let pid =
            sys::process::spawn_inheriting(program.as_os_str(), argv, &variables, &descriptors)?;
        self.successor = Some(Successor { pid, pipe, ready: false });
        Ok(pid)
    }

    /// Listens to the new binary. Who asked for the upgrade hears of it, and we leave.
    pub(crate) fn hear_successor(&mut self) {
        let Some(successor) = &mut self.successor else { return };
        let mut byte = [0];
        if successor.ready || !matches!(successor.pipe.read(&mut byte), Ok(1)) {
            return;
        }
        successor.ready = true;
        sys::log!(Notice, "new binary process {} is ready", successor.pid);
        if let Some(client) = self.upgrading.take() {
            control::answer(client, &Ok(()));
            self.pending.push_back(sys::signal::SIGQUIT);
        }
    }

    /// The new binary is gone: everything is as before, workers that were sent away for it come back.
    pub(crate) fn successor_ended(&mut self, pid: i32, exit: sys::process::Exit) {
        if self.successor.take_if(|successor| successor.pid == pid).is_none() {
            return;
        }
        self.restore_files();
        self.remove_unused_sockets();
        if let Some(client) = self.upgrading.take() {
            let how = describe(exit);
            let message = format!("the new binary (process {pid}) {how}; why is in the error log");
            control::answer(client, &Err(Failure::new(message)));
        }
        sys::notify::send(&format!("READY=1\nMAINPID={}", sys::process::pid()));
        if self.is_running() {
            self.bring_workers_back();
        }
    }

    /// The binary before this one is gone; what it could not take away itself is taken away here.
    pub(crate) fn hear_predecessor(&mut self) {
        let Some(predecessor) = self.inheritance.ended() else { return };
        sys::log!(Notice, "the binary before this one is gone");
        let old = pid::old_binary(&self.cycle.pid);
        if pid::read(&old).ok() == Some(predecessor) {
            let _ = std::fs::remove_file(&old);
            let _ = sys::unix::Occupant::make_room(&pid::control_socket(&old));
        }
        self.remove_unused_sockets();
        if self.is_running() {
            // Nobody else is left to serve: workers that were sent away come back.
            self.bring_workers_back();
        }
    }
}

/// `FD:DEVICE:INODE;` of each Unix socket whose file is known.
fn files(sockets: &Sockets) -> String {
    let entry = |socket: &Listener| {
        let Identity { device, inode } = socket.file()?.identity();
        Some(format!("{}:{device}:{inode};", socket.as_raw_fd()))
    };
    sockets.iter().filter_map(|(_, socket)| entry(socket)).collect()
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
