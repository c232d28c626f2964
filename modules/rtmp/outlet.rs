//! An outlet: a connection on which players get what they get, and what waits for it.

use std::io::{self, ErrorKind, IoSlice};

use http::Session;
use rt::Conn;

use crate::lane::Lane;
use crate::rate::Rate;
use crate::wire::{self, Wire};

/// One connection's part in the hub.
pub struct Outlet {
    /// The connection.
    pub conn: Conn,
    /// Of one that came by HTTP: its log line to come.
    pub session: Option<Session>,
    /// How it is written to.
    pub lane: Lane,
    /// Its players.
    pub players: Vec<u32>,
    /// Bytes that go out before anything else.
    pub unsent: Vec<u8>,
    /// The socket takes nothing, since this time of the loop.
    pub blocked: Option<u64>,
    /// When everything is sent, the connection is closed.
    pub closing: bool,
    /// The connection is over.
    pub broken: bool,
    /// Bytes sent.
    pub sent: Rate,
}

impl Outlet {
    /// Of a connection.
    pub fn new(conn: Conn, wire: Wire, chunk_size: usize) -> Outlet {
        Outlet {
            conn,
            session: None,
            lane: Lane::new(wire, chunk_size),
            players: Vec::new(),
            unsent: Vec::new(),
            blocked: None,
            closing: false,
            broken: false,
            sent: Rate::default(),
        }
    }

    /// Whether a player may write now.
    pub fn is_clear(&self) -> bool {
        self.blocked.is_none() && self.unsent.is_empty() && !self.closing && !self.broken
    }

    /// Whether so much waits that the client is not to ask for more.
    pub fn is_full(&self) -> bool {
        self.unsent.len() > MOST_UNSENT
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        self.broken || (self.closing && self.unsent.is_empty())
    }

    /// Ends it when what waits is sent.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.closing, true) {
            wire::end(&mut self.unsent, self.lane.wire);
            self.conn.wake();
        }
    }

    /// The same, where these bytes have already said that it is the end.
    pub fn end_with(&mut self, said: &[u8]) {
        if !std::mem::replace(&mut self.closing, true) {
            self.unsent.extend_from_slice(said);
            self.conn.wake();
        }
    }

    /// Writes what waits. `true`: there is nothing left.
    pub fn flush(&mut self) -> bool {
        while self.blocked.is_none() && !self.unsent.is_empty() && !self.broken {
            let unsent = std::mem::take(&mut self.unsent);
            let sent = self.write(&[IoSlice::new(&unsent)]);
            self.unsent = unsent;
            self.unsent.drain(..sent);
        }
        if self.unsent.is_empty() && self.unsent.capacity() > 4096 {
            self.unsent = Vec::new();
        }
        self.unsent.is_empty()
    }

    /// One write; gives what was taken. A socket that takes nothing is blocked until it tells of room.
    pub fn write(&mut self, slices: &[IoSlice<'_>]) -> usize {
        // More than the kernel takes in one call is not an error, it takes the first of them.
        let slices = &slices[..slices.len().min(MOST_SLICES)];
        let sent = match self.conn.write(slices, false) {
            Ok(sent) => sent,
            Err(error) => {
                self.failed(&error);
                0
            }
        };
        self.sent.add(sent as u64, rt::now());
        if let Some(session) = &mut self.session {
            session.count_sent(sent);
        }
        sent
    }

    fn failed(&mut self, error: &io::Error) {
        if error.kind() == ErrorKind::WouldBlock {
            if self.blocked.is_none() {
                self.blocked = Some(rt::now());
                // Its task sees to the time that this may take.
                self.conn.wake();
            }
        } else {
            self.broken = true;
            self.conn.wake();
        }
    }
}

/// A frame of the longest kind, and answers behind it.
const MOST_UNSENT: usize = 64 << 10;

/// `IOV_MAX`
const MOST_SLICES: usize = 1024;
