//! The `http` block, configured: its listeners in a worker.

use std::os::fd::AsRawFd;
use std::rc::Rc;

use module::{Instance, Process, Regions, Sockets};

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
    fn opened(&self) -> Result<(), conf::Error> {
        self.processes.iter().try_for_each(|process| process.opened())
    }

    fn outgoing(&self, next: &Regions, back: bool) {
        self.processes.iter().for_each(|process| process.outgoing(next, back));
    }

    fn decided(&self, serves: bool) {
        self.processes.iter().for_each(|process| process.decided(serves));
    }

    fn replaced(&self, by: &Regions) {
        self.processes.iter().for_each(|process| process.replaced(by));
    }

    fn started(&'static self) -> Result<(), String> {
        self.modules.iter().try_for_each(|module| (module.started)())?;
        self.processes.iter().try_for_each(|process| process.started())
    }

    fn needs_help(&self) -> bool {
        self.processes.iter().any(|process| process.needs_help())
    }

    fn help(&'static self) {
        self.processes.iter().for_each(|process| process.help());
    }

    fn draining(&'static self, within: Option<u64>) {
        self.processes.iter().for_each(|process| process.draining(within));
        // It may be said again, that it must be faster.
        for listener in self.listeners.iter().filter(|_| !rt::draining()) {
            listener.trace_listener(Happening::ListenStop(listener.address()));
        }
    }

    fn orphaned(&self) {
        self.processes.iter().for_each(|process| process.orphaned());
    }

    fn closed(&self) {
        self.processes.iter().for_each(|process| process.closed());
    }

    fn worker_ended(&self, pid: i32) -> bool {
        // Each of them, whatever the others say.
        self.processes.iter().filter(|process| !process.worker_ended(pid)).count() == 0
    }

    fn capacity(&self) -> usize {
        self.processes.iter().map(|process| process.capacity()).min().unwrap_or(usize::MAX)
    }

    fn look(&self) {
        self.processes.iter().for_each(|process| process.look());
    }

    fn refresh(&self) -> Vec<String> {
        self.processes.iter().flat_map(|process| process.refresh()).collect()
    }

    fn attached(&self) -> Vec<i32> {
        self.processes.iter().flat_map(|process| process.attached()).collect()
    }

    fn stuck(&self) -> Vec<i32> {
        self.processes.iter().flat_map(|process| process.stuck()).collect()
    }
}

impl Instance for HttpInstance {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        for listener in &self.listeners {
            let address = listener.address();
            let shared = sockets.shared(address);
            for socket in sockets.of_worker(address, number) {
                rt::add_listener(&socket.as_raw_fd(), listener, shared)
                    .map_err(|e| format!("epoll_ctl({address}) failed {}", sys::log::errno(&e)))?;
            }
            listener.trace_listener(Happening::ListenStart(address));
        }
        Ok(())
    }

    fn flush(&self) {
        self.modules.iter().for_each(|module| (module.flush)());
    }
}
