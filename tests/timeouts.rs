//! Connections that nothing happens on are closed. How soon is not measured: only that it happens
//! long before a test's patience ends.

use support::{Server, bytes, site, start};

/// All other times are longer than any test.
fn serving(body: &str) -> Server {
    let server =
        start!(site(&format!("root html; {body} location = /says {{ return 200 says; }}")));
    server.file("html/a", "hello");
    server
}

#[test]
fn a_head_that_does_not_come() {
    for start in ["", "G", "GET /a HTTP/1.1\r\n", "GET /a HTTP/1.1\r\nHost: x\r\nX: "] {
        let server = serving("client_header_timeout 200ms;");
        let mut wire = server.wire();
        wire.send(start);
        assert!(wire.closes(), "{start:?}");
    }
}

#[test]
fn a_head_that_trickles_in_must_be_whole_in_time() {
    let server = serving("client_header_timeout 300ms;");
    let mut wire = server.wire();
    wire.send("GET /a HTTP/1.1\r\nHost: x\r\nX: ");
    // A byte now and then does not prolong it.
    server.wait_for("the end of the connection", || !wire.send("y"));
}

#[test]
fn a_body_that_does_not_come() {
    let server = serving("client_body_timeout 200ms; lingering_timeout 200ms;");
    for head in ["Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
        let mut wire = server.wire();
        wire.send(format!("POST /says HTTP/1.1\r\nHost: x\r\n{head}"));
        assert_eq!(wire.answer().status, 200);
        assert!(wire.closes(), "{head}");
    }
}

#[test]
fn an_idle_connection() {
    let server = serving("keepalive_timeout 200ms;");
    let mut wire = server.wire();
    for _ in 0..3 {
        wire.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(wire.answer().keeps());
    }
    assert!(wire.closes());
    let old = serving("keepalive_time 200ms;");
    let mut wire = old.wire();
    old.wait_for("the connection's last answer", || {
        wire.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        !wire.answer().keeps()
    });
    assert!(wire.closes());
}

#[test]
fn a_client_that_does_not_read() {
    for way in [
        "sendfile on;",
        "sendfile off;",
        "aio threads;",
        "aio threads; sendfile on;",
        "reset_timedout_connection on;",
    ] {
        let server = serving(&format!("send_timeout 200ms; {way}"));
        server.file("html/big", bytes(40_000_000));
        let mut wire = server.wire();
        wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        server.wait_for("the line of the request", || server.access_log().contains("GET /big"));
        assert!(wire.rest().len() < 40_000_000, "{way}");
    }
}

#[test]
fn a_client_that_reads_slowly_is_served_to_the_end() {
    let server = serving("send_timeout 2s; sendfile on;");
    server.file("html/big", bytes(8_000_000));
    let answer = server.curl(&["--limit-rate", "8M"], "/big");
    assert!(answer.complete && answer.body == bytes(8_000_000));
}

#[test]
fn who_lingers_is_not_waited_for_long() {
    let server = serving("client_max_body_size 1; lingering_timeout 100ms; lingering_time 300ms;");
    let mut wire = server.wire();
    wire.send("POST /says HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(wire.answer().status, 413);
    // The server has closed its side; ours it closes after a while.
    assert!(wire.closes());
    server.wait_for("the server to take no more", || !wire.send("x"));
}
