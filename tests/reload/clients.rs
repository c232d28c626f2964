//! What clients notice of a reload: nothing, but `Connection: close`.

use std::time::{Duration, Instant};

use support::{Server, Wrk, site, start};

use crate::{conf, reload, replaced};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits until an old worker has stopped accepting.
#[track_caller]
fn drains(server: &Server, worker: u32) {
    let words = format!("{worker}#{worker}: gracefully shutting down");
    server.wait_for(&words, || server.error_log().contains(&words));
}

#[test]
fn an_idle_connection_gets_its_next_answer() {
    let server = start!(conf("", "one"));
    let mut wire = server.wire();
    wire.send(REQUEST);
    assert!(wire.answer().keeps());
    let before = server.workers();
    server.set_conf(conf("", "two"));
    reload(&server);
    drains(&server, before[0]);
    wire.send(REQUEST);
    let answer = wire.answer();
    // It is the old worker's, and the connection's last.
    assert_eq!((answer.status, answer.text().as_str()), (200, "one"));
    assert_eq!(answer.header("Connection"), Some("close"));
    assert!(wire.closes());
    replaced(&server, &before);
}

#[test]
fn an_idle_connection_has_a_grace() {
    let text = |word: &str| {
        site(&format!("keepalive_min_timeout 400ms; location = / {{ return 200 {word}; }}"))
    };
    let server = start!(text("one"));
    let mut wire = server.wire();
    wire.send(REQUEST);
    assert!(wire.answer().keeps());
    let before = server.workers();
    let asked = Instant::now();
    reload(&server);
    assert!(wire.closes());
    assert!(asked.elapsed() >= Duration::from_millis(390), "closed after {:?}", asked.elapsed());
    replaced(&server, &before);
}

#[test]
fn a_connection_that_has_sent_nothing_yet_is_served() {
    let server = start!(conf("", "one"));
    let mut silent = server.wire();
    let mut begun = server.wire();
    begun.send("GET / HTTP/1.1\r\nHo");
    // The next request shows that both were accepted.
    assert_eq!(server.get("/").text(), "one");
    let before = server.workers();
    reload(&server);
    drains(&server, before[0]);
    silent.send(REQUEST);
    begun.send("st: a\r\n\r\n");
    assert_eq!(silent.answer().text(), "one");
    assert_eq!(begun.answer().text(), "one");
}

#[test]
fn a_download_finishes() {
    let server = start!(conf("", "one"));
    let path = server.file("html/files/large", "");
    let file = std::fs::File::options().write(true).open(path).expect("a file");
    file.set_len(24 << 20).expect("a size");
    let (mut wires, mut old) = (Vec::new(), Vec::new());
    // Each in a generation of its own.
    for _ in 0..3 {
        let mut wire = server.wire();
        wire.send("GET /files/large HTTP/1.0\r\n\r\n");
        server.wait_for("the first bytes", || wire.stream().peek(&mut [0]).is_ok_and(|n| n > 0));
        old = server.workers();
        let newest = *old.last().expect("a worker");
        reload(&server);
        drains(&server, newest);
        wires.push(wire);
    }
    assert_eq!(server.workers().len(), 4, "the old workers wait for their downloads");
    for mut wire in wires {
        assert!(wire.rest().len() > 24 << 20);
    }
    replaced(&server, &old);
}

/// Reloads twenty times under load, with more and with fewer workers: no request may fail.
fn twenty_reloads(listen: &str, wrk: &[&str]) {
    let text = |workers: usize| {
        let site = format!("server {{ listen 127.0.0.1:{{port}}{listen}; return 200 ok; }}");
        format!(
            "worker_processes {workers}; error_log logs/error.log notice; http {{ access_log off; {site} }}"
        )
    };
    let server = start!(text(2));
    let url = server.url("/");
    let args: Vec<&str> = wrk.iter().copied().chain([url.as_str()]).collect();
    let wrk = Wrk::start(8, &args);
    let mut last = Vec::new();
    for number in 0..20 {
        server.set_conf(text(2 + number % 2));
        last = server.workers();
        reload(&server);
    }
    replaced(&server, &last);
    let report = wrk.stop();
    assert!(report.is_clean(), "{report:?}");
    assert!(report.requests > 100, "{report:?}");
    is_whole(&server);
}

fn is_whole(server: &Server) {
    assert_eq!(server.get("/").text(), "ok");
    let log = server.error_log();
    assert!(!log.contains("[alert]") && !log.contains("[emerg]"), "{log}");
}

#[test]
fn twenty_reloads_under_load() {
    twenty_reloads("", &[]);
}

#[test]
fn twenty_reloads_under_load_of_new_connections() {
    twenty_reloads("", &["-H", "Connection: close"]);
}

#[test]
fn twenty_reloads_with_reuseport() {
    twenty_reloads(" reuseport", &[]);
}

#[test]
fn twenty_reloads_with_reuseport_and_new_connections() {
    twenty_reloads(" reuseport", &["-H", "Connection: close"]);
}
