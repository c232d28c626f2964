//! What precedes the first request of an encrypted connection.

use std::fmt::Arguments;
use std::io;

use mem::Str;
use rt::{Conn, Io};
use sys::log::Level;
use tls::{Choice, Chosen};

use crate::request::Listener;
use crate::route::regex::Captures;

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
            match error.kind() {
                io::ErrorKind::UnexpectedEof => log(listener, conn, format_args!("{error}")),
                _ => log(listener, conn, format_args!("SSL_do_handshake() failed ({error})")),
            }
            Step::Close
        }
    }
}

/// An idle connection's time is over.
pub fn expired(listener: &'static Listener, conn: Conn) {
    if listener.may_be_encrypted()
        && Io::new(conn).with_layer(tls::Session::is_established) == Some(false)
    {
        log(listener, conn, format_args!("client timed out (110: Connection timed out)"));
    }
}

fn log(listener: &'static Listener, conn: Conn, what: Arguments<'_>) {
    let logs = &listener.first_hosts().default_server().location().settings.error_logs;
    let message = format!(
        "*{} {what} while SSL handshaking, client: {}, server: {}",
        conn.serial(),
        conn.peer(),
        listener.address()
    );
    match logs.is_empty() {
        true => sys::log::write(Level::Info, format_args!("{message}")),
        false => logs.iter().for_each(|log| log.write(Level::Info, format_args!("{message}"))),
    }
}

impl Choice for Listener {
    fn choose(&'static self, conn: Conn, name: Option<&str>) -> Option<Chosen> {
        let hosts = self.hosts_for(conn)?;
        let default = hosts.default_server();
        let server = match name {
            Some(name) => {
                let name = Str::copy(name.as_bytes());
                hosts.find(&name, &mut Captures::default()).ok()?.unwrap_or(default)
            }
            None => default,
        };
        let tls = server.tls.as_ref().or(default.tls.as_ref())?;
        Some(Chosen { tls, server })
    }

    fn takes_plain(&self, _: Conn) -> bool {
        true
    }
}
