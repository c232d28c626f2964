//! Slots are taken and given back.

use std::future::Future;
use std::os::fd::RawFd;

use sys::socket::Peer;

use crate::conn::Conn;
use crate::layer::Layer;
use crate::service::{Next, Task};
use crate::slot::{EXPENDABLE, READABLE, SlotState, WRITABLE, Work};
use crate::token::Token;
use crate::worker::{Worker, worker};

impl Worker {
    /// Takes a slot for an accepted connection.
    pub fn take_slot(&self, fd: RawFd, peer: Peer) -> Option<Token> {
        let index = self.slots.take()?;
        self.connections.set(self.connections.get() + 1);
        self.counters.accepted.update(|count| count + 1);
        Some(self.occupy(index, fd, peer, SlotState::Running))
    }

    /// Takes one for what a task has besides; -1: it is no descriptor.
    pub fn take_further(&self, fd: RawFd, peer: Peer, state: SlotState) -> Option<Token> {
        let index = self.slots.take_further()?;
        self.sockets.set(self.sockets.get() + u32::from(fd >= 0));
        Some(self.occupy(index, fd, peer, state))
    }

    fn occupy(&self, index: u32, fd: RawFd, peer: Peer, state: SlotState) -> Token {
        let slot = self.slots.at(index);
        self.serial.set(self.serial.get() + 1);
        slot.state.set(state);
        slot.passes.set(0);
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
        self.guarded(|| drop(slot.work.take()));
        if let Some(mut layer) = slot.layer.take() {
            self.guarded(|| layer.close(Conn::new(token)));
        }
        // Last: what was dropped may have set a deadline, and the free list uses the wheel's links.
        self.wheel.unlink(&self.slots, index);
        slot.due.set(0);
        let idle = slot.state.replace(SlotState::Free) == SlotState::Idle;
        self.counters.idle.update(|count| count - u32::from(idle));
        let beginning = slot.has(EXPENDABLE);
        self.counters.beginning.update(|count| count - u32::from(beginning));
        slot.flags.set(0);
        slot.generation.set(slot.generation.get().wrapping_add(1));
        if slot.fd.get() >= 0 {
            // Closing the last handle of a socket takes it out of the poll set.
            sys::stream::close(slot.fd.replace(-1));
            let count = if is_accepted { &self.connections } else { &self.sockets };
            count.set(count.get() - 1);
        }
        self.slots.give(index);
        match is_accepted {
            true if self.full.get() => self.resume_accepting(),
            true => {}
            false => self.begin_waiting(),
        }
    }

    /// Gives a task a slot; it waits for one if there is none.
    fn begin(&self, task: Task) {
        let token = self.take_further(-1, Peer::Unknown, SlotState::Task);
        match token.and_then(|token| Some((token, self.slot(token)?))) {
            Some((token, slot)) => {
                slot.work.set(Work::Task(task));
                self.wake(token);
            }
            None => self.waiting.borrow_mut().push_back(task),
        }
    }

    /// A slot is free: whoever has waited longest has it.
    fn begin_waiting(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        if let Some(task) = first {
            self.begin(task);
        }
    }
}

/// Runs `task` in a slot of its own, without a connection: it is none of the `worker_connections`. Where all slots are taken
/// it begins when one is given back.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    worker().begin(Box::pin(async move {
        task.await;
        Next::Close
    }));
}

/// Makes a connection inside another one: it has no socket but a layer, which wakes the task ([`Conn::waker`]) when there is
/// something to read, or room. It tells of its peer what the outer one does. `None`: all slots are taken.
pub fn nest(outer: Conn, layer: Box<dyn Layer>, task: impl FnOnce(Conn) -> Task) -> Option<Conn> {
    let worker = worker();
    let token = worker.take_further(-1, outer.peer(), SlotState::Task)?;
    let (conn, slot) = (Conn::new(token), worker.slot(token)?);
    slot.serial.set(outer.serial());
    slot.opened.set(outer.opened());
    conn.set_layer(layer);
    slot.work.set(Work::Task(task(conn)));
    worker.wake(token);
    Some(conn)
}

/// Makes a connection with this peer that has no socket of its own but a layer, as [`nest`] does. `None`: all slots are taken.
pub fn detached(
    peer: Peer,
    layer: Box<dyn Layer>,
    task: impl FnOnce(Conn) -> Task,
) -> Option<Conn> {
    let worker = worker();
    let token = worker.take_further(-1, peer, SlotState::Task)?;
    let (conn, slot) = (Conn::new(token), worker.slot(token)?);
    conn.set_layer(layer);
    slot.work.set(Work::Task(task(conn)));
    worker.wake(token);
    Some(conn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    fn create() -> &'static Worker {
        crate::create(crate::Config { slots: 8, multi_accept: false }).expect("a loop");
        worker()
    }

    /// Of 64 slots, which 200 tasks want that wait in two ways.
    #[test]
    fn where_all_slots_are_taken_tasks_wait_for_one_and_sleeps_do_without() {
        let worker = create();
        worker.slots.most.set(8 + 64);
        let done = Rc::new(Cell::new(0));
        for _ in 0..200 {
            let done = done.clone();
            spawn(async move {
                crate::sleep(1).await;
                crate::sleep(1).await;
                done.set(done.get() + 1);
                if done.get() == 200 {
                    crate::stop();
                }
            });
        }
        assert!(worker.waiting.borrow().len() >= 100);
        crate::after(20_000, crate::stop);
        crate::run().expect("it runs");
        assert_eq!(done.get(), 200);
    }

    struct Late(Token);

    impl Drop for Late {
        fn drop(&mut self) {
            Conn::new(self.0).set_timeout(5);
        }
    }

    /// A free slot is in one list: with the wheel's links those of the free list would be gone.
    #[test]
    fn a_deadline_that_is_set_at_the_end_is_none() {
        let worker = create();
        let take = || worker.take_further(-1, Peer::Unknown, SlotState::Task).expect("a slot");
        let (token, other) = (take(), take());
        let late = Late(token);
        let slot = worker.slot(token).expect("taken");
        slot.work.set(Work::Task(Box::pin(async move {
            drop(late);
            Next::Close
        })));
        worker.free_slot(token);
        assert_eq!((slot.tick.get(), slot.due.get()), (0, 0));
        assert_eq!(worker.wheel.next(worker.now.get()), None);
        worker.free_slot(other);
        assert_eq!((take().index(), take().index()), (other.index(), token.index()));
    }

    #[test]
    fn a_time_without_end_is_one() {
        let worker = create();
        let token = worker.take_further(-1, Peer::Unknown, SlotState::Owned).expect("a slot");
        worker.now.set(1);
        Conn::new(token).set_timeout(u64::MAX);
        crate::after(u64::MAX, || ());
        drop(crate::sleep(u64::MAX));
        assert_eq!(worker.slot(token).expect("taken").due.get(), u64::MAX);
    }
}
