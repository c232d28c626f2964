//! The variables of a session, beside those that every connection has.

use std::io::Write;

use http::vars::connection::put;
use http::vars::names::Variable;

use crate::session::Session;

macro_rules! variables {
    ($($name:literal $get:expr, $help:literal;)*) => {
        /// The session's own.
        pub static VARIABLES: &[Variable<Session>] =
            &[$(Variable { name: $name, get: $get, help: $help }),*];
    };
}

// What is sent is made before the first byte of it goes out, and nothing is read before that: as nginx, whose counts and
// status are those of the log, which comes behind.
variables! {
    "bytes_received" |_, _, o| put(o, b"0"), "bytes from the client: none before it is sent a text";
    "bytes_sent" |_, _, o| put(o, b"0"), "bytes to the client, likewise";
    "protocol" |_, _, o| put(o, b"TCP"), "TCP";
    "session_time" |s, _, o| {
        let ms = rt::now().saturating_sub(s.conn.opened());
        let _ = write!(o, "{}.{:03}", ms / 1000, ms % 1000);
        true
    }, "seconds since the connection was accepted, with milliseconds";
    "status" |_, _, o| put(o, b"000"), "the session's status: 000 as long as it goes on";
}
