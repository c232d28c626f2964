//! How a connection ends: the last byte of an answer comes, whenever the client says that it has no more to ask.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use support::{Server, Wire, proc};

use crate::client::{config, start};

/// The kernel takes an answer whole, which its client has not read yet.
const SITE: &str = "worker_processes 1; events {}
    http { {tls} access_log logs/access.log;
    server { listen 127.0.0.1:{port} ssl sndbuf=4m; lingering_timeout 20s;
        location /at-once { alias html; lingering_close off; }
        location /slow { alias html; lingering_timeout 300ms; }
        location /gone { alias html; lingering_timeout 300ms; send_timeout 1s; } } }";

const LENGTH: usize = 600_000;

/// Asks for the file on a connection that ends with it, and waits until the server has done with it.
fn asked(server: &Server, folder: &str) -> Wire {
    let log =
        || fs::read_to_string(server.path("logs/access.log")).unwrap_or_default().lines().count();
    let before = log();
    let mut wire = Wire::open(server.port()).with_tls(Arc::new(config(None)), "a.example");
    let request =
        format!("GET {folder}/file HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
    assert!(wire.send(request));
    server.wait_for("the answer to be sent", || log() > before);
    wire
}

/// How much of the file comes.
fn rest(wire: &mut Wire) -> usize {
    let answer = wire.rest();
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    answer.len() - head - 4
}

/// A byte that arrives at a closed socket would reset the connection, and the server's kernel forgets what it has not sent.
#[test]
fn a_client_that_says_that_it_has_no_more_to_ask_gets_the_end_of_the_answer() {
    let (server, _) = start(SITE);
    server.file("html/file", support::bytes(LENGTH));
    for _ in 0..5 {
        let mut wire = asked(&server, "");
        wire.close_notify();
        assert_eq!((rest(&mut wire), wire.is_broken()), (LENGTH, false), "close_notify");
        let mut wire = asked(&server, "");
        wire.half_close();
        assert_eq!((rest(&mut wire), wire.is_broken()), (LENGTH, false), "and the end of its side");
    }
}

/// As long as it takes more of it, it may take its time.
#[test]
fn so_does_one_that_is_slow() {
    let (server, _) = start(SITE);
    server.file("html/file", support::bytes(LENGTH));
    let mut wire = asked(&server, "/slow");
    let mut got = 0;
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(400));
        got += wire.exactly(LENGTH / 8).len();
    }
    wire.close_notify();
    let rest = wire.rest().len();
    let head = got + rest - LENGTH;
    assert!((100..400).contains(&head), "{got} and {rest} bytes");
    assert!(!wire.is_broken());
}

/// All that it says comes before the answer is made, or with it.
#[test]
fn so_does_one_that_says_it_at_once() {
    let (server, _) = start(SITE);
    server.file("html/file", support::bytes(LENGTH));
    for _ in 0..30 {
        let mut wire = Wire::open(server.port()).with_tls(Arc::new(config(None)), "a.example");
        wire.send("GET /file HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        wire.half_close();
        assert_eq!((rest(&mut wire), wire.is_broken()), (LENGTH, false));
    }
}

/// Who reads nothing of it, and does not end either, is waited for as long as the configuration says.
#[test]
fn a_client_that_never_ends_is_waited_for_a_while() {
    let (server, _) = start(SITE);
    server.file("html/file", support::bytes(LENGTH));
    let worker = server.workers()[0];
    let wire = asked(&server, "/gone");
    let closed = asked(&server, "/at-once");
    server.wait_for("both to be closed", || proc::connections(worker) == 0);
    drop((wire, closed));
}
