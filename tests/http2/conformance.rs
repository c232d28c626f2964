//! The protocol, to the letter: RFC 9113, RFC 7541.

use crate::{python, up};

#[test]
fn what_is_not_as_it_should_be() {
    let server = up("", "");
    python(&server, "raw", "table", &[]);
}

/// RFC 9113 §3.3, §3.4
#[test]
fn how_connections_begin() {
    python(&up("", ""), "raw", "prefaces", &[]);
}

/// An address speaks HTTP/2 where its default server does.
#[test]
fn where_it_is_not_spoken() {
    let server =
        support::start!(support::site("http2 off; location / { return 200 $server_protocol; }"));
    let answer =
        String::from_utf8_lossy(&server.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).into_owned();
    assert!(answer.contains("400 Bad Request") || answer.contains("505"), "{answer}");
}
