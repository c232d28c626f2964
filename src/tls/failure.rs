//! Why there was no handshake, as nginx's log says it.

use std::io::{Error, ErrorKind};

/// What the log says of a handshake that has ended so.
pub fn failure(error: &Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => error.to_string(),
        ErrorKind::TimedOut => "client timed out (110: Connection timed out)".to_owned(),
        _ => format!("SSL_do_handshake() failed ({error})"),
    }
}
