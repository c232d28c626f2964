//! What one binary hands over to the next one, in variables of its environment:
//!
//! ```text
//! RSERVE=6;7;8;        the listening sockets
//! RSERVE_FILES=8:1:2;  Unix sockets: descriptor, device and inode of the file
//! RSERVE_MEMORY=a:b:5; shared memory: name, shape, descriptor, and the descriptor of the file that goes with it
//! RSERVE_PREDECESSOR=5 the number of the old master, which may be gone by the time this is read
//! RSERVE_READY=9       a pipe: the new master writes "R" when its workers are ready, and learns by its
//!                      breaking that the old one is gone
//! ```

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};

use module::{Inherited, Regions, Sockets};
use sys::socket::Listener;
use sys::unix::{Identity, SocketFile};

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
    pub fn ended(&mut self) -> Option<i32> {
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

/// The variables for a successor, which reports to the pipe `ready`; and the descriptors that it must have.
pub fn variables(
    sockets: &Sockets,
    regions: &Regions,
    ready: RawFd,
) -> ([(String, String); 5], Vec<RawFd>) {
    let mut descriptors = sockets.descriptors();
    let list: String = descriptors.iter().map(|fd| format!("{fd};")).collect();
    descriptors.push(ready);
    descriptors.extend(regions.descriptors());
    let memory = regions.iter().map(|(wanted, region, file)| {
        let file = file.map(|file| format!(":{file}")).unwrap_or_default();
        format!("{}:{}:{}{file};", wanted.name, wanted.shape, region.as_raw_fd())
    });
    let variables = [
        (SOCKETS.to_owned(), list),
        (FILES.to_owned(), files(sockets)),
        (MEMORY.to_owned(), memory.collect()),
        (PREDECESSOR.to_owned(), sys::process::pid().to_string()),
        (READY.to_owned(), ready.to_string()),
    ];
    (variables, descriptors)
}

/// `FD:DEVICE:INODE;` of each Unix socket whose file is known.
fn files(sockets: &Sockets) -> String {
    let entry = |socket: &Listener| {
        let Identity { device, inode } = socket.file()?.identity();
        Some(format!("{}:{device}:{inode};", socket.as_raw_fd()))
    };
    sockets.iter().filter_map(|(_, socket)| entry(socket)).collect()
}
