//! A session from its connection to its end.

use std::io::{self, IoSlice};

use http::route::proxy_header;
use rt::{Conn, Io, Lingering, Next, Service, TimedOut};
use sys::log::Level;
use sys::socket::Address;
use sys::stream::unacknowledged;

use crate::listener::Listener;
use crate::session::Session;

/// How long a client may take nothing of what it is sent: nginx's bound for `return`.
const SEND_TIMEOUT_MS: u64 = 5000;
/// The end is as after an answer of HTTP.
const LINGERING: Lingering =
    Lingering { send: SEND_TIMEOUT_MS, timeout: 5000, time: 30_000, most: usize::MAX };

impl Service for Listener {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(serve(self, conn)))
    }

    fn close(&'static self, conn: Conn) {
        proxy_header::forget(conn);
    }
}

/// Serves a connection to its end.
async fn serve(listener: &'static Listener, conn: Conn) -> Next {
    let Some(mut session) = Session::new(conn, listener) else { return Next::Close };
    // As long as it has not got anything, it may have to make room.
    conn.set_expendable(true);
    if !begin(&mut session, listener).await {
        return Next::Close;
    }
    conn.set_expendable(false);
    let io = Io::new(conn);
    match send(io, &text(&session)).await {
        Ok(()) => _ = Box::pin(rt::linger(io, LINGERING)).await,
        Err(error) => {
            if error.kind() == io::ErrorKind::TimedOut {
                let what = "connection timed out (110: Connection timed out)";
                session.log(Level::Info, format_args!("{what} while returning text"));
            }
            // What has come of the text must not be taken for all of it.
            io.reset_on_close();
        }
    }
    Next::Close
}

/// What precedes the content. `false`: it does not come to that.
async fn begin(session: &mut Session, listener: &'static Listener) -> bool {
    let conn = session.conn;
    if listener.is_behind_proxy(conn) {
        conn.set_timeout(session.server.proxy_protocol_timeout);
        if !proxy_header::wait(conn).await {
            if conn.timed_out() {
                let what = "client timed out (110: Connection timed out)";
                session.log(Level::Info, format_args!("{what} while reading PROXY protocol"));
            }
            return false;
        }
    }
    let encrypted = || listener.hosts_for(conn).is_some_and(|hosts| hosts.ssl);
    if listener.may_be_encrypted() && encrypted() && !shake_hands(session, listener).await {
        return false;
    }
    if !session.server.tcp_nodelay && matches!(listener.address(), Address::Inet(_)) {
        // The listener's default, inherited by the connection, is on.
        let _ = sys::socket::set_nodelay(conn.fd(), false);
    }
    true
}

/// The handshake, and what there is to say to the client's certificate. `false`: the connection ends.
async fn shake_hands(session: &mut Session, listener: &'static Listener) -> bool {
    let conn = session.conn;
    let io = Io::new(conn);
    conn.set_layer(Box::new(tls::Session::new(listener, Vec::new())));
    conn.set_timeout(session.server.handshake_timeout);
    if let Err(error) = io.established().await {
        listener.log_failure(&session.server.error_logs, conn, &error);
        return false;
    }
    io.with_layer(|tls: &tls::Session| session.is_for(tls.server_name()));
    let server = session.server.tls.as_ref();
    let refusal = io.with_layer(|tls: &tls::Session| tls.refusal(server)).flatten();
    if let Some((_, why)) = refusal {
        session.log(Level::Info, format_args!("{why}"));
    }
    refusal.is_none()
}

/// What the client is sent.
fn text(session: &Session) -> Vec<u8> {
    let mut text = Vec::new();
    session.server.text.write(session, &mut text, |_, _, _| {});
    text
}

async fn send(io: Io, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match io.write(&[IoSlice::new(text)], false) {
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => room(io).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until there is room for more. The kernel tells of that when a third of its buffer is free: a client that takes
/// little, but goes on taking, is known by what it has acknowledged.
async fn room(io: Io) -> Result<(), TimedOut> {
    loop {
        let before = unacknowledged(io.fd());
        io.set_timeout(SEND_TIMEOUT_MS);
        match io.writable().await {
            Err(TimedOut) if unacknowledged(io.fd()) < before => {}
            result => return result,
        }
    }
}
