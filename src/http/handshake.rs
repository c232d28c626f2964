//! What precedes the first request of an encrypted connection.

use std::io;

use proto::http1::Reject;
use rt::{Conn, Io};
use tls::{Choice, Chosen};

use crate::request::{Listener, Request, Server};
use crate::route::regex::Captures;

/// What is spoken inside an encrypted connection: without HTTP/2, and with it.
pub const PROTOCOLS: [&[&[u8]]; 2] =
    [&[b"http/1.1", b"http/1.0", b"http/0.9"], &[HTTP2, b"http/1.1", b"http/1.0", b"http/0.9"]];
const HTTP2: &[u8] = b"h2";

/// What becomes of a connection.
pub enum Step {
    Done,
    /// More is to come from the client.
    Wait,
    Close,
}

/// Puts the encryption between a connection and its socket, if its address has one.
pub fn prepare(listener: &'static Listener, conn: Conn) {
    let encrypted = || listener.hosts_for(conn).is_some_and(|hosts| hosts.ssl);
    if listener.may_be_encrypted() && encrypted() {
        conn.set_layer(Box::new(tls::Session::new(listener, Vec::new())));
    }
}

/// Goes on with the handshake.
pub fn go_on(listener: &'static Listener, conn: Conn) -> Step {
    let io = Io::new(conn);
    let done = io.with_layer(tls::Session::is_established).unwrap_or(true);
    if done {
        return Step::Done;
    }
    match io.establish() {
        Ok(()) => {
            let settings = &listener.first_hosts().default_server().location().settings;
            conn.set_timeout(settings.client_header_timeout);
            Step::Done
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::Wait,
        Err(error) => {
            log(listener, conn, &error);
            Step::Close
        }
    }
}

/// What the handshake says against a request, once it is known what it asks for; as in nginx, which lets error pages
/// answer it.
pub fn check(request: &Request) -> Result<(), Reject> {
    const OTHER: Reject = Reject::new(
        421,
        "client attempted to request the server name different from the one that was negotiated",
    );
    let check = |session: &tls::Session| {
        if session.is_plain() {
            return Err(Reject::new(497, "client sent plain HTTP request to HTTPS port"));
        }
        let asked = request.server.tls.as_ref();
        let asks = session.asks_clients() || asked.is_some_and(tls::Server::asks_clients);
        let chosen = session.server().and_then(|server| server.downcast_ref::<Server>());
        let is_other = !chosen.is_some_and(|chosen| std::ptr::eq(chosen, request.server));
        match asks {
            // Who was let in by one server is not by that let in by another.
            true if is_other && session.server_name().is_some() => Err(OTHER),
            true => {
                session.refusal(asked).map_or(Ok(()), |(status, why)| Err(Reject::new(status, why)))
            }
            false => Ok(()),
        }
    };
    request.connection.with_tls(check).unwrap_or(Ok(()))
}

/// Whether HTTP/2 was agreed on; `None`: nothing was, since the connection is not encrypted.
pub fn is_http2(conn: Conn) -> Option<bool> {
    Io::new(conn).with_layer(|session: &tls::Session| session.protocol() == Some(HTTP2))
}

/// An idle connection's time is over.
pub fn expired(listener: &'static Listener, conn: Conn) {
    if listener.may_be_encrypted()
        && Io::new(conn).with_layer(tls::Session::is_established) == Some(false)
    {
        log(listener, conn, &io::ErrorKind::TimedOut.into());
    }
}

fn log(listener: &'static Listener, conn: Conn, error: &io::Error) {
    let logs = &listener.first_hosts().default_server().location().settings.error_logs;
    listener.log_failure(logs, conn, error);
}

impl Listener {
    /// Whether a plain connection may speak HTTP/2: the default server of its address says so.
    pub(crate) fn may_be_http2(&self, conn: Conn) -> bool {
        self.says(conn, |hosts| hosts.http2 || hosts.default_server().location().settings.http2.on)
    }
}

impl Choice for Listener {
    fn choose(&'static self, conn: Conn, name: Option<&str>) -> Option<Chosen> {
        let hosts = self.hosts_for(conn)?;
        let (server, tls) = hosts.choose(name, &mut Captures::default())?;
        let protocols = usize::from(hosts.http2 || server.location().settings.http2.on);
        Some(Chosen { tls, protocols, server })
    }

    fn keeps_offers(&self) -> bool {
        self.are_offers_kept()
    }

    fn takes_plain(&self, _: Conn) -> bool {
        true
    }
}
