//! Requests with bodies: kept or passed on as they come, answered early, cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Wire, bytes, http, start};

use crate::origin::Origin;

#[test]
fn they_arrive_whole_however_long() {
    let origin = Origin::start(|exchange| {
        let body = exchange.body();
        let told = format!("{} {:?}", body.len(), exchange.field("Content-Length"));
        let sum =
            body.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        exchange.answer("200 OK", "", format!("{told} {sum}"))
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_max_body_size 0; client_body_buffer_size 8k;
            location / {{ proxy_pass http://127.0.0.1:{0}; }}
            location /through/ {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; }} }}",
        origin.port
    )));
    for len in [1, 1000, 8 << 10, 100_000, 5 << 20] {
        let body = bytes(len);
        let sum =
            body.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        let file = server.file("body", &body);
        let file = format!("@{}", file.display());
        for path in ["/", "/through/"] {
            let told = server.curl(&["--data-binary", &file], path).text();
            assert_eq!(told, format!("{len} Some(\"{len}\") {sum}"), "{path}");
        }
        // Chunks become a length where the body is kept.
        let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &file];
        assert_eq!(server.curl(&chunked, "/").text(), format!("{len} Some(\"{len}\") {sum}"));
    }
}

#[test]
fn chunks_stay_chunks_where_it_is_passed_on() {
    let origin = Origin::echo();
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; }}
            location /old/ {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; proxy_http_version 1.0; }} }}",
        origin.port
    )));
    let chunked = ["-H", "Transfer-Encoding: chunked", "-d", "abc"];
    let told = server.curl(&chunked, "/").text();
    assert!(told.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{told}");
    let told = server.curl(&chunked, "/old/").text();
    assert!(told.contains("Content-Length: 3\r\n") && told.ends_with("\r\n\r\nabc"), "{told}");
}

/// What comes is passed on at once: the origin sees the first bytes before the client sends the last.
#[test]
fn it_is_passed_on_as_it_comes() {
    let seen = Arc::new(AtomicUsize::new(0));
    let told = seen.clone();
    let origin = Origin::start(move |exchange| {
        told.fetch_add(1, Ordering::SeqCst);
        exchange.body();
        exchange.answer("200 OK", "", "done")
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; }}
            location /kept/ {{ proxy_pass http://127.0.0.1:{0}; }} }}",
        origin.port
    )));
    let mut wire = Wire::open(server.port());
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    server.wait_for("the origin", || seen.load(Ordering::SeqCst) == 1);
    wire.send("def");
    assert_eq!(wire.answer().text(), "done");
    // One that is kept does not come before it is whole.
    wire.send("POST /kept/ HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    let mut other = Wire::open(server.port());
    other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(other.answer().text(), "done");
    assert_eq!(seen.load(Ordering::SeqCst), 2, "the other one alone");
    wire.send("def");
    assert_eq!(wire.answer().text(), "done");
}

/// The origin answers before it has read all, and closes: the client gets that answer, not an error.
#[test]
fn an_early_answer_arrives() {
    for settings in ["", "proxy_request_buffering off;"] {
        let origin = Origin::start(|exchange| {
            exchange.answer("413 Too Large", "Connection: close\r\n", "too much");
            // What is unread makes the close a reset.
            false
        });
        let server = start!(http(&format!(
            "server {{ listen 127.0.0.1:{{port}}; client_max_body_size 0;
                location / {{ proxy_pass http://127.0.0.1:{0}; {settings} }} }}",
            origin.port
        )));
        let file = server.file("body", bytes(8 << 20));
        for _ in 0..5 {
            let answer = server.curl(&["-H", "Expect:", "-T", &file.display().to_string()], "/x");
            assert_eq!((answer.status, answer.text().as_str()), (413, "too much"), "{settings}");
        }
    }
}

#[test]
fn a_client_that_breaks_off_is_no_fault_of_the_peer() {
    let origin = Origin::start(|exchange| {
        exchange.body();
        exchange.answer("200 OK", "", "done")
    });
    let server = start!(http(&format!(
        "upstream two {{ server 127.0.0.1:{0}; server 127.0.0.1:{0} backup; }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://two; proxy_request_buffering off; }} }}",
        origin.port
    )));
    for _ in 0..3 {
        let mut wire = Wire::open(server.port());
        wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\nabc");
        drop(wire);
    }
    server.wait_for("the log", || server.access_log().matches("POST").count() == 3);
    assert!(!server.error_log().contains("temporarily disabled"), "{}", server.error_log());
    assert_eq!(server.get("/").text(), "done");
}

/// A peer that answers while it reads, as programs do that change what they are sent: neither waits for the other's end.
#[test]
fn a_peer_may_answer_while_it_reads() {
    let origin = Origin::start(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let body = exchange.body();
        let mut all = Vec::new();
        for piece in body.chunks(10_000) {
            all.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            all.extend_from_slice(piece);
            all.extend_from_slice(b"\r\n");
        }
        all.extend_from_slice(b"0\r\n\r\n");
        exchange.send(all)
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_max_body_size 0;
            location / {{ proxy_pass http://127.0.0.1:{0}; }}
            location /through/ {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; }} }}",
        origin.port
    )));
    let body = bytes(20 << 20);
    let file = server.file("body", &body);
    for path in ["/", "/through/"] {
        let answer = server.curl(&["-H", "Expect:", "-T", &file.display().to_string()], path);
        assert!(answer.status == 200 && answer.body == body, "{path}: {}", answer.body.len());
        // The connection is fit for another request.
        assert_eq!(server.curl(&["-d", "x"], path).text(), "x");
    }
}

/// A client that pauses in the middle of its upload keeps to its own deadline: the peer has not failed.
#[test]
fn a_client_that_pauses_is_no_fault_of_the_peer() {
    let origin = Origin::start(|exchange| {
        exchange.body();
        exchange.answer("200 OK", "", "done")
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; client_body_timeout 600ms;
            location / {{ proxy_pass http://127.0.0.1:{0}; proxy_request_buffering off; proxy_send_timeout 100ms; }} }}",
        origin.port
    )));
    let mut wire = Wire::open(server.port());
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    assert!(wire.closes());
    server.wait_for("the log", || server.access_log().contains("\"POST / HTTP/1.1\" 408 "));
    let log = server.error_log();
    assert!(!log.contains("upstream timed out"), "{log}");
}
