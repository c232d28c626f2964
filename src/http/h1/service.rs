//! A listening address as the event loop sees it.

use rt::{Conn, Io, Next, Service};
use sys::socket::Address;

use super::connection::Step;
use super::{free, task};
use crate::Happening;
use crate::h2::{self, Beginning};
use crate::handshake;
use crate::request::Listener;
use crate::route::proxy_header;

impl Service for Listener {
    fn open(&'static self, conn: Conn) -> Next {
        self.trace(conn, Happening::ClientConnect);
        self.trace(conn, Happening::Connecting);
        let settings = &self.first_hosts().default_server().location().settings;
        conn.set_timeout(settings.client_header_timeout);
        if !settings.tcp_nodelay && matches!(self.address(), Address::Inet(_)) {
            // The listener's default, inherited by the connection, is on.
            let _ = sys::socket::set_nodelay(conn.fd(), false);
        }
        self.trace(conn, Happening::Connect);
        if self.is_behind_proxy(conn) {
            match proxy_header::take(conn) {
                proxy_header::Step::Done => {}
                proxy_header::Step::Wait => {
                    return Next::Task(Box::pin(async move {
                        match proxy_header::wait(conn).await {
                            true => {
                                handshake::prepare(self, conn);
                                Next::Idle
                            }
                            false => Next::Close,
                        }
                    }));
                }
                proxy_header::Step::Close => return Next::Close,
            }
        }
        handshake::prepare(self, conn);
        self.ready(conn)
    }

    fn ready(&'static self, conn: Conn) -> Next {
        if self.may_be_encrypted() && conn.requests() == 0 {
            match handshake::go_on(self, conn) {
                handshake::Step::Done => {}
                handshake::Step::Wait => return Next::Idle,
                handshake::Step::Close => return Next::Close,
            }
        }
        if conn.requests() == 0
            && let Some(next) = h2_or_else(self, conn)
        {
            return next;
        }
        let mut connection = free::take(conn, self);
        match connection.advance() {
            Step::Idle => {
                free::give_back(connection);
                Next::Idle
            }
            Step::Close => {
                self.trace(conn, Happening::Disconnecting);
                free::give_back(connection);
                Next::Close
            }
            Step::Takeover(takeover) => task::leave(connection, takeover),
            step => Next::Task(Box::pin(task::drive(connection, step))),
        }
    }

    fn expire(&'static self, conn: Conn) {
        handshake::expired(self, conn);
        self.trace(conn, Happening::Disconnecting);
    }

    fn drain_delay(&'static self, conn: Conn) -> u64 {
        let settings = &self.first_hosts().default_server().location().settings;
        let is_asking = || Io::new(conn).with_layer(tls::Session::is_asking) == Some(true);
        match conn.requests() {
            // Somebody else is slow, and the client waits.
            0 if is_asking() && !conn.hung_up() => settings.client_header_timeout,
            // Just accepted: its first request is on the way.
            0 => settings.client_header_timeout.min(5000),
            _ => settings.keepalive_min_timeout,
        }
    }

    fn close(&'static self, conn: Conn) {
        self.trace(conn, Happening::Disconnect);
        proxy_header::forget(conn);
    }
}

/// What becomes of a connection on which no request has come, if that is not decided here: it may begin as one of HTTP/2.
fn h2_or_else(listener: &'static Listener, conn: Conn) -> Option<Next> {
    if let Some(agreed) = handshake::is_http2(conn) {
        return agreed.then(|| Next::Task(h2::serve(conn, listener, Vec::new())));
    }
    if !listener.may_be_http2(conn) {
        return None;
    }
    match h2::look(conn) {
        Beginning::Other => None,
        Beginning::Preface => Some(Next::Task(h2::serve(conn, listener, Vec::new()))),
        Beginning::Open => Some(Next::Task(Box::pin(async move {
            let settings = &listener.first_hosts().default_server().location().settings;
            match h2::wait(conn, settings).await {
                Some(Beginning::Preface) => Next::Task(h2::serve(conn, listener, Vec::new())),
                Some(_) => Next::Idle,
                None => Next::Close,
            }
        }))),
    }
}
