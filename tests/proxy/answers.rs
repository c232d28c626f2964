//! Answers that lie, or are none: nothing of them is taken for what it is not.

use support::{Server, Wire, http, start};

use crate::origin::Origin;

/// A server before an origin that answers each request with these bytes, and closes.
fn before(bytes: &'static [u8], settings: &str) -> (Origin, Server) {
    let origin = Origin::start(move |exchange| {
        exchange.body();
        exchange.send(bytes);
        false
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; {settings} }} }}",
        origin.port
    )));
    (origin, server)
}

#[test]
fn what_could_be_two_things_is_neither() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: a\rY: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"no answer at all",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"",
    ] {
        let (_origin, server) = before(bytes, "");
        let answer = server.get("/");
        let told = String::from_utf8_lossy(bytes);
        assert_eq!(answer.status, 502, "{told}");
        let log = server.error_log();
        assert!(log.contains("while reading response header from upstream"), "{told}\n{log}");
        assert!(log.contains("upstream: \"http://127.0.0.1:"), "{log}");
        // The connection to the client is not to blame.
        assert!(answer.keeps(), "{told}");
    }
}

#[test]
fn what_is_odd_is_taken_as_nginx_takes_it() {
    for (bytes, status, body) in [
        (&b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc"[..], 200, "abc"),
        (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, "abc"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc and more", 200, "abc"),
        (b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", 204, ""),
        (b"HTTP/1.1 700 Own\r\nContent-Length: 3\r\n\r\nabc", 700, "abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n", 200, "abc"),
    ] {
        let (_origin, server) = before(bytes, "");
        let answer = server.get("/");
        let told = String::from_utf8_lossy(bytes);
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{told}");
        assert!(answer.complete, "{told}");
    }
}

#[test]
fn what_is_cut_off_is_seen_to_be() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
    ] {
        let (_origin, server) = before(bytes, "");
        let answer = server.get("/");
        let told = String::from_utf8_lossy(bytes);
        assert_eq!(answer.status, 200, "{told}");
        assert!(!answer.complete, "{told}");
        server.wait_for("the log", || server.error_log().contains("[error]"));
    }
}

/// Interim answers are no answers; too many are none at all.
#[test]
fn interim_answers_are_passed_over() {
    let (_origin, server) = before(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "",
    );
    assert_eq!(server.get("/").text(), "abc");
    let origin = Origin::start(|exchange| {
        while exchange.send("HTTP/1.1 100 Continue\r\n\r\n".repeat(100)) {}
        false
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        origin.port
    )));
    assert_eq!(server.get("/").status, 502);
}

#[test]
fn a_head_has_a_longest_length() {
    let origin = Origin::start(|exchange| {
        let length: usize = exchange.target().trim_start_matches('/').parse().expect("a length");
        exchange.answer("200 OK", &format!("X: {}\r\n", "x".repeat(length)), "body")
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; 
            location / {{ proxy_pass http://127.0.0.1:{}; proxy_buffer_size 4k; }} }}",
        origin.port
    )));
    assert_eq!(server.get("/3900").text(), "body");
    assert_eq!(server.get("/4100").status, 502);
    let log = server.error_log();
    assert!(log.contains("upstream sent too big header (\"proxy_buffer_size\" is 4096)"), "{log}");
    // One without an end is the same.
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\n");
        while exchange.send("X: y\r\n".repeat(1000)) {}
        false
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        origin.port
    )));
    assert_eq!(server.get("/").status, 502);
}

/// A field of an answer is never two for the client.
#[test]
fn requests_are_not_hidden_in_requests() {
    let origin = Origin::echo();
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_max_body_size 1m;
            location / {{ proxy_pass http://127.0.0.1:{0}; }}
            location /header/ {{ proxy_pass http://127.0.0.1:{0}; proxy_set_header X-Arg $arg_x; }}
            location /captured/ {{ location ~ ^/captured/(?s)(?<rest>.*) {{ proxy_pass http://127.0.0.1:{0}; proxy_set_header X-Rest $rest; }} }}
        }}",
        origin.port
    )));
    // A variable brings a line break: it stays one field.
    let told = server.get("/captured/a%0d%0aX-Evil:%201").text();
    assert!(told.contains("X-Rest: a  X-Evil: 1\r\n"), "{told}");
    // What names fields of the connection takes those away, and cannot take away what frames the body.
    let mut wire = Wire::open(server.port());
    wire.send(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length, X-Hop\r\nX-Hop: 1\r\nX-Stays: 1\r\nContent-Length: 3\r\n\r\nabc",
    );
    let told = wire.answer().text();
    assert!(told.contains("Content-Length: 3\r\n") && told.ends_with("\r\n\r\nabc"), "{told}");
    assert!(told.contains("X-Stays: 1") && !told.contains("X-Hop"), "{told}");
    // Chunks are framed anew, whatever stands beside them.
    let mut wire = Wire::open(server.port());
    wire.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\"x\"\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
    );
    let told = wire.answer().text();
    assert!(told.ends_with("\r\n\r\nabc") && told.contains("Content-Length: 3\r\n"), "{told}");
    assert_eq!(origin.count(), 3, "no request in another");
}

/// What a peer does not say of an answer without a body is not made up.
#[test]
fn of_a_head_no_length_is_invented() {
    let origin = Origin::start(|exchange| {
        let head = match exchange.target() {
            "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
            _ => "HTTP/1.1 200 Very Fine\r\nConnection: X-Own\r\nX-Own: 1\r\nX-Other: 1\r\n\r\n",
        };
        exchange.send(head)
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        origin.port
    )));
    let head = |path: &str| {
        let mut wire = Wire::open(server.port());
        wire.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        wire.until("\r\n\r\n")
    };
    assert!(!head("/chunked").contains("Content-Length"), "{}", head("/chunked"));
    assert!(head("/length").contains("Content-Length: 77\r\n"));
    let neither = head("/neither");
    assert!(!neither.contains("Content-Length") && neither.contains("X-Other"), "{neither}");
    assert!(
        neither.starts_with("HTTP/1.1 200 Very Fine\r\n") && !neither.contains("X-Own"),
        "{neither}"
    );
}
