//! A session from its connection to its end.

use http::route::proxy_header;
use rt::{Conn, Io, Next, Service};
use sys::log::Level;
use sys::socket::{Address, Peer};

use crate::listener::Listener;
use crate::session::{Phase, Session};

impl Service for Listener {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(async move {
            match Session::new(conn, self) {
                Some(session) => serve(session, self).await,
                None => Next::Close,
            }
        }))
    }

    fn close(&'static self, conn: Conn) {
        proxy_header::forget(conn);
    }
}

/// Serves a session to its end.
pub async fn serve(mut session: Session, listener: &'static Listener) -> Next {
    let conn = session.conn;
    tell_connected(&session, listener);
    // As long as it has not got anything, it may have to make room.
    conn.set_expendable(true);
    let begun = begin(&mut session, listener).await;
    conn.set_expendable(false);
    let status = match begun {
        Ok(()) => session.server.content.serve(&mut session).await,
        Err(status) => status,
    };
    session.end(status);
    Next::Close
}

/// In nginx's words.
fn tell_connected(session: &Session, listener: &Listener) {
    let kind = if session.is_datagrams() { "udp " } else { "" };
    let address = listener.address();
    let tell = |who: std::fmt::Arguments<'_>| {
        session.log_alone(Level::Info, format_args!("{kind}client {who} connected to {address}"));
    };
    match session.conn.peer() {
        Peer::Inet(peer) => tell(format_args!("{peer}")),
        peer => tell(format_args!("{peer}")),
    }
}

/// What precedes the content. The error: it does not come to that, and the session ends with this status.
async fn begin(session: &mut Session, listener: &'static Listener) -> Result<(), u16> {
    let conn = session.conn;
    if listener.is_behind_proxy(conn) {
        proxy_header(session).await?;
    }
    for phase in [Phase::PostAccept, Phase::Preaccess, Phase::Access] {
        handle(session, phase)?;
    }
    let encrypted = || listener.hosts_for(conn).is_some_and(|hosts| hosts.ssl);
    if listener.may_be_encrypted() && encrypted() {
        shake_hands(session, listener).await?;
    }
    if !session.server.tcp_nodelay && matches!(listener.address(), Address::Inet(_)) {
        // The listener's default, inherited by the connection, is on.
        let _ = sys::socket::set_nodelay(conn.fd(), false);
    }
    for preread in &session.server.prereads {
        preread.wait(session).await?;
    }
    handle(session, Phase::Preread)
}

fn handle(session: &mut Session, phase: Phase) -> Result<(), u16> {
    let handlers = session.server.handlers.iter().filter(|(its, _)| *its == phase);
    handlers.into_iter().try_for_each(|(_, handler)| handler.handle(session))
}

/// What a proxy tells. The status of a client that does not come to its end is nginx's.
async fn proxy_header(session: &Session) -> Result<(), u16> {
    let conn = session.conn;
    conn.set_timeout(session.server.proxy_protocol_timeout);
    match proxy_header::wait(conn).await {
        true => Ok(()),
        false if conn.timed_out() => {
            let what = "client timed out (110: Connection timed out)";
            session.log(Level::Info, format_args!("{what} while reading PROXY protocol"));
            Err(200)
        }
        false => Err(400),
    }
}

/// The handshake, and what there is to say to the client's certificate.
async fn shake_hands(session: &mut Session, listener: &'static Listener) -> Result<(), u16> {
    let conn = session.conn;
    let io = Io::new(conn);
    conn.set_layer(Box::new(tls::Session::new(listener, Vec::new())));
    conn.set_timeout(session.server.handshake_timeout);
    if let Err(error) = io.established().await {
        listener.log_failure(&session.server.error_logs, conn, &error);
        return Err(500);
    }
    io.with_layer(|tls: &tls::Session| session.is_for(tls.server_name()));
    let server = session.server.tls.as_ref();
    let refusal = io.with_layer(|tls: &tls::Session| tls.refusal(server)).flatten();
    match refusal {
        None => Ok(()),
        Some((_, why)) => {
            session.log(Level::Info, format_args!("{why}"));
            Err(500)
        }
    }
}
