//! Unix sockets: whoever is the last to listen takes the file away, and nobody else.

use std::path::Path;

use support::{Server, curl, http, process, start, wait_for};

use crate::{command, quit, upgrade};

const SOCKET: &str =
    "server { listen 127.0.0.1:{port}; listen unix:{dir}/web.sock; return 200 ok; }";
const PORT: &str = "server { listen 127.0.0.1:{port}; return 200 ok; }";

fn ask(server: &Server) -> String {
    let socket = server.path("web.sock").to_string_lossy().into_owned();
    curl(&["--unix-socket", &socket, "http://a/"]).text()
}

#[track_caller]
fn is_gone(path: &Path) {
    wait_for("the socket's file to go", || !path.exists());
}

#[test]
fn it_is_handed_over() {
    let server = start!(http(SOCKET));
    assert_eq!(ask(&server), "ok");
    for _ in 0..2 {
        let (old, _) = upgrade(&server);
        assert_eq!(ask(&server), "ok");
        quit(old);
        assert_eq!(ask(&server), "ok");
    }
    command(&server, &["-s", "quit"]);
    is_gone(&server.path("web.sock"));
}

/// The new binary's configuration has given it up: the old one, which still listened, removes it.
#[test]
fn the_last_to_listen_removes_it() {
    let server = start!(http(SOCKET));
    server.set_conf(http(PORT));
    let (old, _) = upgrade(&server);
    assert_eq!(ask(&server), "ok", "the old one listens");
    quit(old);
    is_gone(&server.path("web.sock"));
}

/// The same, and the old one is killed: then the new one does it.
#[test]
fn the_new_one_removes_what_a_killed_one_leaves() {
    let server = start!(http(SOCKET));
    server.set_conf(http(PORT));
    let (old, _) = upgrade(&server);
    process::kill(&[old]);
    is_gone(&server.path("web.sock"));
    assert_eq!(server.get("/").text(), "ok");
}

/// On the way back it stays: the old one still listens.
#[test]
fn it_stays_on_the_way_back() {
    for signal in ["QUIT", "KILL"] {
        let server = start!(http(SOCKET));
        let (old, new) = upgrade(&server);
        process::signal(new, signal);
        server.wait_for("the old name", || {
            server.dir().text("logs/rserve.pid").trim() == old.to_string()
        });
        assert_eq!(ask(&server), "ok");
    }
}
