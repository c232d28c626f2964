//! Slots are taken and given back.

use std::future::Future;
use std::os::fd::RawFd;

use sys::socket::Peer;

use crate::conn::Conn;
use crate::service::Next;
use crate::slot::{READABLE, State, WRITABLE, Work};
use crate::token::Token;
use crate::worker::{Worker, worker};

impl Worker {
    /// Takes a slot for an accepted connection.
    pub fn take_slot(&self, fd: RawFd, peer: Peer) -> Option<Token> {
        let index = self.slots.take()?;
        self.connections.set(self.connections.get() + 1);
        Some(self.occupy(index, fd, peer, State::Running))
    }

    /// Takes one for what a task has besides; -1: it is no descriptor.
    pub fn take_further(&self, fd: RawFd, peer: Peer, state: State) -> Option<Token> {
        let index = self.slots.take_further()?;
        self.sockets.set(self.sockets.get() + u32::from(fd >= 0));
        Some(self.occupy(index, fd, peer, state))
    }

    fn occupy(&self, index: u32, fd: RawFd, peer: Peer, state: State) -> Token {
        let slot = self.slots.at(index);
        self.serial.set(self.serial.get() + 1);
        slot.state.set(state);
        slot.flags.set(READABLE | WRITABLE);
        slot.fd.set(fd);
        slot.peer.set(peer);
        slot.serial.set(self.serial.get());
        slot.requests.set(0);
        slot.opened.set(self.now.get());
        slot.idle_since.set(self.now.get());
        self.token(index)
    }

    /// Closes the descriptor and makes the slot another's.
    pub fn free_slot(&self, token: Token) {
        let Some(slot) = self.slot(token) else { return };
        if let Some(service) = slot.service.take() {
            self.guarded(|| service.close(Conn::new(token)));
        }
        let index = token.index();
        let is_accepted = (index as usize) < self.slots.accepted().len();
        self.wheel.unlink(&self.slots, index);
        slot.due.set(0);
        self.guarded(|| drop(slot.work.take()));
        slot.state.set(State::Free);
        slot.flags.set(0);
        slot.generation.set(slot.generation.get().wrapping_add(1));
        if slot.fd.get() >= 0 {
            // Closing the last handle of a socket takes it out of the poll set.
            sys::stream::close(slot.fd.replace(-1));
            let count = if is_accepted { &self.connections } else { &self.sockets };
            count.set(count.get() - 1);
        }
        self.slots.give(index);
        if is_accepted && self.full.get() {
            self.resume_accepting();
        }
    }
}

/// Runs `task` in a slot of its own, without a connection: it is none of the `worker_connections`.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let worker = worker();
    let Some(token) = worker.take_further(-1, Peer::Unknown, State::Task) else { return };
    if let Some(slot) = worker.slot(token) {
        slot.work.set(Work::Task(Box::pin(async move {
            task.await;
            Next::Close
        })));
        worker.wake(token);
    }
}
