//! An outlet: a connection on which readers get what they get, and what waits for it.

use std::io::{self, ErrorKind, IoSlice};
use std::num::NonZero;

use rt::Io;

/// What a protocol keeps for a connection.
pub trait Link: 'static {
    /// The connection.
    fn io(&self) -> Io;

    /// A write was tried, and so many bytes of it were taken. `waits`: the connection takes nothing now, or is ending.
    fn wrote(&mut self, sent: usize, waits: bool);

    /// The connection has just begun to take nothing.
    fn blocked(&self) {}

    /// The record in the middle of which the connection is, and how many of its bytes have gone out: its rest goes out
    /// first, from the log.
    fn unfinished(&self) -> Option<(u64, usize)> {
        None
    }

    /// What stands behind everything.
    fn end(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OutletState {
    Open,
    /// When everything is sent, the connection is closed.
    Closing,
    /// Everything is sent, and our half is closed: a close while the client sends would take the end of the stream along.
    Lingering,
    Broken,
}

/// One connection's part in the hub. What a look at it needs comes first.
#[repr(C)]
pub struct Outlet<L> {
    /// Bytes that go out before any other record.
    pub unsent: Vec<u8>,
    /// The first of its readers.
    pub(crate) first: u32,
    pub(crate) state: OutletState,
    /// The socket takes nothing, since this time of the loop.
    blocked: Option<NonZero<u64>>,
    /// What the protocol keeps for it.
    pub link: L,
}

/// No reader.
pub(crate) const NONE: u32 = u32::MAX;

impl<L: Link> Outlet<L> {
    /// Of a connection.
    pub fn new(link: L) -> Outlet<L> {
        let (unsent, state) = (Vec::new(), OutletState::Open);
        Outlet { link, unsent, first: NONE, state, blocked: None }
    }

    /// The connection.
    pub fn io(&self) -> Io {
        self.link.io()
    }

    /// The number of a reader of it.
    pub fn first_reader(&self) -> Option<u32> {
        Some(self.first).filter(|&first| first != NONE)
    }

    /// Whether a reader may write now.
    pub fn is_clear(&self) -> bool {
        self.blocked.is_none() && self.state == OutletState::Open && !self.has_rest()
    }

    /// Whether something must go out before any other record.
    pub(crate) fn has_rest(&self) -> bool {
        !self.unsent.is_empty() || self.link.unfinished().is_some()
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        match self.state {
            OutletState::Open => false,
            OutletState::Closing | OutletState::Lingering => !self.has_rest(),
            OutletState::Broken => true,
        }
    }

    /// Whether the connection is gone.
    pub fn is_broken(&self) -> bool {
        self.state == OutletState::Broken
    }

    /// Whether it ends, or has ended.
    pub fn is_closing(&self) -> bool {
        self.state != OutletState::Open
    }

    /// Whether our half is closed.
    pub fn is_lingering(&self) -> bool {
        self.state == OutletState::Lingering
    }

    /// Since when the connection takes nothing, in the loop's milliseconds.
    pub fn blocked_since(&self) -> Option<u64> {
        self.blocked.map(NonZero::get)
    }

    /// Ends it when what waits is sent.
    pub fn end(&mut self) {
        if self.state == OutletState::Open {
            self.link.end(&mut self.unsent);
            self.close();
        }
    }

    /// The same, where what waits has already said that it is the end.
    pub fn close(&mut self) {
        if self.state == OutletState::Open {
            self.state = OutletState::Closing;
            // There is time for what is due.
            self.link.wrote(0, true);
            self.io().wake();
        }
    }

    /// Everything is sent: closes our half.
    pub fn linger(&mut self) {
        if self.state == OutletState::Closing {
            self.state = OutletState::Lingering;
            self.io().shutdown_write();
        }
    }

    /// The connection is given up.
    pub fn give_up(&mut self) {
        self.state = OutletState::Broken;
        self.io().wake();
    }

    /// There may be room again.
    pub(crate) fn look_for_room(&mut self) {
        if self.blocked.is_some() && self.io().is_writable() {
            self.blocked = None;
        }
    }

    /// Writes what waits. `true`: there is nothing left.
    pub fn flush(&mut self) -> bool {
        if self.unsent.is_empty() {
            return true;
        }
        let mut unsent = std::mem::take(&mut self.unsent);
        let mut sent = 0;
        while sent < unsent.len() && self.blocked.is_none() && self.state != OutletState::Broken {
            sent += self.write(&[IoSlice::new(&unsent[sent..])]);
        }
        if sent < unsent.len() {
            unsent.drain(..sent);
            self.unsent = unsent;
        }
        self.unsent.is_empty()
    }

    /// One write; gives what was taken. A socket that takes nothing is blocked until it tells of room.
    pub fn write(&mut self, slices: &[IoSlice<'_>]) -> usize {
        // More than the kernel takes in one call is not an error, it takes the first of them.
        let slices = &slices[..slices.len().min(MOST_SLICES)];
        let sent = match self.io().write(slices, false) {
            Ok(sent) => sent,
            Err(error) => {
                self.failed(&error);
                0
            }
        };
        let waits = self.blocked.is_some() || self.state != OutletState::Open;
        self.link.wrote(sent, waits);
        sent
    }

    fn failed(&mut self, error: &io::Error) {
        if error.kind() != ErrorKind::WouldBlock {
            self.give_up();
        } else if self.blocked.is_none() {
            self.blocked = NonZero::new(rt::now().max(1));
            self.link.blocked();
        }
    }
}

/// `IOV_MAX`
const MOST_SLICES: usize = 1024;
