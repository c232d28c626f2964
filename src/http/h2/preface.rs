//! HTTP/2 by prior knowledge (RFC 9113 §3.3): a connection on a plain port that begins with the client's preface.

use std::io::ErrorKind;

use proto::http2::PREFACE;
use rt::Conn;

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
pub async fn wait(conn: Conn) -> Option<Beginning> {
    while conn.readable().await.is_ok() {
        match look(conn) {
            Beginning::Open => {}
            told => return Some(told),
        }
    }
    None
}
