//! Opening the listening sockets: those that are there already are taken over.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use module::{Request, Sockets};
use sys::socket::{Address, Listener};
use sys::unix::{Occupant, SocketFile};

use crate::Failure;
use crate::cycle::Cycle;

/// An address may still be held by a process that is just ending: so often, so long apart.
const TRIES: u32 = 5;
const PAUSE_MS: u64 = 500;

impl Cycle {
    /// Step 7: opens the sockets that the modules asked for. A socket of `before` with the same
    /// address is used again, so that no connection that waits in its queue is lost.
    pub fn listen(&mut self, before: &Sockets) -> Result<(), Failure> {
        let workers = self.workers();
        let mut sockets = Sockets::new(workers);
        let requests = std::mem::take(&mut self.requests);
        let mut opened = Ok(());
        for request in &requests {
            opened = opened.and_then(|()| self.open(request, before, &mut sockets));
        }
        self.requests = requests;
        self.sockets = RefCell::new(sockets);
        opened.inspect_err(|_| self.remove_new_files())
    }

    fn open(
        &mut self,
        request: &Request,
        before: &Sockets,
        sockets: &mut Sockets,
    ) -> Result<(), Failure> {
        let Request { address, options, .. } = request;
        let wanted = if options.reuseport { self.workers() } else { 1 };
        let known = before.at(address);
        for socket in known {
            sockets.add(address.clone(), take_over(socket, request)?);
        }
        for _ in known.len()..wanted {
            let socket = open(request)?;
            self.new_files.extend(socket.file().cloned());
            sockets.add(address.clone(), socket);
        }
        Ok(())
    }

    /// The files of its Unix sockets.
    pub fn socket_files(&self) -> Vec<SocketFile> {
        self.sockets.borrow().iter().filter_map(|(_, socket)| socket.file().cloned()).collect()
    }

    /// Takes away the files of the sockets that this configuration was the first to ask for: it will
    /// not come to serve.
    pub fn remove_new_files(&self) {
        self.new_files.iter().for_each(SocketFile::remove);
    }

    /// Gives the sockets their options again, after a configuration that was refused had set others.
    pub fn configure_sockets(&self) {
        let sockets = self.sockets.borrow();
        for request in &self.requests {
            for socket in sockets.at(&request.address) {
                if let Err(error) = configure(socket, request) {
                    let errno = sys::log::errno(&error);
                    sys::log!(Alert, "setsockopt({}) failed {errno}", request.address);
                }
            }
        }
    }
}

fn take_over(socket: &Listener, request: &Request) -> Result<Listener, Failure> {
    let taken = socket.try_clone().and_then(|socket| configure(&socket, request).map(|()| socket));
    let address = &request.address;
    taken.map_err(|e| Failure::new(format!("{address}: {}", sys::log::errno(&e))))
}

fn configure(socket: &Listener, request: &Request) -> io::Result<()> {
    socket.configure(&request.address, &request.options)?;
    if matches!(request.address, Address::Datagrams(_)) {
        return Ok(());
    }
    socket.set_backlog(request.options.backlog)
}

fn open(request: &Request) -> Result<Listener, Failure> {
    let Request { address, options, .. } = request;
    let mut tries = 1;
    loop {
        let error = match Listener::bind(address, options) {
            Ok(socket) => return Ok(socket),
            Err(error) => error,
        };
        let message = format!("bind() to {address} failed {}", sys::log::errno(&error));
        if error.kind() != io::ErrorKind::AddrInUse || tries == TRIES {
            return Err(Failure::new(message));
        }
        tries += 1;
        if let Address::Unix(path) = address
            && make_room(path).map_err(|why| Failure::new(format!("{message}: {why}")))?
        {
            continue;
        }
        sys::log!(Notice, "{message}, trying again");
        let _ = sys::process::wait_readable(&[], Some(PAUSE_MS));
    }
}

/// Takes a dead server's socket away. `false`: another program listens there, for now. The error is why
/// the place will not become free.
fn make_room(path: &Path) -> Result<bool, String> {
    let looked = Occupant::of(path);
    match looked.map_err(|e| format!("it cannot be looked at {}", sys::log::errno(&e)))? {
        Occupant::Nobody => Ok(true),
        Occupant::Abandoned(file) => {
            sys::log!(Notice, "unix:{} is a dead server's, it is taken over", path.display());
            let removed = file.try_remove().map(|()| true);
            removed.map_err(|e| format!("unlink() failed {}", sys::log::errno(&e)))
        }
        Occupant::Stranger if is_socket(path) => Ok(false),
        Occupant::Stranger => Err("something is there that is no socket, it stays".to_owned()),
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}
