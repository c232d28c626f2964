//! `aio threads`: what the disk may let one wait for is done by other threads.

use std::fs;

use support::Server;

use crate::{ask, server_of};

/// Of each thread of the worker: its name, and how many bytes it has written (not to sockets: these are sent).
fn written(server: &Server) -> Vec<(String, u64)> {
    let [worker] = server.workers()[..] else { panic!("one worker") };
    let threads = fs::read_dir(format!("/proc/{worker}/task")).expect("threads").flatten();
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let about = |thread: fs::DirEntry| {
        let io = text(thread.path().join("io"));
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        let written = written.and_then(|count| count.parse().ok()).expect("a count");
        (text(thread.path().join("comm")).trim().to_owned(), written)
    };
    threads.map(about).collect()
}

fn of_offload(server: &Server) -> u64 {
    written(server).iter().filter(|(name, _)| name == "offload").map(|(_, count)| count).sum()
}

#[test]
fn bodies_are_written_by_other_threads() {
    let server = server_of("");
    let body = "x".repeat(900_000);
    let put = |path: &str| {
        let fields = format!("Content-Length: {}\r\n", body.len());
        ask(server.port(), &format!("PUT {path}"), &fields, &body).status
    };
    assert_eq!(put("/here"), 201);
    assert_eq!((of_offload(&server), written(&server).len()), (0, 1));
    assert_eq!(put("/threads/there"), 201);
    // Each piece has its wake besides.
    let by_threads = of_offload(&server);
    assert!((900_000..901_000).contains(&by_threads), "{by_threads}");
    for name in ["here", "threads/there"] {
        let found = fs::read_to_string(server.path("html").join(name)).expect("a file");
        assert!(found == body, "{name}");
    }
    // What breaks off leaves nothing behind here, either.
    let mut wire = server.wire();
    wire.send(format!(
        "PUT /threads/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 950000\r\n\r\n{body}"
    ));
    wire.half_close();
    let _ = wire.rest();
    assert!(!server.path("html/threads/new").exists());
}

#[test]
fn files_end_in_other_threads() {
    let server = server_of("");
    assert_eq!(ask(server.port(), "DELETE /file.txt", "", "").status, 204);
    assert_eq!(written(&server).len(), 1);
    fs::write(server.path("html/threads/file"), "text").expect("a file");
    assert_eq!(ask(server.port(), "DELETE /threads/file", "", "").status, 204);
    assert!(written(&server).iter().any(|(name, _)| name == "offload"));
    assert_eq!(ask(server.port(), "DELETE /threads/file", "", "").status, 404);
}
