//! A file that changes while it is sent is sent as it was promised.

use std::fs;
use std::os::unix::fs::FileExt;

use support::{Answer, Server, bytes, set_modified, site, start};

fn serving(body: &str) -> Server {
    start!(site(&format!("root html; {body}")))
}

/// A file that is too big for the sockets' buffers.
const BIG: usize = 40_000_000;

/// Begins to read the big file, lets `change` happen, reads the rest: the answer.
fn changed_while_sent(
    directives: &str,
    fields: &str,
    change: impl Fn(&std::path::Path),
) -> (Server, Answer) {
    let server = serving(directives);
    let path = server.file("html/big", bytes(BIG));
    let mut wire = server.wire();
    wire.send(format!("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"));
    // Stuck: the client does not read.
    let worker = server.workers()[0];
    let sent = || fs::read_to_string(format!("/proc/{worker}/io")).unwrap_or_default();
    let (mut before, mut same) = (String::new(), 0);
    server.wait_for("the sockets' buffers to be full", || {
        let now = sent();
        same = if now == before { same + 1 } else { 0 };
        before = now;
        same == 20
    });
    change(&path);
    let answer = support::answers(&wire.rest(), &[]).remove(0);
    // And the worker lives.
    assert_eq!(server.get("/big").status, 200);
    assert_eq!(server.workers(), [worker]);
    (server, answer)
}

const WAYS: [&str; 5] = [
    "sendfile on;",
    "sendfile off;",
    "aio threads;",
    "aio threads; sendfile on;",
    "sendfile on; file_cache off;",
];

fn opened(path: &std::path::Path) -> fs::File {
    fs::File::options().write(true).open(path).expect("open")
}

#[test]
fn a_file_that_is_cut_while_it_is_sent() {
    for way in WAYS {
        for length in [100, BIG as u64 - 1] {
            let (server, answer) = changed_while_sent(way, "", |path| {
                opened(path).set_len(length).expect("cut");
            });
            assert_eq!(answer.header("Content-Length"), Some(BIG.to_string().as_str()), "{way}");
            assert!(answer.body.len() < BIG, "{way}: nothing that is made up goes out");
            // What sendfile has queued is the file's own memory: there the change is seen.
            if !way.contains("sendfile on") {
                let wrong = answer.body.iter().zip(bytes(BIG)).position(|(came, was)| *came != was);
                assert_eq!(wrong, None, "{way}: of {} bytes", answer.body.len());
            }
            server.wait_for("a word in the log", || {
                server.error_log().contains("the file was truncated while it was sent")
            });
        }
    }
}

/// As nginx: only a file that is too short for what was promised ends the connection. Logs are fetched
/// while they are written to.
#[test]
fn a_file_that_is_changed_while_it_is_sent_is_sent_as_long_as_was_promised() {
    let changes: [&dyn Fn(&std::path::Path); 4] = [
        &|path| opened(path).write_all_at(b"more", BIG as u64).expect("written"),
        &|path| set_modified(path, 1_609_459_200),
        &|path| opened(path).write_all_at(b"X", BIG as u64 - 1).expect("written"),
        &|path| fs::remove_file(path).and_then(|()| fs::write(path, "new")).expect("replaced"),
    ];
    for way in WAYS {
        for (at, change) in changes.iter().enumerate() {
            let (server, answer) = changed_while_sent(way, "", change);
            assert_eq!(answer.body.len(), BIG, "{way}: change {at}");
            assert!(answer.body[..BIG - 1] == bytes(BIG)[..BIG - 1], "{way}: change {at}");
            assert!(!server.error_log().contains("truncated"), "{way}: change {at}");
        }
    }
}

/// Of several ranges each is a promise of its own: a cut behind all of them breaks none.
#[test]
fn ranges_of_a_file_that_is_changed_while_they_are_sent() {
    let fields = "Range: bytes=0-9999999,10000001-29999999\r\n";
    for way in WAYS {
        for (length, whole) in [(BIG as u64 + 100, true), (30_000_000, true), (29_999_999, false)] {
            let (_server, answer) = changed_while_sent(way, fields, |path| {
                opened(path).set_len(length).expect("set");
            });
            let promised = answer.header("Content-Length").expect("a length").parse();
            assert_eq!(answer.status, 206, "{way}");
            assert_eq!(Ok(answer.body.len()) == promised, whole, "{way}: {length}");
        }
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_sent_to_its_end() {
    let server = serving("sendfile on;");
    server.file("html/big", bytes(BIG));
    let mut wire = server.wire();
    wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    server.file("html/new", "new");
    fs::rename(server.path("html/new"), server.path("html/big")).expect("renamed");
    let answer = wire.answer();
    // Whichever it was when it was opened, it is whole.
    assert!(answer.complete && (answer.body == bytes(BIG) || answer.body == b"new"));
    assert_eq!(server.get("/big").text(), "new");
}
