//! Opening the listening sockets: those that are there already are taken over.

use std::cell::RefCell;
use std::io;

use module::{Request, Sockets};
use sys::socket::{Address, Listener};

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
        for request in &self.requests {
            let Request { address, options } = request;
            let wanted = if options.reuseport { workers } else { 1 };
            let mut found = 0;
            for socket in before.at(address) {
                let socket = take_over(socket, request)?;
                sockets.add(address.clone(), socket);
                found += 1;
            }
            for _ in found..wanted {
                sockets.add(address.clone(), open(request)?);
            }
        }
        self.sockets = RefCell::new(sockets);
        Ok(())
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
    socket.set_backlog(request.options.backlog)
}

fn open(request: &Request) -> Result<Listener, Failure> {
    let Request { address, options } = request;
    let mut tries = 1;
    loop {
        let error = match Listener::bind(address, options) {
            Ok(socket) => return Ok(socket),
            Err(error) => error,
        };
        let message = format!("bind() to {address} failed {}", sys::log::errno(&error));
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(Failure::new(message));
        }
        if let Address::Unix(path) = address
            && abandoned(path)
            && std::fs::remove_file(path).is_ok()
        {
            continue;
        }
        if tries == TRIES {
            return Err(Failure::new(message));
        }
        sys::log!(Notice, "{message}, trying again");
        tries += 1;
        let _ = sys::process::wait_readable(&[], Some(PAUSE_MS));
    }
}

/// A Unix socket that a server left behind when it was killed: nobody answers there.
fn abandoned(path: &std::path::Path) -> bool {
    let refused = std::os::unix::net::UnixStream::connect(path);
    matches!(refused, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}
