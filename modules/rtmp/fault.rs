//! Why a session ends before its time.

use std::fmt;

use proto::rtmp::chunk;
use sys::log::Level;

use crate::client::Client;

/// What has happened.
#[derive(Debug)]
pub enum Fault {
    /// The client has gone.
    Left,
    /// It speaks something else.
    NotRtmp,
    /// The address has no PROXY protocol header, or a wrong one.
    NoProxyHeader,
    /// It took too long over its handshake, or takes nothing of what it is sent.
    TooSlow,
    /// It has given no sign of life.
    Silent,
    /// It publishes nothing.
    IdlePublisher,
    /// It does not keep to the chunk format.
    Chunk(chunk::Error),
    /// It wants something before it is connected.
    NotConnected,
    /// It is refused, and was told so; this is the reason.
    Refused(String),
    /// It has to log in, and was told how.
    LogIn,
    /// Somebody else publishes its stream now.
    TakenOver,
    /// A hook was against it, for this reason.
    Hook(String),
    /// An operator does not want it.
    Dropped,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Left => "the client has left",
            Fault::NotRtmp => "the client does not speak RTMP",
            Fault::NoProxyHeader => "the client sends no PROXY protocol header",
            Fault::TooSlow => "the client is too slow",
            Fault::Silent => "the client has given no sign of life",
            Fault::IdlePublisher => "the client publishes nothing",
            Fault::Chunk(error) => return write!(f, "{error}"),
            Fault::NotConnected => "the client sends commands before it is connected",
            Fault::Refused(why) => return write!(f, "{why}"),
            Fault::LogIn => "the client has not logged in yet",
            Fault::TakenOver => "another client publishes the stream now",
            Fault::Hook(why) => return write!(f, "{why}"),
            Fault::Dropped => "an operator has closed the connection",
        })
    }
}

impl std::error::Error for Fault {}

impl From<chunk::Error> for Fault {
    fn from(error: chunk::Error) -> Fault {
        Fault::Chunk(error)
    }
}

impl Fault {
    /// Whether it ends the client's streams for good: nobody is meant to come back.
    pub fn ends_streams(&self) -> bool {
        matches!(self, Fault::Dropped | Fault::IdlePublisher | Fault::Hook(_))
    }

    /// Writes it to the error log: who, where, what. `name`: the stream that it is about.
    pub fn log(&self, client: &Client, name: Option<&[u8]>) {
        let level = match self {
            Fault::Left => return,
            Fault::Refused(_) | Fault::Hook(_) => Level::Error,
            _ => Level::Info,
        };
        log(level, client, name, format_args!("{self}"));
    }
}

/// Writes a line about a client: what happened, who it is, what it has asked for.
pub fn log(level: Level, client: &Client, name: Option<&[u8]>, what: fmt::Arguments<'_>) {
    if !sys::log::takes(level) {
        return;
    }
    let hello = client.hello.borrow();
    let app = client.app.get().map_or(&hello.app[..], |app| app.name.as_bytes());
    let shown = |text: &[u8]| {
        let mut out = Vec::new();
        proto::escape::log(text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    let app = if app.is_empty() { "-".to_owned() } else { shown(app) };
    let name = name.map(|name| format!(", stream: \"{}\"", shown(name))).unwrap_or_default();
    let (id, address) = (client.serial, client.address());
    sys::log::write(
        level,
        format_args!("*{id} {what}, client: {address}, application: {app}{name}"),
    );
}
