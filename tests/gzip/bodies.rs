//! Bodies that are long, that shrink, and that fail while they are compressed.

use std::io::Read;

use support::{raw, site, start};

use crate::{get, gunzip, gzip, text};

#[test]
fn a_body_of_any_length_costs_no_memory() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gzip on; gzip_types *;"))
        .file("html/x", "")
        .start();
    // A gigabyte of holes: nothing is on the disk.
    let file = std::fs::File::options().write(true).open(server.path("html/x")).expect("there");
    file.set_len(1 << 30).expect("longer");
    server.wait_for("a worker", || server.workers().len() == 1);
    let memory = || -> u64 {
        let worker = server.workers()[0];
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
        let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    };
    let before = memory();
    let mut wire = server.wire();
    wire.send(get("/x", "Accept-Encoding: gzip\r\n"));
    wire.until("\r\n\r\n");
    // A slow reader: looks at the worker now and then.
    let (mut total, mut most, mut room) = (0, 0, vec![0; 1 << 16]);
    loop {
        match wire.stream().read(&mut room) {
            Ok(0) => break,
            Ok(count) => total += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
        most = most.max(memory());
    }
    assert!(total > 500_000, "{total}");
    assert!(most < before + 4096, "{before} kB before, {most} kB");
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gzip on; gzip_types *;"))
        .file("html/x", support::bytes(32 << 20))
        .start();
    let mut wire = server.wire();
    wire.send(get("/x", "Accept-Encoding: gzip\r\n"));
    wire.until("\r\n\r\n");
    std::fs::File::create(server.path("html/x")).expect("cut to nothing");
    let rest = wire.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it is not taken for complete");
    server.wait_for("the log", || server.error_log().contains("the answer's body ended too early"));
    assert_eq!(server.get("/x").status, 200);
}

#[test]
fn a_body_that_fails_takes_nothing_else_along() {
    let whole = gzip(text(300_000).as_bytes());
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gunzip on; gzip_static always; default_type text/plain;"))
        .file("html/small", "small")
        .file("html/dir/x", "x")
        .file("html/none.gz", "this is no gzip at all, whatever its name says")
        .file("html/cut.gz", &whole[..whole.len() / 2])
        .start();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut wire = server.wire();
    wire.send([request("/small"), request("/small"), request("/none"), request("/small")].concat());
    assert_eq!((wire.answer().text(), wire.answer().text()), ("small".into(), "small".into()));
    // Its head comes, and then the connection's end: no last chunk, and no answer behind it.
    let rest = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n") && !rest.contains("\r\n0\r\n"), "{rest}");
    server.wait_for("three lines", || server.access_log().lines().count() == 3);
    // Where the connection's end would be the body's, it is broken off instead.
    let mut old = server.wire();
    old.send("GET /cut HTTP/1.0\r\n\r\n");
    let mut bytes = Vec::new();
    let ended = old.stream().read_to_end(&mut bytes);
    assert_eq!(
        ended.map_err(|error| error.kind()).err(),
        Some(std::io::ErrorKind::ConnectionReset)
    );
    // A page of the server's own is none of the files.
    let server = start!(site(
        "root html; gunzip on; location / { add_header Content-Encoding gzip always; }"
    ));
    let moved = raw(server.port(), get("/none", "").as_bytes());
    assert!(String::from_utf8_lossy(&moved).contains("404 Not Found</h1>"));
}

/// `aio threads`: the disk may let one wait for the file, and no one else.
#[test]
fn files_are_read_by_other_threads() {
    let server = start!(site(
        "gzip on; gzip_types *; aio threads; location /here/ { alias html/; aio off; }"
    ));
    let text: String = (0..600_000).map(|number| format!("{number}\n")).collect();
    server.file("html/long", &text);
    server.file("html/short", "line\n".repeat(6000));
    let read = || {
        let [worker] = server.workers()[..] else { panic!("one worker") };
        let threads = std::fs::read_dir(format!("/proc/{worker}/task")).expect("threads").flatten();
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let offload = threads.filter(|thread| text(thread.path().join("comm")).trim() == "offload");
        let count =
            |io: String| io.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok());
        offload.map(|thread| count(text(thread.path().join("io"))).unwrap_or(0_u64)).sum::<u64>()
    };
    let gunzipped = |path: &str| {
        let answer = server.curl(&["-H", "Accept-Encoding: gzip"], path);
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{path}");
        gunzip(&answer.body)
    };
    assert!(gunzipped("/here/long") == text.as_bytes());
    assert_eq!(read(), 0);
    assert!(gunzipped("/long") == text.as_bytes());
    assert!((text.len() as u64..text.len() as u64 + 10_000).contains(&read()), "{}", read());
    assert_eq!(gunzipped("/short").len(), 30_000);
}
