//! `event_trace`: the life of each connection, one line an event.
//!
//! ```text
//! 1795303080.123 *17 127.0.0.1 DataIn 78
//! 1795303080.123 *17 127.0.0.1 CheckRequest /srv/film.mp4 1048576
//! ```
//! A connection that no trace wants costs one test of a pointer.

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use conf::{Error, Setting};
use module::{LogFile, Setup};
use rt::Conn;
use sys::net::Network;

/// What the directive says.
#[derive(Clone, Debug)]
pub struct TraceConf {
    /// `None`: off.
    path: Option<PathBuf>,
    networks: Rc<[Network]>,
    trace: Option<Rc<Trace>>,
}

/// Reads `event_trace FILE [CIDR…]` or `event_trace off`.
pub fn parse(setting: &Setting<'_>) -> Result<TraceConf, Error> {
    let mut networks = Vec::new();
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        let network = Network::parse(&word.text);
        networks
            .push(network.ok_or_else(|| setting.error_at(at, "not a network: ADDRESS[/BITS]"))?);
    }
    let path = (setting.arg(0) != "off").then(|| setting.path(0));
    Ok(TraceConf { path, networks: networks.into(), trace: None })
}

impl TraceConf {
    /// Asks for the file.
    pub fn open(&mut self, setup: &mut Setup<'_>) {
        let file = self.path.clone().map(|path| setup.log_file(path));
        let networks = self.networks.clone();
        self.trace = file.map(|file| Rc::new(Trace { file, networks }));
    }

    /// The trace, once its file is asked for.
    pub fn trace(&self) -> Option<Rc<Trace>> {
        self.trace.clone()
    }
}

/// A trace: where to, and of whom.
#[derive(Debug)]
pub struct Trace {
    file: Rc<LogFile>,
    networks: Rc<[Network]>,
}

/// What happens to a connection.
#[derive(Clone, Copy)]
pub enum Happening<'a> {
    /// The worker accepts at this address.
    ListenStart(&'a dyn fmt::Display),
    /// The worker stops accepting there.
    ListenStop(&'a dyn fmt::Display),
    /// The kernel gave us a client.
    ClientConnect,
    /// It gets a slot.
    Connecting,
    /// It has one.
    Connect,
    /// So many bytes were read.
    DataIn(usize),
    /// A request is looked at: its file and that file's size.
    CheckRequest(&'a [u8], u64),
    /// It will be answered with this status.
    RequestAccepted(u16),
    /// So many bytes were handed to the kernel.
    DataOut(usize),
    /// The next request is in the buffer already.
    PeekRequest,
    /// So many bytes of the request's body are still to come.
    DataReceived(u64),
    /// So many bytes of the answer are still to go.
    DataSent(u64),
    /// The kernel takes more bytes again.
    ReadyToSend,
    /// The answer has gone out.
    ResponseDone,
    /// We are about to close.
    Disconnecting,
    /// We have closed.
    Disconnect,
    /// The client has closed.
    ClientDisconnect,
}

impl fmt::Display for Happening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail): (&str, Option<u64>) = match *self {
            Happening::ListenStart(address) => return write!(f, "ListenStart {address}"),
            Happening::ListenStop(address) => return write!(f, "ListenStop {address}"),
            Happening::CheckRequest(path, size) => {
                let path = String::from_utf8_lossy(path).replace(char::is_control, "?");
                return write!(f, "CheckRequest {path} {size}");
            }
            Happening::ClientConnect => ("ClientConnect", None),
            Happening::Connecting => ("Connecting", None),
            Happening::Connect => ("Connect", None),
            Happening::DataIn(bytes) => ("DataIn", Some(bytes as u64)),
            Happening::RequestAccepted(status) => ("RequestAccepted", Some(status.into())),
            Happening::DataOut(bytes) => ("DataOut", Some(bytes as u64)),
            Happening::PeekRequest => ("PeekRequest", None),
            Happening::DataReceived(left) => ("DataReceived", Some(left)),
            Happening::DataSent(left) => ("DataSent", Some(left)),
            Happening::ReadyToSend => ("ReadyToSend", None),
            Happening::ResponseDone => ("ResponseDone", None),
            Happening::Disconnecting => ("Disconnecting", None),
            Happening::Disconnect => ("Disconnect", None),
            Happening::ClientDisconnect => ("ClientDisconnect", None),
        };
        match detail {
            Some(number) => write!(f, "{name} {number}"),
            None => f.write_str(name),
        }
    }
}

impl Trace {
    /// Writes one line of a connection, if its client is in one of the networks.
    pub fn connection(&self, conn: Conn, happening: Happening<'_>) {
        let peer = conn.peer();
        let wanted = match peer.ip() {
            Some(ip) => self.networks.iter().any(|network| network.contains(ip)),
            None => false,
        };
        if self.networks.is_empty() || wanted {
            self.line(format_args!("*{} {peer} {happening}", conn.serial()));
        }
    }

    /// Writes one line of a listener.
    pub fn listener(&self, happening: Happening<'_>) {
        self.line(format_args!("*0 - {happening}"));
    }

    fn line(&self, text: fmt::Arguments<'_>) {
        let now = sys::clock::wall();
        let line = format!("{}.{:03} {text}\n", now.as_secs(), now.subsec_millis());
        // A trace that cannot be written must not stop what it watches.
        let _ = self.file.write(line.as_bytes());
    }
}
