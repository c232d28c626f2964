//! The options of `listen`, as the kernel shows them.

use std::process::Command;

use support::{Server, Start, http, process, start};

use crate::BINARY;

fn up(options: &str) -> Server {
    let listen = format!("listen 127.0.0.1:{{port}} {options};");
    start!(format!(
        "worker_processes 3; {}",
        http(&format!("server {{ {listen} return 200 ok; }}"))
    ))
}

/// What `ss` says of the sockets that it finds.
fn ss(args: &[&str], filter: &str) -> String {
    let output = process::run(Command::new("ss").args(args).arg(filter));
    assert!(output.status.success(), "ss: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The listening sockets of a server, a line each.
fn listening(server: &Server) -> Vec<String> {
    let text = ss(&["-Hltnm"], &format!("sport = :{}", server.port()));
    text.replace("\n\t", " ").lines().map(str::to_owned).collect()
}

/// The value of `rb16384` and the like in the socket's memory.
fn memory(line: &str, name: &str) -> u64 {
    let inner = line.split("skmem:(").nth(1).and_then(|rest| rest.split(')').next());
    let parts = inner.unwrap_or_else(|| panic!("no memory in {line:?}")).split(',');
    let value = parts.filter_map(|part| part.strip_prefix(name)?.parse().ok()).next();
    value.unwrap_or_else(|| panic!("no {name} in {line:?}"))
}

#[test]
fn backlog() {
    let queue = |server: &Server| listening(server)[0].split_whitespace().nth(2).map(str::to_owned);
    let server = up("backlog=37");
    assert_eq!(queue(&server).as_deref(), Some("37"));
    assert_eq!(server.get("/").text(), "ok");
    // It changes while the socket listens.
    server.set_conf(http("server { listen 127.0.0.1:{port} backlog=53; return 200 ok; }"));
    assert!(server.command(&["-s", "reload"]).status.success());
    assert_eq!(queue(&server).as_deref(), Some("53"));
    assert_eq!(queue(&up("")).as_deref(), Some("511"));
}

#[test]
fn reuseport_is_a_socket_for_each_worker() {
    let server = up("reuseport");
    assert_eq!(listening(&server).len(), 3);
    for _ in 0..30 {
        assert_eq!(server.get("/").text(), "ok");
    }
    assert_eq!(listening(&up("")).len(), 1);
}

#[test]
fn buffers() {
    let server = up("rcvbuf=32k sndbuf=64k");
    let line = &listening(&server)[0];
    // The kernel doubles what it is asked for.
    assert_eq!((memory(line, "rb"), memory(line, "tb")), (64 << 10, 128 << 10), "{line}");
    assert_eq!(server.get("/").text(), "ok");
}

/// The timer of a connection that has had an answer and is idle.
fn timer(server: &Server) -> String {
    let mut wire = server.wire();
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(wire.answer().keeps());
    let mut seen = String::new();
    let filter = format!("sport = :{}", server.port());
    server.wait_for("the last acknowledgement", || {
        seen = ss(&["-Htno", "state", "established"], &filter);
        !seen.contains("timer:(on")
    });
    seen
}

#[test]
fn so_keepalive() {
    for (options, wanted) in [
        // Thirty minutes, or what is left of them by now.
        ("so_keepalive=30m::10", &["timer:(keepalive,29min", "timer:(keepalive,30min"][..]),
        ("so_keepalive=on", &["timer:(keepalive,"]),
        ("so_keepalive=off", &[]),
        ("", &[]),
    ] {
        let seen = timer(&up(options));
        let found = wanted.iter().any(|timer| seen.contains(timer));
        assert_eq!(found, !wanted.is_empty(), "{options}: {seen}");
        assert_eq!(seen.contains("keepalive"), !wanted.is_empty(), "{options}: {seen}");
    }
}

#[test]
fn deferred_connections_are_accepted_with_their_first_bytes() {
    for (options, accepted) in [("deferred", false), ("", true)] {
        let server = up(options);
        let mut silent = server.wire();
        assert_eq!(server.get("/").text(), "ok");
        let state = |state: &str| {
            let filter = format!("sport = :{}", server.port());
            !ss(&["-Htn", "state", state], &filter).trim().is_empty()
        };
        server.wait_for("its state", || state("established") == accepted);
        assert_eq!(state("syn-recv"), !accepted, "{options}");
        silent.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(silent.answer().text(), "ok");
    }
}

#[test]
fn fastopen_is_no_obstacle() {
    let server = up("fastopen=16");
    for _ in 0..3 {
        assert_eq!(server.curl(&["--tcp-fastopen"], "/").text(), "ok");
    }
}

#[test]
fn all_at_once() {
    let server = up("default_server bind backlog=64 rcvbuf=64k sndbuf=64k so_keepalive=on \
                     reuseport deferred fastopen=4");
    assert_eq!(server.get("/").text(), "ok");
}

#[test]
fn faults_are_shown_where_they_are() {
    for (options, reason) in [
        ("nonsense", "invalid parameter \"nonsense\""),
        ("backlog=x", "invalid backlog \"backlog=x\""),
        ("so_keepalive=::", "invalid so_keepalive \"so_keepalive=::\""),
        ("ipv6only=x", "invalid ipv6only \"ipv6only=x\""),
        ("ssl", "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive"),
    ] {
        let text = format!("server {{ listen 127.0.0.1:{{port}} {options}; }}");
        let (code, said) = Start::new(BINARY).conf(http(&text)).fail();
        assert_eq!(code, 1);
        assert!(said.contains(reason), "{options}: {said}");
        assert!(said.lines().any(|line| line.contains('^')), "{options}: {said}");
    }
}

#[test]
fn options_belong_to_the_socket() {
    let twice = "server { listen 127.0.0.1:{port} backlog=9; return 200 a; }
                 server { listen 127.0.0.1:{port} backlog=10; return 200 b; }";
    let (_, said) = Start::new(BINARY).conf(http(twice)).fail();
    assert!(said.contains("duplicate listen options for 127.0.0.1:"), "{said}");
    let same = "server { listen 127.0.0.1:{port}; listen 127.0.0.1:{port}; }";
    let (_, said) = Start::new(BINARY).conf(http(same)).fail();
    assert!(said.contains("a duplicate listen 127.0.0.1:"), "{said}");
}
