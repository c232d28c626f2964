//! The `http` block, configured: its listeners in a worker.

use std::os::fd::AsRawFd;
use std::rc::Rc;

use module::{Instance, Process, Sockets};

use crate::Happening;
use crate::block::api::Entry;
use crate::request::Listener;

/// All that an `http {}` block came to.
pub(crate) struct HttpInstance {
    pub modules: &'static [Entry],
    pub listeners: Vec<Listener>,
    pub processes: Vec<Rc<dyn Process>>,
}

impl Process for HttpInstance {
    fn parts(&self) -> &[Rc<dyn Process>] {
        &self.processes
    }

    fn started(&'static self) -> Result<(), String> {
        self.modules.iter().try_for_each(|module| (module.started)())?;
        self.processes.iter().try_for_each(|process| process.started())
    }

    fn draining(&'static self, within: Option<u64>) {
        self.processes.iter().for_each(|process| process.draining(within));
        // It may be said again, that it must be faster.
        for listener in self.listeners.iter().filter(|_| !rt::draining()) {
            listener.trace_listener(Happening::ListenStop(listener.address()));
        }
    }
}

impl Instance for HttpInstance {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        for listener in &self.listeners {
            let address = listener.address();
            sockets.each(address, number, |socket, shared| {
                rt::add_listener(&socket.as_raw_fd(), listener, shared)
            })?;
            listener.trace_listener(Happening::ListenStart(address));
        }
        Ok(())
    }

    fn flush(&self) {
        self.modules.iter().for_each(|module| (module.flush)());
    }
}
