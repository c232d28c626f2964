//! What the streams of a connection have in common.

use std::cell::{Cell, RefCell};

use proto::http2::Traffic;
use rt::Conn;
use sys::log::Level;

use super::schedule::Schedule;
use crate::block::settings::Settings;
use crate::request::Listener;

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
    /// Streams that have something of it.
    streams: Cell<usize>,
    /// Reads in this turn.
    pub reads: Cell<u32>,
    /// Since when the socket takes nothing, in the loop's milliseconds; 0: it takes something.
    pub blocked_since: Cell<u64>,
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
            streams: Cell::new(0),
            reads: Cell::new(0),
            blocked_since: Cell::new(0),
            ending_since: Cell::new(0),
        }
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
