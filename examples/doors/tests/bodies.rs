//! Bodies that sources make: what is promised of them, what follows them, and how much memory they take.

use std::io::Read;

use support::{Server, Start, proc, site};

fn start(binary: &str, conf: &str) -> Server {
    Start::new(binary).conf(conf).start()
}

const DOORS: &str = env!("CARGO_BIN_EXE_rserve-doors");
const LIARS: &str = env!("CARGO_BIN_EXE_rserve-liars");

const TWO: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n";

/// RFC 9112 §6.3: the client takes what follows for the next answer, or takes a part for the whole.
#[test]
fn what_is_not_as_promised_ends_the_connection() {
    for (lie, log) in [
        ("more", "it gives more than it has promised"),
        ("less", "it gives less than it has promised"),
    ] {
        let server = start(
            LIARS,
            &site(&format!("location / {{ lie {lie}; }} location /none {{ lie none; }}")),
        );
        // Another request waits behind it.
        let said = String::from_utf8(server.raw(TWO)).expect("text");
        assert!(said.contains("Content-Length: 10\r\n"), "{said}");
        assert!(said.ends_with("\r\n\r\n012345"), "{lie}: {said}");
        assert!(server.error_log().contains(log), "{}", server.error_log());
        assert_eq!(server.get("/none").text(), "0123456789");
        // An answer without a body keeps every promise.
        let head = server.curl(&["-I"], "/");
        assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    }
}

/// What is all there can be counted before anything is said of it.
#[test]
fn a_chain_has_the_length_that_it_has() {
    let server = start(LIARS, &site("location / { lie chain; } location /none { lie none; }"));
    let mut client = server.wire();
    client.send(TWO);
    for _ in 0..2 {
        let answer = client.answer();
        assert_eq!(
            (answer.text(), answer.header("content-length")),
            ("0123456789".into(), Some("10"))
        );
    }
    let log = server.error_log();
    assert!(log.contains("a body of 10 bytes was said to have 12"), "{log}");
}

/// RFC 9112 §7.1.2: the trailer section is behind the last chunk.
#[test]
fn a_body_brings_its_trailers() {
    let server = start(
        DOORS,
        &site(
            "types { text/plain txt; } tell_lines on; shout on; location /ticks { ticks 3 1ms; }
             location /both/ { alias html/; add_trailer X-Status $status; }",
        ),
    );
    server.file("html/a.txt", "one\ntwo\n");
    let raw = |line: &str| {
        let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
        String::from_utf8(server.raw(request)).expect("text")
    };
    let ends = |path: &str, end: &str| {
        let said = raw(&format!("GET {path} HTTP/1.1"));
        assert!(said.ends_with(end), "{path}: {said}");
        assert!(said.contains("Trailer: X-Lines\r\n"), "{path}: {said}");
    };
    ends("/a.txt", "\r\nONE\nTWO\n\r\n0\r\nX-Lines: 2\r\n\r\n");
    ends("/ticks", "\r\n0\r\nX-Lines: 3\r\n\r\n");
    // Those of the configuration follow.
    ends("/both/a.txt", "\r\n0\r\nX-Lines: 2\r\nX-Status: 200\r\n\r\n");
    // Whoever compresses it passes them on.
    let gzip = start(
        DOORS,
        &site(
            "default_type text/plain; gzip on; gzip_types *; tell_lines on; location / { ticks 9 1ms; }",
        ),
    );
    let request = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    let said = String::from_utf8_lossy(&gzip.raw(request)).into_owned();
    assert!(said.contains("Content-Encoding: gzip\r\n"), "{said}");
    assert!(said.ends_with("\r\n0\r\nX-Lines: 9\r\n\r\n"), "{said}");
    // Where there are no chunks they have no place.
    let old = raw("GET /a.txt HTTP/1.0");
    assert!(old.ends_with("\r\n\r\nONE\nTWO\n"), "{old}");
    let head = raw("HEAD /a.txt HTTP/1.1");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

/// A gigabyte through two filters, to a client that stops reading for a while: of no length more than some pieces is in
/// memory.
#[test]
fn a_long_body_through_filters_takes_no_more_memory_than_a_short_one() {
    let conf = site(
        "gzip on; gzip_types *; gzip_comp_level 1; shout on; location / { ticks 75000000 0; } location /short { ticks 9 0; }",
    );
    let server = start(DOORS, &conf);
    assert_eq!(server.get("/short").text().lines().count(), 9);
    let [worker] = server.workers()[..] else { panic!("one worker") };
    let before = proc::memory_kb(worker);
    let mut client = server.wire();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    let head = client.until("\r\n\r\n");
    assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
    // Nobody reads: the worker has nothing to do when the sockets are full.
    let worked = || std::fs::read_to_string(format!("/proc/{worker}/schedstat")).expect("its time");
    let mut last = String::new();
    server.wait_for("the worker to rest", || std::mem::replace(&mut last, worked()) == worked());
    let mut most = proc::memory_kb(worker);
    let (mut stream, mut buffer) = (client.stream(), vec![0; 256 << 10]);
    let (mut received, mut reads, mut end) = (0, 0_u32, Vec::new());
    while let count @ 1.. = stream.read(&mut buffer).expect("more") {
        received += count;
        end.extend_from_slice(&buffer[..count]);
        end.drain(..end.len().saturating_sub(5));
        reads += 1;
        if reads % 64 == 0 {
            most = most.max(proc::memory_kb(worker));
        }
    }
    assert!(received > 50 << 20, "{received}");
    assert!(most < before + (8 << 10), "{before} kB, then {most} kB");
    assert_eq!(end, b"0\r\n\r\n");
}
