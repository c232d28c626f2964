//! The cache of files is never stale, and a file that changes while it is sent is sent as it was promised.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};

use support::{Answer, Server, bytes, set_modified, site, start};

fn serving(body: &str) -> Server {
    start!(site(&format!("root html; {body}")))
}

/// Asks twice, so that the second answer comes from the cache.
fn cached(server: &Server, path: &str) -> String {
    server.get(path);
    server.get(path).text()
}

#[test]
fn edited_in_place() {
    let server = serving("");
    for round in 0..50 {
        // Of the same length, and mostly within one second.
        let text = format!("text {:03}", round);
        server.file("html/a", &text);
        assert_eq!(server.get("/a").text(), text);
        assert_eq!(server.get("/a").text(), text);
    }
}

#[test]
fn edited_without_a_trace_in_its_date() {
    let server = serving("");
    let path = server.file("html/a", "first ");
    set_modified(&path, 1_609_459_200);
    assert_eq!(cached(&server, "/a"), "first ");
    fs::File::options()
        .write(true)
        .open(&path)
        .expect("open")
        .write_all_at(b"second", 0)
        .expect("write");
    set_modified(&path, 1_609_459_200);
    assert_eq!(server.get("/a").text(), "second");
}

#[test]
fn replaced_truncated_deleted_and_back() {
    let server = serving("");
    server.file("html/a", "one");
    assert_eq!(cached(&server, "/a"), "one");
    server.file("html/new", "two");
    fs::rename(server.path("html/new"), server.path("html/a")).expect("renamed");
    assert_eq!(cached(&server, "/a"), "two");
    fs::File::options()
        .write(true)
        .open(server.path("html/a"))
        .expect("open")
        .set_len(1)
        .expect("truncated");
    assert_eq!(cached(&server, "/a"), "t");
    fs::remove_file(server.path("html/a")).expect("removed");
    assert_eq!(server.get("/a").status, 404);
    server.file("html/a", "three");
    assert_eq!(cached(&server, "/a"), "three");
    fs::remove_file(server.path("html/a")).expect("removed");
    fs::create_dir(server.path("html/a")).expect("a directory");
    assert_eq!(server.get("/a").status, 301);
}

#[test]
fn permissions_count() {
    use std::os::unix::fs::PermissionsExt;
    let server = serving("");
    let path = server.file("html/a", "open");
    assert_eq!(cached(&server, "/a"), "open");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("chmod");
    assert_eq!(server.get("/a").status, 403);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
    assert_eq!(cached(&server, "/a"), "open");
}

#[test]
fn links_and_directories_that_are_swapped() {
    let server = serving("");
    for version in ["1", "2"] {
        server.file(&format!("releases/{version}/a"), format!("release {version}"));
    }
    let link = |to: &str, name: &str| {
        let new = server.path("html/new");
        symlink(server.path(to), &new).expect("a link");
        fs::rename(&new, server.path(name)).expect("renamed");
    };
    link("releases/1/a", "html/file");
    assert_eq!(cached(&server, "/file"), "release 1");
    link("releases/2/a", "html/file");
    server.wait_for("the link's new file", || server.get("/file").text() == "release 2");
    link("releases/1", "html/current");
    assert_eq!(cached(&server, "/current/a"), "release 1");
    link("releases/2", "html/current");
    server.wait_for("the link's new directory", || server.get("/current/a").text() == "release 2");
    server.file("html/dir/a", "old");
    server.file("html/dir2/a", "new");
    assert_eq!(cached(&server, "/dir/a"), "old");
    fs::rename(server.path("html/dir"), server.path("html/gone")).expect("renamed");
    fs::rename(server.path("html/dir2"), server.path("html/dir")).expect("renamed");
    server.wait_for("the new directory", || server.get("/dir/a").text() == "new");
    fs::remove_dir_all(server.path("html/dir")).expect("removed");
    assert_eq!(server.get("/dir/a").status, 404);
}

#[test]
fn more_files_than_are_kept() {
    let server = serving("file_cache 4k max_file=1k files=2;");
    for round in 0..3 {
        for at in 0..50 {
            let size = if at % 5 == 0 { 100_000 } else { 700 };
            let text = format!("{round}:{at}:").repeat(size / 7);
            server.file(&format!("html/{at}"), &text);
            assert!(server.get(&format!("/{at}")).text() == text);
        }
        for at in (0..50).rev() {
            assert!(server.get(&format!("/{at}")).text().starts_with(&format!("{round}:{at}:")));
        }
    }
    let worker = server.workers()[0];
    let open = fs::read_dir(format!("/proc/{worker}/fd")).expect("descriptors").count();
    assert!(open < 40, "{open} descriptors are open");
}

#[test]
fn all_workers_hear_of_a_change() {
    let server = start!(format!("worker_processes 4;\n{}", site("root html;")));
    for round in 0..10 {
        let text = format!("round {round}");
        server.file("html/a", &text);
        for _ in 0..16 {
            assert_eq!(server.get("/a").text(), text);
        }
    }
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
