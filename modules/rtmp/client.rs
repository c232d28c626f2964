//! A client: who it is, what it publishes and plays. The session that serves it, pages that show it and
//! commands that steer it look at the same thing.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rt::Conn;
use sys::prefetch::Touched;
use sys::socket::Peer;

use crate::publish::publisher::Publisher;
use crate::rate::Rate;
use crate::settings::app::App;

/// One client. What each message of media touches comes first.
#[repr(C)]
pub struct Client {
    /// Its part in the hub.
    pub outlet: Cell<u32>,
    /// What it is to do, because an operator wants it.
    pub admin_command: RefCell<Option<AdminCommand>>,
    /// Its message streams.
    pub streams: RefCell<Vec<NetStream>>,
    /// Bytes that it has sent.
    pub received: Rate,
    /// Its id, which no other client of any worker has.
    pub id: u64,
    /// Its number in the logs.
    pub serial: u64,
    /// The connection.
    pub conn: Conn,
    /// Its address.
    pub peer: Cell<Peer>,
    /// The server that it came to.
    pub server: Cell<usize>,
    /// Its application, once it is connected to one.
    pub app: Cell<Option<&'static App>>,
    /// When it came, since 1970.
    pub since: Duration,
    /// What it has said of itself.
    pub hello: RefCell<Hello>,
    /// Bytes that it was sent, when it has gone.
    pub sent: Cell<u64>,
}

/// Bytes of a client that each message touches.
const HOT: usize = std::mem::offset_of!(Client, received) + size_of::<Rate>();

/// What a client says of itself when it connects.
#[derive(Clone, Debug, Default)]
pub struct Hello {
    /// The application that it has asked for.
    pub app: Vec<u8>,
    /// The arguments of its application's name.
    pub args: Vec<u8>,
    /// `flashVer`
    pub flash_version: Vec<u8>,
    /// `swfUrl`
    pub swf_url: Vec<u8>,
    /// `tcUrl`
    pub tc_url: Vec<u8>,
    /// `pageUrl`
    pub page_url: Vec<u8>,
    /// As whom it has logged in.
    pub user: Option<Vec<u8>>,
}

/// A message stream of a connection.
pub struct NetStream {
    /// Its number.
    pub number: u32,
    /// What happens in it.
    pub state: StreamState,
}

/// What happens in a message stream.
pub enum StreamState {
    /// Nothing yet, or nothing any more.
    Idle,
    /// The client sends.
    Publishing {
        /// What.
        what: Box<Asked>,
        /// Where it goes.
        publisher: Box<Publisher>,
    },
    /// The client gets.
    Playing {
        /// What.
        what: Box<Asked>,
        /// Its player in the hub.
        player: u32,
    },
}

/// What a client has asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The stream.
    pub name: Vec<u8>,
    /// How the client calls it: a hook may have given it another name.
    pub given: Vec<u8>,
    /// What stands behind the `?`.
    pub args: Vec<u8>,
    /// `live`, `record`, `append`; of a player its `start`, `duration` and `reset`.
    pub kind: Vec<u8>,
    /// `start` of a player.
    pub start: f64,
    /// `duration` of a player.
    pub duration: f64,
    /// `reset` of a player.
    pub reset: bool,
    /// When it began, since 1970.
    pub since: Duration,
}

impl Asked {
    /// A hook has given it another name, and perhaps other arguments.
    pub fn rename(&mut self, name: Vec<u8>, args: Option<Vec<u8>>) {
        self.name = name;
        if let Some(args) = args {
            self.args = args;
        }
    }
}

/// An operator's command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Go.
    Drop,
    /// Go: a hook is against it, for this reason.
    Refuse(String),
    /// Publish or play under another name, in these message streams.
    Redirect(Vec<u8>, Vec<u32>),
}

impl Client {
    /// One that has just come.
    pub fn new(conn: Conn, outlet: u32, server: usize) -> Client {
        Client {
            id: u64::from(sys::process::pid() as u32) << 28 | conn.serial() & 0x0FFF_FFFF,
            serial: conn.serial(),
            conn,
            peer: Cell::new(conn.peer()),
            outlet: Cell::new(outlet),
            server: Cell::new(server),
            app: Cell::new(None),
            since: rt::wall(),
            hello: RefCell::default(),
            streams: RefCell::default(),
            received: Rate::default(),
            sent: Cell::new(0),
            admin_command: RefCell::new(None),
        }
    }

    /// Notes what a message of media touches.
    pub fn note_touched<const N: usize, const M: usize>(
        &self,
        touched: &mut Touched<N>,
        of_stream: &mut Touched<M>,
    ) {
        touched.add(self, HOT);
        let streams = self.streams.borrow();
        touched.add(&streams[..], usize::MAX);
        for stream in streams.iter() {
            if let StreamState::Publishing { publisher, .. } = &stream.state {
                publisher.note_touched(of_stream);
            }
        }
    }

    /// Its address, without a port.
    pub fn address(&self) -> String {
        match self.peer.get().ip() {
            Some(ip) => ip.to_string(),
            None => "unix:".to_owned(),
        }
    }
}

impl NetStream {
    /// What was asked for, and whether it is published.
    pub fn asked(&self) -> Option<(&Asked, bool)> {
        match &self.state {
            StreamState::Idle => None,
            StreamState::Publishing { what, .. } => Some((what, true)),
            StreamState::Playing { what, .. } => Some((what, false)),
        }
    }
}
