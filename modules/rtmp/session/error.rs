//! Why a session ends before its time.

use std::fmt;

use proto::rtmp::chunk;
use sys::log::Level;

use crate::client::Client;

/// What has happened.
#[derive(Debug)]
pub enum SessionError {
    /// The client has gone.
    Left,
    /// It speaks something else.
    NotRtmp,
    /// It has not shaken hands, or may not come in with the certificate that it has.
    Tls(String),
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

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SessionError::Left => "the client has left",
            SessionError::NotRtmp => "the client does not speak RTMP",
            SessionError::Tls(why) => return write!(f, "{why} while SSL handshaking"),
            SessionError::NoProxyHeader => "the client sends no PROXY protocol header",
            SessionError::TooSlow => "the client is too slow",
            SessionError::Silent => "the client has given no sign of life",
            SessionError::IdlePublisher => "the client publishes nothing",
            SessionError::Chunk(error) => return write!(f, "{error}"),
            SessionError::NotConnected => "the client sends commands before it is connected",
            SessionError::Refused(why) => return write!(f, "{why}"),
            SessionError::LogIn => "the client has not logged in yet",
            SessionError::TakenOver => "another client publishes the stream now",
            SessionError::Hook(why) => return write!(f, "{why}"),
            SessionError::Dropped => "an operator has closed the connection",
        })
    }
}

impl std::error::Error for SessionError {}

impl From<chunk::Error> for SessionError {
    fn from(error: chunk::Error) -> SessionError {
        SessionError::Chunk(error)
    }
}

impl SessionError {
    /// Whether it ends the client's streams for good: nobody is meant to come back.
    pub fn ends_streams(&self) -> bool {
        matches!(self, SessionError::Dropped | SessionError::IdlePublisher | SessionError::Hook(_))
    }

    /// Writes it to the error log: who, where, what. `name`: the stream that it is about.
    pub fn log(&self, client: &Client, name: Option<&[u8]>) {
        let level = match self {
            SessionError::Left => return,
            SessionError::Refused(_) | SessionError::Hook(_) => Level::Error,
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
