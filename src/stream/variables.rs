//! The variables of a session, beside those that every connection has.

use std::io::Write;

use http::vars::connection::{put, show};
use http::vars::names::Variable;

use crate::session::Session;

macro_rules! variables {
    ($($name:literal $get:expr, $help:literal;)*) => {
        /// The session's own.
        pub static VARIABLES: &[Variable<Session>] =
            &[$(Variable { name: $name, get: $get, help: $help }),*];
    };
}

variables! {
    "bytes_received" |s, _, o| show(o, s.received.get()), "bytes from the client, once that is known";
    "bytes_sent" |s, _, o| show(o, s.sent.get()), "bytes to the client, likewise";
    "protocol" |s, _, o| put(o, if s.is_datagrams() { b"UDP" } else { b"TCP" }), "TCP or UDP";
    "session_time" |s, _, o| {
        let ms = rt::now().saturating_sub(s.conn.opened());
        let _ = write!(o, "{}.{:03}", ms / 1000, ms % 1000);
        true
    }, "seconds since the connection was accepted, with milliseconds";
    "status" |s, _, o| {
        let _ = write!(o, "{:03}", s.status());
        true
    }, "what the session came to: 200, 400 (what came before it is none), 403, 500, 502, 503; 000 as long as it goes on";
}
