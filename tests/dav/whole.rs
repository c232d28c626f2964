//! Whatever ends before its time: nobody sees half of it, and it leaves nothing behind.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::Command;

use crate::{ask, server, tree};

fn mount(words: &[&str], place: &Path) -> bool {
    let status = Command::new("mount").args(words).arg(place).status();
    status.is_ok_and(|status| status.success())
}

/// Does something with a small file system at `place`. Only root can: elsewhere there is nothing to be seen.
fn on_another_disk(place: &Path, work: impl FnOnce(&Path)) {
    fs::create_dir(place).expect("a directory");
    if !mount(&["-t", "tmpfs", "-o", "size=256k", "none"], place) {
        return;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| work(place)));
    let unmounted = Command::new("umount").arg(place).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Bodies that are not what they say, or never end: nothing is written, nothing is left.
#[test]
fn a_broken_body_leaves_nothing_behind() {
    let server = server();
    let html = server.path("html");
    let before = tree(&html);
    for (fields, body) in [
        ("Content-Length: 1000000\r\n", "x".repeat(500_000)),
        ("Content-Length: 10\r\n", "x".to_owned()),
        ("Transfer-Encoding: chunked\r\n", format!("{:x}\r\n{}", 900_000, "x".repeat(100_000))),
        ("Transfer-Encoding: chunked\r\n", "zz\r\nabc".to_owned()),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nabc".to_owned()),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n".to_owned()),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("{:x}\r\n{}\r\n", 1_100_000, "x".repeat(1_100_000)),
        ),
        ("Content-Length: -1\r\n", String::new()),
        ("Content-Length: 99999999999999999999\r\n", String::new()),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n".to_owned()),
    ] {
        for name in ["file.txt", "new", "made/a/b/c"] {
            let mut wire = server.wire();
            wire.send(format!("PUT /{name} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}"));
            wire.half_close();
            let _ = wire.rest();
            assert_eq!(tree(&html), before, "{fields}");
        }
    }
    assert_eq!(server.get("/file.txt").text(), "0123456789");
}

/// Whoever reads sees the old file or the new one, whatever its length.
#[test]
fn a_file_changes_at_once() {
    let server = server();
    let (short, long) = ("a".repeat(50_000), "b".repeat(900_000));
    let put = |body: &str| {
        let fields = format!("Content-Length: {}\r\n", body.len());
        assert!(ask(server.port(), "PUT /file.txt", &fields, body).status < 300);
    };
    put(&short);
    std::thread::scope(|scope| {
        let writer =
            scope.spawn(|| (0..20).for_each(|n| put(if n % 2 == 0 { &long } else { &short })));
        while !writer.is_finished() {
            let text = server.get("/file.txt").text();
            assert!(text == short || text == long, "{} bytes", text.len());
        }
    });
}

/// A disk that is full: 507, and what was there is there.
#[test]
fn a_full_disk_loses_nothing() {
    let server = server();
    let html = server.path("html");
    on_another_disk(&html.join("small"), |small| {
        let put = |path: &str, len: usize| {
            let fields = format!("Content-Length: {len}\r\n");
            ask(server.port(), &format!("PUT {path}"), &fields, &"x".repeat(len)).status
        };
        assert_eq!(put("/small/file", 100_000), 201);
        let before = tree(small);
        assert_eq!(put("/small/file", 500_000), 507);
        assert_eq!(put("/small/other", 500_000), 507);
        assert_eq!(put("/large", 500_000), 201);
        let copied = ask(server.port(), "COPY /large", "Destination: /small/copy\r\n", "");
        assert_eq!(copied.status, 507);
        fs::write(html.join("dir/large"), "x".repeat(400_000)).expect("a file");
        let copied = ask(server.port(), "COPY /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(copied.status, 507);
        assert_eq!(tree(small), before);
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(moved.status, 507);
        assert_eq!(tree(small), before);
        // What was to be replaced is there again.
        fs::create_dir(small.join("kept")).expect("a directory");
        fs::write(small.join("kept/old"), "old").expect("a file");
        let before = tree(small);
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/kept/\r\n", "");
        assert_eq!(moved.status, 507);
        assert_eq!(tree(small), before);
        assert_eq!(fs::read_to_string(html.join("dir/one")).expect("it stays"), "one");
        fs::remove_file(html.join("dir/large")).expect("removed");
        // Across file systems what fits is moved.
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(moved.status, 201);
        assert!(!html.join("dir").exists() && small.join("dir/sub/two").exists());
        let moved = ask(server.port(), "MOVE /other.txt", "Destination: /small/other\r\n", "");
        assert_eq!((moved.status, html.join("other.txt").exists()), (204, false));
    });
}

/// The source cannot be removed when its copy stands already: the client and the log hear of it, and nothing is lost.
#[test]
fn a_move_from_a_disk_that_is_read_only() {
    let server = server();
    let html = server.path("html");
    on_another_disk(&html.join("other"), |other| {
        fs::create_dir(other.join("dir")).expect("a directory");
        fs::write(other.join("dir/one"), "one").expect("a file");
        fs::write(other.join("file"), "text").expect("a file");
        mount(&["-o", "remount,ro"], other);
        let before = tree(other);
        // nginx (ngx_ext_rename_file): 500.
        let moved = ask(server.port(), "MOVE /other/file", "Destination: /moved\r\n", "");
        assert_eq!((moved.status, tree(other)), (500, before.clone()));
        assert_eq!(fs::read_to_string(html.join("moved")).expect("the copy"), "text");
        let told = |name: &str| {
            let log = server.error_log();
            let told = format!("/{name}\" stays beside what it became");
            assert!(log.contains(&told), "{log}");
        };
        told("other/file");
        let moved = ask(server.port(), "MOVE /other/dir/", "Destination: /empty/\r\n", "");
        assert_eq!((moved.status, tree(other)), (403, before));
        assert_eq!(tree(&html.join("empty")), ["one: one"]);
        told("other/dir");
    });
}

/// A worker that is killed while it writes leaves nothing behind, and the file is the old one.
#[test]
fn a_killed_worker_leaves_nothing_behind() {
    let server = server();
    let html = server.path("html");
    let before = tree(&html);
    let mut wire = server.wire();
    let body = "x".repeat(600_000);
    wire.send(format!(
        "PUT /file.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{body}"
    ));
    let [worker] = server.workers()[..] else { panic!("one worker") };
    server.wait_for("the body to be written", || {
        let dir = format!("/proc/{worker}/fd");
        let files = fs::read_dir(dir).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::metadata(file.path()).ok())
            .any(|about| about.is_file() && about.nlink() == 0 && about.len() > 300_000)
    });
    support::process::kill(&[worker]);
    server
        .wait_for("another worker", || server.workers().first().is_some_and(|pid| *pid != worker));
    assert_eq!(tree(&html), before);
    assert_eq!(server.get("/file.txt").text(), "0123456789");
}
