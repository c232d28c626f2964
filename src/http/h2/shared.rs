//! What the streams of a connection have in common.

use std::cell::{Cell, RefCell};
use std::io;
use std::task::{Context, Poll};

use proto::http2::Traffic;
use rt::{Conn, Io};
use sys::log::Level;

use super::schedule::Schedule;
use super::unsent::Unsent;
use crate::block::settings::Settings;
use crate::request::Listener;
use crate::response::takeover;

/// A connection, as its streams know it.
pub struct Shared {
    /// The connection itself.
    pub conn: Conn,
    /// Where it was accepted.
    pub listener: &'static Listener,
    /// Those of the server that the connection itself goes by.
    pub settings: &'static Settings,
    /// What has come and gone.
    pub traffic: RefCell<Traffic>,
    /// Whose turn it is to send.
    pub schedule: RefCell<Schedule>,
    /// Frames on their way out.
    pub unsent: RefCell<Unsent>,
    /// Streams that have something of it.
    streams: Cell<usize>,
    /// Reads in this turn.
    pub reads: Cell<u32>,
    /// Since when the socket takes nothing, in the loop's milliseconds; 0: it takes something.
    pub blocked_since: Cell<u64>,
    /// A client that has vanished is given up.
    gives_up: Cell<bool>,
    /// The client has been told to go, and does not say that it has heard.
    pub is_unheard: Cell<bool>,
    /// Since when the client has been told that this is the end; 0: it has not.
    pub ending_since: Cell<u64>,
}

impl Shared {
    /// Of a connection that begins.
    pub fn new(conn: Conn, listener: &'static Listener, settings: &'static Settings) -> Shared {
        Shared {
            conn,
            listener,
            settings,
            traffic: RefCell::new(Traffic::new(settings.http2.streams)),
            schedule: RefCell::default(),
            unsent: RefCell::default(),
            streams: Cell::new(0),
            reads: Cell::new(0),
            blocked_since: Cell::new(0),
            gives_up: Cell::new(false),
            is_unheard: Cell::new(false),
            ending_since: Cell::new(0),
        }
    }

    /// Gives the connection's task a turn, if the schedule wants one: that may be asleep.
    pub fn give_turn(&self) {
        if self.blocked_since.get() == 0 && self.schedule.borrow().wants_turn() {
            self.conn.wake();
        }
    }

    /// Gives the client up if it acknowledges nothing for so long; the first stream that leaves HTTP says how long.
    pub fn give_up_silent(&self, ms: u64) {
        if !self.gives_up.replace(true) {
            takeover::give_up_silent(Io::new(self.conn), ms);
        }
    }

    /// Sends what was written. Ready: all of it.
    pub fn drain(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unsent.borrow_mut().drain(Io::new(self.conn), &self.blocked_since, cx)
    }

    /// A stream begins.
    pub fn enter(&self) {
        self.streams.set(self.streams.get() + 1);
    }

    /// It has ended, and was logged.
    pub fn leave(&self) {
        self.streams.set(self.streams.get() - 1);
        if self.streams.get() == 0 {
            self.conn.wake();
        }
    }

    /// Whether all have ended.
    pub fn is_left(&self) -> bool {
        self.streams.get() == 0
    }

    /// Writes to the error log what became of the connection, with whose it is.
    pub fn log(&self, level: Level, message: std::fmt::Arguments<'_>) {
        let (serial, peer) = (self.conn.serial(), self.conn.peer());
        let name = &self.listener.first_hosts().default_server().name;
        let logs = &self.settings.error_logs;
        let line = format_args!(
            "*{serial} {message} while processing HTTP/2 connection, client: {peer}, server: {name}"
        );
        match logs.is_empty() {
            true if sys::log::takes(level) => sys::log::write(level, line),
            true => {}
            false => {
                logs.iter().filter(|log| log.takes(level)).for_each(|log| log.write(level, line))
            }
        }
    }
}
