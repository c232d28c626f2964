//! `sync=`: when the disk has it.

use std::io::Write as _;

use support::{Start, wait_for};

use crate::client::{Reader, publish};
use crate::{conf, filler};

/// How often the disk was waited for while so many events were published.
fn syncs(sync: &str, events: usize, enough: impl Fn(usize) -> bool) -> usize {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let dir = start.dir();
    let trace = dir.path("trace").display().to_string();
    let start = start.conf(conf(&format!("sse_zone z 1m path=ev {sync};")));
    let server =
        start.under(&["strace", "-f", "-qq", "-e", "trace=fdatasync", "-o", &trace]).start();
    let count = || dir.text("trace").lines().filter(|line| line.contains(" = 0")).count();
    publish(&server, "/events/a", "the first: the file's header is synced with it");
    let before = count();
    for n in 0..events {
        publish(&server, "/events/a", &n.to_string());
        if sync == "sync=ack" {
            assert!(count() > before + n, "answered before it was on the disk");
        }
    }
    if !enough(count() - before) {
        wait_for("the disk", || enough(count() - before));
    }
    count() - before
}

#[test]
fn ack_waits_for_the_disk() {
    assert!(syncs("sync=ack", 10, |count| count >= 10) >= 10);
}

#[test]
fn an_interval_is_for_many() {
    let count = syncs("sync=50ms", 40, |count| count >= 1);
    assert!(count < 40, "{count}");
}

#[test]
fn off_leaves_it_to_the_system() {
    assert_eq!(syncs("sync=off", 20, |_| true), 0);
}

/// A server with a small zone whose disk takes its time; the trace of what waits for it is in `trace`.
fn slow_disk() -> support::Server {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let trace = start.dir().path("trace").display().to_string();
    let start = start.conf(conf("sse_zone z 1m path=ev sync=ack;"));
    let inject = "inject=fdatasync:delay_enter=30000";
    let trace = ["strace", "-f", "-qq", "-e", "trace=fdatasync", "-e", inject, "-o", &trace];
    let server = start.under(&trace).start();
    publish(&server, "/events/a", "the first: the file's header is synced with it");
    server
}

/// How often an event loop, with all its other clients, has waited for the disk.
fn waits_of_loops(server: &support::Server) -> usize {
    let loops = server.workers();
    let trace = server.dir().text("trace");
    let pids = trace.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok());
    pids.filter(|pid: &u32| loops.contains(pid)).count()
}

/// More than the zone's file has room for between two syncs.
const MANY: usize = 3000;

#[test]
fn a_stream_that_is_faster_than_the_disk_waits_alone() {
    let server = slow_disk();
    let before = waits_of_loops(&server);
    let event = |n: usize| format!("data: {n} {}\n\n", filler(n % 100));
    let stream: String = (0..MANY).map(event).collect();
    let path = server.file("stream", stream).display().to_string();
    let args = ["-H", "Content-Type: text/event-stream", "--data-binary", &format!("@{path}")];
    let answer = server.curl(&args, "/events/b");
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.text().contains(&format!("\"published\":{MANY}")), "{}", answer.text());
    let mut reader = Reader::open(&server, "/events/b", "0-0");
    reader.read_to(&format!("{} ", MANY - 1));
    let numbers: Vec<usize> = reader.events.iter().map(|(_, data)| number(data)).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert_eq!(waits_of_loops(&server), before);
}

#[test]
fn a_web_socket_that_is_faster_than_the_disk_waits_alone() {
    let server = slow_disk();
    let before = waits_of_loops(&server);
    let mut wire = server.wire();
    wire.send(
        "GET /events/b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: sse.ack\r\n\r\n",
    );
    assert!(wire.until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    let mut half = wire.stream().try_clone().expect("a second descriptor");
    let sender = std::thread::spawn(move || {
        for n in 0..MANY {
            let text = format!("{n} {}", filler(n % 100));
            // RFC 6455 §5.2: a text, masked with zeros.
            let mut frame = vec![0x81, 0x80 | 126];
            frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
            frame.extend_from_slice(&[0; 4]);
            frame.extend_from_slice(text.as_bytes());
            half.write_all(&frame).expect("sent");
        }
    });
    for n in 0..MANY {
        // Its own events come in between.
        let answer = wire.until("\"duplicate\":false}\n\n");
        assert!(answer.contains("event: ack\n"), "{n}: {answer}");
    }
    sender.join().expect("all is sent");
    let mut reader = Reader::open(&server, "/events/b", "0-0");
    reader.read_to(&format!("{} ", MANY - 1));
    assert_eq!(waits_of_loops(&server), before);
}

fn number(data: &str) -> usize {
    data.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn what_a_killed_worker_has_published_is_brought_to_the_disk_by_another() {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let dir = start.dir();
    let trace = dir.path("trace").display().to_string();
    let start = start.conf(conf("sse_zone z 1m path=ev sync=3s;"));
    let server =
        start.under(&["strace", "-f", "-qq", "-e", "trace=fdatasync", "-o", &trace]).start();
    publish(&server, "/events/a", "the first: the file's header is synced with it");
    let syncs = || dir.text("trace").lines().filter(|line| line.contains(" = 0")).count();
    let before = syncs();
    publish(&server, "/events/a", "an event");
    // With them goes the alarm that one of them has set.
    let workers = server.workers();
    support::process::kill(&workers);
    wait_for("others", || server.workers().iter().all(|pid| !workers.contains(pid)));
    assert_eq!(syncs(), before, "who has published it has not synced it");
    wait_for("a worker that looks after it", || syncs() > before);
}

#[test]
fn a_sync_needs_no_connection() {
    let text = conf("sse_zone z 1m path=ev sync=ack;")
        .replace("worker_connections 200", "worker_connections 10");
    let text = text.replace("worker_processes 2", "worker_processes 1");
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(text).start();
    let mut publisher = server.wire();
    let mut post = || {
        publisher.send("POST /events/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nevent");
        publisher.answer().status
    };
    assert_eq!(post(), 202);
    // Readers and the publisher have all connections that the worker may have.
    let _readers: Vec<_> = (0..9)
        .map(|_| {
            let reader = Reader::open(&server, "/events/a", "");
            assert_eq!(post(), 201);
            reader
        })
        .collect();
}
