//! Trees: replaced at once, of any files, and not of any depth.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{ask, server, server_of, tree};

/// Whoever looks finds the old tree or the new one: renameat2(2), RENAME_EXCHANGE.
#[test]
fn never_is_there_nothing_at_the_target() {
    let server = server();
    let html = server.path("html");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..50 {
                let copied = ask(server.port(), "COPY /dir/", "Destination: /empty/\r\n", "");
                assert_eq!(copied.status, 201);
                fs::create_dir_all(html.join("moves/sub")).expect("a directory");
                let moved = ask(server.port(), "MOVE /moves/", "Destination: /empty/\r\n", "");
                assert_eq!((moved.status, html.join("moves").exists()), (201, false));
            }
        });
        while !writer.is_finished() {
            fs::symlink_metadata(html.join("empty")).expect("one of them");
        }
    });
    assert_eq!(tree(&html.join("empty")), ["sub/"]);
    let names = fs::read_dir(&html).expect("a directory").flatten();
    let hidden = names.filter(|name| name.file_name().as_encoded_bytes().starts_with(b"."));
    assert_eq!(hidden.count(), 0);
    // A tree in the place of a file.
    let copied = ask(server.port(), "COPY /dir/", "Destination: /file.txt/\r\n", "");
    assert_eq!((copied.status, html.join("file.txt/one").exists()), (201, true));
}

fn deep(top: &Path, levels: usize) -> PathBuf {
    let dir = (1..levels).fold(top.to_owned(), |dir, _| dir.join("d"));
    fs::create_dir_all(&dir).expect("directories");
    fs::write(dir.join("file"), "deep").expect("a file");
    dir
}

/// However deep a tree is, one of its directories is open at a time.
#[test]
fn a_deep_tree_is_copied_with_few_descriptors() {
    let server = server_of("worker_rlimit_nofile 64; ");
    let html = server.path("html");
    deep(&html.join("deepest"), 100);
    let copied = ask(server.port(), "COPY /deepest/", "Destination: /copied/\r\n", "");
    assert_eq!(copied.status, 201);
    assert_eq!(tree(&html.join("copied")), tree(&html.join("deepest")));
}

/// A tree has a descriptor for each of its levels open while it is removed: of that there is an end, and it is told.
#[test]
fn a_tree_that_is_too_deep_stays_as_it_is() {
    let server = server();
    let html = server.path("html");
    deep(&html.join("deeper"), 101);
    let before = tree(&html);
    for (line, fields) in [
        ("COPY /deeper/", "Destination: /new/\r\n"),
        ("DELETE /deeper/", ""),
        ("COPY /dir/", "Destination: /deeper/\r\n"),
        ("MOVE /dir/", "Destination: /deeper/\r\n"),
    ] {
        assert_eq!(ask(server.port(), line, fields, "").status, 507, "{line}");
        assert!(tree(&html) == before, "{line}");
    }
    let log = server.error_log();
    assert!(log.contains("is deeper than 100 directories in each other"), "{log}");
    // A tree is moved by its name, however deep it is.
    let moved = ask(server.port(), "MOVE /deeper/", "Destination: /moved/\r\n", "");
    assert_eq!(moved.status, 201);
}

/// As nginx in a tree: what is no file is left out. Nobody waits for who writes to a FIFO.
#[test]
fn special_files_are_not_copied() {
    let server = server();
    let html = server.path("html");
    let made = Command::new("mkfifo").args([html.join("fifo"), html.join("dir/fifo")]).status();
    assert!(made.expect("mkfifo").success());
    let _socket = UnixListener::bind(html.join("dir/socket")).expect("a socket");
    let copied = ask(server.port(), "COPY /dir/", "Destination: /copy/\r\n", "");
    assert_eq!(copied.status, 201);
    assert_eq!(tree(&html.join("copy")), ["one: one", "sub/", "sub/two: two"]);
    for path in ["/fifo", "/dir/socket"] {
        let copied = ask(server.port(), &format!("COPY {path}"), "Destination: /copy2\r\n", "");
        assert_eq!((copied.status, html.join("copy2").exists()), (403, false), "{path}");
    }
    assert!(server.error_log().contains("is not a regular file"));
    // Moved and removed by their names, as by nginx.
    assert_eq!(ask(server.port(), "MOVE /fifo", "Destination: /moved\r\n", "").status, 204);
    assert_eq!(ask(server.port(), "DELETE /moved", "", "").status, 204);
    assert!(!html.join("moved").exists() && !html.join("fifo").exists());
}

/// A client that has gone, and a server that is told to leave: what was begun is done, and nothing hidden stays.
#[test]
fn a_worker_that_drains_does_what_was_begun() {
    let mut server = server_of("");
    let html = server.path("html");
    for dir in 0..100 {
        let dir = html.join(format!("many/{dir}"));
        fs::create_dir_all(&dir).expect("a directory");
        (0..100).for_each(|file| fs::write(dir.join(file.to_string()), "x").expect("a file"));
    }
    for request in ["COPY /many/", "DELETE /many/"] {
        let mut wire = server.wire();
        wire.send(format!("{request} HTTP/1.1\r\nHost: localhost\r\nDestination: /copy/\r\n\r\n"));
        let hidden = || {
            let names = fs::read_dir(&html).expect("names").flatten();
            names
                .filter(|name| name.file_name().as_encoded_bytes().starts_with(b".rserve-"))
                .count()
        };
        server.wait_for("it to begin", || hidden() > 0 || !html.join("many").exists());
        let linger = socket2::SockRef::from(wire.stream()).set_linger(Some(Duration::ZERO));
        linger.expect("a reset");
        drop(wire);
        server.signal("QUIT");
        assert_eq!(server.wait_for_exit(), Some(0));
        assert_eq!(hidden(), 0, "{request}");
        server.start_again().expect("it starts");
    }
    assert!(!html.join("many").exists());
    let copied = fs::read_dir(html.join("copy")).expect("a copy");
    assert_eq!(copied.count(), 100);
}
