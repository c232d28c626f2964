//! A connection as its service sees it: what is known of it, its deadline, reading and writing.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::task::{Context, Poll, Waker};

use sys::socket::Peer;

use crate::conn::{Conn, TimedOut};
use crate::layer::Layer;
use crate::slot::{
    BROKEN, EXPENDABLE, HANGUP, LAYERED, READABLE, Slot, SlotState, TIMED_OUT, WRITABLE, Work,
};
use crate::waker::waker;
use crate::worker::worker;

impl Conn {
    pub(crate) fn slot(&self) -> io::Result<&'static Slot> {
        worker().slot(self.token()).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn get<T>(&self, read: impl FnOnce(&Slot) -> T, ended: T) -> T {
        worker().slot(self.token()).map_or(ended, read)
    }

    /// The connection's number in the logs.
    pub fn serial(&self) -> u64 {
        self.get(|slot| slot.serial.get(), 0)
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.get(|slot| slot.peer.get(), Peer::Unknown)
    }

    /// The descriptor, for calls that have no method here; -1 once ended.
    pub fn fd(&self) -> RawFd {
        self.get(|slot| slot.fd.get(), -1)
    }

    /// Requests answered so far: kept here for the protocol, across idle times.
    pub fn requests(&self) -> u32 {
        self.get(|slot| slot.requests.get(), 0)
    }

    /// Counts one more request.
    pub fn count_request(&self) {
        self.get(|slot| slot.requests.set(slot.requests.get() + 1), ());
    }

    /// When it was accepted, in the loop's milliseconds.
    pub fn opened(&self) -> u64 {
        self.get(|slot| slot.opened.get(), 0)
    }

    /// When it last became idle, in the loop's milliseconds.
    pub fn idle_since(&self) -> u64 {
        self.get(|slot| slot.idle_since.get(), 0)
    }

    /// Sets the deadline `ms` from now. Passing it ends an idle connection; a task's wait fails with
    /// [`TimedOut`].
    pub fn set_timeout(&self, ms: u64) {
        let worker = worker();
        if let Some(slot) = worker.slot(self.token()) {
            slot.clear(TIMED_OUT);
            worker.wheel.set(
                &worker.slots,
                self.token().index(),
                worker.now.get().saturating_add(ms.max(1)),
            );
        }
    }

    /// Whether this connection's task may be ended to make room for another connection, as idle ones
    /// are: it waits for a client that has asked for nothing yet. The oldest go first.
    pub fn set_expendable(&self, expendable: bool) {
        let now = worker().now.get();
        self.get(
            |slot| match expendable {
                true if slot.has(EXPENDABLE) => {}
                true => {
                    slot.raise(EXPENDABLE);
                    worker().counters.beginning.update(|count| count + 1);
                    slot.idle_since.set(now);
                }
                false if slot.has(EXPENDABLE) => {
                    slot.clear(EXPENDABLE);
                    worker().counters.beginning.update(|count| count - 1);
                }
                false => {}
            },
            (),
        );
    }

    /// Its layer, which has waited for something else than the socket, can go on: as if bytes had come, whether a task waits for
    /// them or the connection is idle.
    pub fn layer_ready(&self) {
        if let Ok(slot) = self.slot() {
            slot.raise(READABLE | WRITABLE);
            self.wake();
        }
    }

    /// Wakes the connection's task.
    pub fn wake(&self) {
        worker().wake(self.token());
    }

    /// Wakes the connection's task, from wherever.
    pub fn waker(&self) -> Waker {
        waker(self.token())
    }

    /// Whether the deadline has passed since it was set.
    pub fn timed_out(&self) -> bool {
        self.get(|slot| slot.has(TIMED_OUT), true)
    }

    /// Whether the connection is over in both directions, as far as is known.
    pub fn is_broken(&self) -> bool {
        self.get(|slot| slot.has(BROKEN), true)
    }

    /// Whether the peer has closed its side, as far as is known.
    pub fn hung_up(&self) -> bool {
        self.get(|slot| slot.has(HANGUP), true)
    }

    /// Whether a read is worth trying.
    pub fn is_readable(&self) -> bool {
        self.get(Slot::is_readable, true)
    }

    /// Whether a write is worth trying.
    pub fn is_writable(&self) -> bool {
        self.get(|slot| slot.has(WRITABLE), true)
    }

    /// Reads into `buffer`: `WouldBlock` when there is nothing, 0 at the end of the stream.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let slot = self.slot()?;
        let len = buffer.len();
        attempt(slot, READABLE, || sys::stream::recv(slot.fd.get(), buffer)).inspect(|&count| {
            // A short read emptied the socket: what comes next is a new edge. Unless the end of the
            // stream has been seen already, whose edge is past.
            if count < len && !slot.has(HANGUP) {
                slot.clear(READABLE);
            } else if count == len {
                // What is read next may have been sent since the turn began.
                worker().next_moment();
            }
        })
    }

    /// Looks at what a read would give, and leaves it there. If that is not enough, [`expect_more`](Self::expect_more).
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let slot = self.slot()?;
        attempt(slot, READABLE, || sys::stream::peek(slot.fd.get(), buffer))
    }

    /// Whether nothing has come, and nothing has ended, as the kernel knows it now: an event of it may not have been heard yet.
    pub fn is_silent(&self) -> bool {
        let Ok(slot) = self.slot() else { return false };
        let nothing = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        !slot.has(BROKEN) && sys::stream::peek(slot.fd.get(), &mut [0]).is_err_and(nothing)
    }

    /// Something may have come that was not heard of yet: the next read asks the kernel.
    pub fn look_again(&self) {
        self.get(|slot| slot.raise(READABLE), ());
    }

    /// What has come is not enough: [`readable`](Self::readable) waits for more, or for the end.
    pub fn expect_more(&self) {
        self.get(
            |slot| match slot.has(HANGUP) {
                true => {}
                false => slot.clear(READABLE),
            },
            (),
        );
    }

    /// Writes from `buffers`; `more` says that further data follows at once.
    pub fn write(&self, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        let slot = self.slot()?;
        attempt(slot, WRITABLE, || sys::stream::send(slot.fd.get(), buffers, more))
    }

    /// Writes `len` bytes of `file` from `offset` on.
    pub fn sendfile(&self, file: RawFd, offset: u64, len: usize) -> io::Result<usize> {
        let slot = self.slot()?;
        attempt(slot, WRITABLE, || sys::stream::sendfile(slot.fd.get(), file, offset, len))
    }

    /// A call of the system that reads (`recvfrom`, say): `WouldBlock` when there is nothing.
    pub fn try_read<T>(&self, mut call: impl FnMut(RawFd) -> io::Result<T>) -> io::Result<T> {
        let slot = self.slot()?;
        attempt(slot, READABLE, || call(slot.fd.get()))
    }

    /// A call of the system that writes (`splice`, say): `WouldBlock` when there is no room.
    pub fn try_write<T>(&self, mut call: impl FnMut(RawFd) -> io::Result<T>) -> io::Result<T> {
        let slot = self.slot()?;
        attempt(slot, WRITABLE, || call(slot.fd.get()))
    }

    /// Before another thread writes to the socket: if it finds the socket full, the event that tells
    /// of room may come before we hear of it, and must not be overlooked.
    pub fn lend(&self) {
        self.get(|slot| slot.clear(WRITABLE), ());
    }

    /// The other thread could write: so may we.
    pub fn returned_writable(&self) {
        self.get(|slot| slot.raise(WRITABLE), ());
    }

    /// Ends the connection: its task sees the end.
    pub fn hang_up(&self) {
        self.get(|slot| sys::stream::shutdown(slot.fd.get()), ());
        self.wake();
    }

    /// Puts a layer between the connection and its socket.
    pub fn set_layer(&self, layer: Box<dyn Layer>) {
        self.get(
            |slot| {
                slot.layer.set(Some(layer));
                slot.raise(LAYERED);
            },
            (),
        );
    }

    /// A layer has learnt that the peer sends nothing more; `broken`: that it takes nothing more, either.
    pub fn note_end(&self, broken: bool) {
        self.get(
            |slot| {
                slot.raise(READABLE | HANGUP);
                if broken {
                    slot.raise(WRITABLE | BROKEN);
                }
            },
            (),
        );
    }

    /// Sends the end of our stream; reading goes on.
    pub fn shutdown_write(&self) {
        self.get(|slot| sys::stream::shutdown_write(slot.fd.get()), ());
    }

    /// Makes the close that follows a reset.
    pub fn reset_on_close(&self) {
        self.get(|slot| sys::stream::reset_on_close(slot.fd.get()), ());
    }

    /// The task that is polled is to be woken when something becomes of this socket. A connection's own task is so in any
    /// case.
    pub fn wakes(&self, cx: &mut Context<'_>) {
        self.get(
            |slot| {
                if slot.state.get() == SlotState::Owned {
                    slot.work.set(Work::Waker(cx.waker().clone()));
                }
            },
            (),
        );
    }

    /// Waits until the socket is as it is wanted, or the deadline passes.
    fn poll_until(
        &self,
        is_ready: impl FnOnce(&Slot) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TimedOut>> {
        let known = self.get(|slot| (is_ready(slot), slot.has(TIMED_OUT)), (true, false));
        match known {
            (true, _) => Poll::Ready(Ok(())),
            (false, true) => Poll::Ready(Err(TimedOut)),
            (false, false) => {
                self.wakes(cx);
                Poll::Pending
            }
        }
    }

    /// Waits for bytes or the end of the stream.
    pub async fn readable(&self) -> Result<(), TimedOut> {
        poll_fn(|cx| self.poll_until(Slot::is_readable, cx)).await
    }

    /// Waits for room to write.
    pub async fn writable(&self) -> Result<(), TimedOut> {
        poll_fn(|cx| self.poll_until(|slot| slot.has(WRITABLE), cx)).await
    }

    /// Waits for bytes and reads them; 0 at the end of the stream. The error: it is broken, or the deadline has passed.
    pub async fn read_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable().await?,
                result => return result,
            }
        }
    }

    /// Writes all of it, as fast as the peer takes it.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(&[IoSlice::new(bytes)], false) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The one place that learns from a system call that a socket is not ready.
fn attempt<T>(slot: &Slot, flag: u16, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    if !slot.has(flag) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                slot.clear(flag);
                return Err(error);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
