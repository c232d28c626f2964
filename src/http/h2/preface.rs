//! HTTP/2 by prior knowledge (RFC 9113 §3.3): a connection on a plain port that begins with the client's preface.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;

use proto::http2::PREFACE;
use rt::Conn;

use crate::block::settings::Settings;

/// Milliseconds for a client that has connected just before its worker was told to go.
const LAST_MOMENTS: u64 = 5000;

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// With something else.
    Other,
    /// With the preface.
    Preface,
    /// That cannot be told yet.
    Open,
}

/// Looks at the first bytes, and leaves them there.
pub fn look(conn: Conn) -> Beginning {
    let mut bytes = [0; PREFACE.len()];
    let count = match conn.peek(&mut bytes) {
        Ok(count) => count,
        // Whoever reads next finds out.
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(_) => return Beginning::Other,
    };
    if count == 0 || bytes[..count] != PREFACE[..count] {
        return Beginning::Other;
    }
    match count == PREFACE.len() {
        true => Beginning::Preface,
        false if conn.hung_up() => Beginning::Other,
        false => {
            conn.expect_more();
            Beginning::Open
        }
    }
}

/// Waits until it can be told. `None`: the client takes too long.
pub async fn wait(conn: Conn, settings: &Settings) -> Option<Beginning> {
    let mut hurry = Hurry::new(conn, settings);
    loop {
        let mut readable = pin!(conn.readable());
        let readable = poll_fn(|cx| {
            hurry.look();
            readable.as_mut().poll(cx)
        });
        if readable.await.is_err() {
            return None;
        }
        match look(conn) {
            Beginning::Open => {}
            told => return Some(told),
        }
    }
}

/// When a worker has been told to go, a client that has asked for nothing yet has a shorter time.
pub struct Hurry {
    conn: Conn,
    ms: u64,
    is_on: bool,
}

impl Hurry {
    /// For a client that has begun.
    pub fn new(conn: Conn, settings: &Settings) -> Hurry {
        Hurry { conn, ms: settings.client_header_timeout.min(LAST_MOMENTS), is_on: false }
    }

    /// To be asked with every turn of the task, which the worker wakes for that.
    pub fn look(&mut self) {
        if rt::draining() && !std::mem::replace(&mut self.is_on, true) {
            self.conn.set_timeout(self.ms);
        }
    }
}
