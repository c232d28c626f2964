//! A session that is passed on to a peer.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use http::vars::connection::Connected;
use mem::Str;
use proto::proxy_protocol::{Addresses, Told, write_v1, write_v2};
use rt::{Io, Lingering};
use stream::{BoxFuture, Content, Session, Template};
use sys::log::Level;
use sys::socket::{Address, Peer};
use upstream::{
    Asker, Connecting, Duplex, Encrypting, Encryption, Ended, Link, Try, Upstream, Upstreams, Way,
    connect,
};

use crate::pass::Pass;
use crate::variables::Tried;

/// For the client to take what it was sent, and to end.
const LINGERING: Lingering = Lingering { send: 10_000, timeout: 1000, time: 5000, most: 64 << 10 };

/// How sessions of a server are passed on. Times are milliseconds.
pub struct Proxying {
    /// Where to.
    pub pass: Pass,
    /// All groups of this configuration.
    pub upstreams: Rc<Upstreams<Session>>,
    /// How peers are encrypted, if they are.
    pub encrypting: Option<Encrypting<Session>>,
    /// Until a connection is there.
    pub connect_timeout: u64,
    /// Of silence.
    pub timeout: u64,
    /// So much is read at once.
    pub buffer_size: usize,
    /// Another peer is tried.
    pub next: bool,
    /// So many at most; 0: all.
    pub next_tries: usize,
    /// None later than that; 0: at any time.
    pub next_timeout: u64,
    /// So many datagrams of a client are a session; 0: as many as come.
    pub requests: u64,
    /// So many of a peer are expected for each of these.
    pub responses: Option<u64>,
    /// A side that has ended is still told what the other says.
    pub half_close: bool,
    /// Bytes per second from the client.
    pub upload: Template,
    /// Bytes per second from the peer.
    pub download: Template,
    /// What peers are told of the client.
    pub header: Header,
    /// `SO_KEEPALIVE` of connections.
    pub keepalive: bool,
    /// Where connections come from.
    pub from: From,
}

/// `proxy_protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Nothing.
    Off,
    /// A line.
    V1,
    /// Bytes.
    V2,
}

impl Header {
    /// As they are written.
    pub const NAMES: [(&'static str, Header); 4] =
        [("off", Header::Off), ("on", Header::V1), ("v1", Header::V1), ("v2", Header::V2)];

    /// What stands before all else that a peer is told. A client without an address, or that came by a Unix socket, is unknown.
    pub fn of(self, session: &Session) -> Vec<u8> {
        let mut out = Vec::new();
        let told = match (session.peer(), session.local()) {
            (
                Peer::Inet(source),
                Some(Address::Inet(destination) | Address::Datagrams(destination)),
            ) => {
                let addresses = Addresses { source, destination };
                if session.is_datagrams() { Told::Udp(addresses) } else { Told::Tcp(addresses) }
            }
            _ => Told::Unknown,
        };
        match self {
            Header::Off => {}
            Header::V1 => write_v1(&told, &mut out),
            // There is nothing in it that could be too long.
            Header::V2 => drop(write_v2(&told, &[], &mut out)),
        }
        out
    }
}

/// `proxy_bind`
pub enum From {
    /// The system's choice.
    Any,
    /// The address that a word says.
    Address(Template),
}

impl From {
    /// For a session. A value that is no address is none, as in nginx.
    fn of(&self, session: &mut Session) -> Option<SocketAddr> {
        let From::Address(template) = self else { return None };
        let text = template.evaluate(session);
        let found = text.as_str().and_then(address);
        if found.is_none() && !text.is_empty() {
            session.log(Level::Error, format_args!("invalid local address \"{text}\""));
        }
        found
    }
}

/// Reads the address of `proxy_bind`: with a port, or without.
pub fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = || bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    text.parse().ok().or_else(ip)
}

impl Content for Proxying {
    fn serve<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, u16> {
        Box::pin(self.proxy(session))
    }
}

impl Proxying {
    async fn proxy(&'static self, session: &mut Session) -> u16 {
        let (link, record) = match self.connect(session).await {
            Ok(connected) => connected,
            Err(status) => return status,
        };
        tell_connected(session, &link);
        if session.is_datagrams() {
            return self.exchange(session, &link, &record).await;
        }
        let (client, peer) = (Io::new(session.conn), link.io());
        let upload = rate(&self.upload, session);
        let download = rate(&self.download, session);
        let up = Way::new(client, peer, Vec::new(), self.buffer_size).limited(upload);
        let down = Way::new(peer, client, Vec::new(), self.buffer_size).limited(download);
        let mut both = Duplex::new(up, down, self.timeout, self.half_close);
        let ended = both.run().await;
        note(session, &record, &both);
        tell_end(session, &record, &both, ended);
        session.end(200);
        // What was written is followed by an end, and not by a break.
        peer.shutdown_write();
        drop(link);
        Box::pin(rt::linger(client, LINGERING)).await;
        200
    }

    async fn connect(&'static self, session: &mut Session) -> Result<(Link, Rc<Try>), u16> {
        let (upstream, name) = match self.pass.of(session, &self.upstreams).await {
            Ok(found) => found,
            Err(why) => {
                session.log(Level::Error, format_args!("{why}"));
                return Err(500);
            }
        };
        let how = Connecting {
            timeout: self.connect_timeout,
            next: self.next,
            next_tries: self.next_tries,
            next_timeout: self.next_timeout,
            datagrams: session.is_datagrams(),
            keepalive: self.keepalive,
            from: self.from.of(session),
            // Of datagrams it goes with the first one.
            preface: match session.is_datagrams() {
                true => Vec::new(),
                false => self.header.of(session),
            },
            encryption: self.encryption(session, &name)?,
        };
        let asker = asker(&upstream, session);
        session.adds_to_messages(addition);
        let tried = session.context::<Tried>();
        let log = |level, message: std::fmt::Arguments<'_>| session.log(level, message);
        connect(&upstream.group, asker, &how, &tried.0, &log).await
    }

    fn encryption(&self, session: &mut Session, name: &str) -> Result<Option<Encryption>, u16> {
        let encrypting = self.encrypting.as_ref().filter(|_| !session.is_datagrams());
        encrypting.map(|how| how.of(session, name.as_bytes())).transpose().map_err(|_| 500)
    }
}

fn asker(upstream: &Upstream<Session>, session: &mut Session) -> Asker {
    let key = upstream.key.as_ref().map(|key| key.evaluate(session));
    Asker { ip: session.peer().ip(), key: key.as_deref().map(<[u8]>::to_vec).unwrap_or_default() }
}

/// Bytes per second; what is no size is no limit.
fn rate(template: &Template, session: &mut Session) -> u64 {
    let text: Str = template.evaluate(session);
    text.as_str().and_then(conf::value::size).unwrap_or(0)
}

/// What variables tell of it.
fn note(session: &Session, record: &Try, both: &Duplex) {
    session.received.set(both.up.taken);
    session.sent.set(both.down.passed);
    record.sent.set(record.sent.get() + both.up.passed);
    record.received.set(both.down.taken);
    record.came_first(both.down.first);
    record.end();
}

/// What messages say of the peer, in nginx's words.
fn addition(session: &Session) -> String {
    let tried = session.context::<Tried>();
    let tries = tried.0.borrow();
    let Some(record) = tries.last() else { return String::new() };
    let (received, sent) = (record.received.get(), record.sent.get());
    format!(
        ", upstream: \"{}\", {}, bytes from/to upstream:{received}/{sent}",
        record.peer,
        to_and_fro(session)
    )
}

pub fn to_and_fro(session: &Session) -> String {
    format!("bytes from/to client:{}/{}", session.received.get(), session.sent.get())
}

fn tell_connected(session: &Session, link: &Link) {
    if let Some(local) = sys::socket::local_address(link.io().fd()) {
        let (kind, address) =
            (if session.is_datagrams() { "udp " } else { "" }, &link.identity.address);
        session.log(Level::Info, format_args!("{kind}proxy {local} connected to {address}"));
    }
}

fn tell_end(session: &Session, record: &Try, both: &Duplex, ended: Ended) {
    let who = match ended {
        Ended::Client => "client",
        Ended::Peer => "upstream",
        Ended::Broken => {
            let error = both.up.broken.as_ref().or(both.down.broken.as_ref());
            let error = error.map(sys::log::errno).unwrap_or_default();
            let what = format_args!("send() failed {error} while proxying connection");
            return session.log(Level::Info, what);
        }
        Ended::TimedOut => {
            let what = "connection timed out (110: Connection timed out)";
            return session.log(Level::Info, format_args!("{what} while proxying connection"));
        }
    };
    let (received, sent) = (record.received.get(), record.sent.get());
    session.log_alone(
        Level::Info,
        format_args!(
            "{who} disconnected, {}, bytes from/to upstream:{received}/{sent}",
            to_and_fro(session)
        ),
    );
}
