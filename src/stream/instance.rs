//! The `stream` block, configured: its listeners in a worker.

use std::os::fd::AsRawFd;
use std::rc::Rc;

use module::{Instance, Process, Sockets};
use sys::socket::Address;

use crate::api::Entry;
use crate::datagrams;
use crate::listener::Listener;

/// All that a `stream {}` block came to.
#[derive(Default)]
pub struct StreamInstance {
    /// The modules of the block.
    pub modules: &'static [Entry],
    /// The listening addresses with their servers.
    pub listeners: Vec<Listener>,
    /// What encryption has in shared memory.
    pub processes: Vec<Rc<dyn Process>>,
}

impl Process for StreamInstance {
    fn parts(&self) -> &[Rc<dyn Process>] {
        &self.processes
    }
}

impl Instance for StreamInstance {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        self.listeners.iter().try_for_each(|listener| {
            let address = listener.address();
            sockets.each(address, number, |socket, shared| match address {
                Address::Datagrams(_) => datagrams::listen(socket.as_raw_fd(), listener),
                _ => rt::add_listener(&socket.as_raw_fd(), listener, shared).map(drop),
            })
        })
    }

    fn flush(&self) {
        self.modules.iter().for_each(|module| (module.flush)());
    }
}
