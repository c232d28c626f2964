//! Reloads that must not succeed: everything stays, and somebody is told why.

use std::net::TcpListener;

use support::{Server, site, start};

use crate::{conf, reload, replaced, up};

/// Asks for a reload that fails: what the command says.
#[track_caller]
fn refused(server: &Server) -> String {
    let workers = server.workers();
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}\n{}", server.error_log());
    assert_eq!(server.get("/").text(), "one");
    server.wait_for("the same workers", || server.workers() == workers);
    let log = server.error_log();
    assert!(log.contains("reload failed, the running configuration stays"), "{log}");
    said
}

/// A good configuration is still taken.
#[track_caller]
fn recovers(server: &Server) {
    let before = server.workers();
    server.set_conf(conf("", "two"));
    reload(server);
    replaced(server, &before);
    assert_eq!(server.get("/").text(), "two");
}

#[test]
fn an_unknown_directive_is_shown() {
    let server = up("", "one");
    server.set_conf(format!("http {{\n    rang on;\n}}\n{}", site("return 200;")));
    let said = refused(&server);
    let at = format!("unknown directive \"rang\" in {}:2", server.path("rserve.conf").display());
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("rserve: [emerg] ") && lines[0].contains(&at), "{said}");
    assert!(lines.iter().any(|line| line.contains("rang on;")), "{said}");
    let caret = |line: &&str| line.trim_start_matches([' ', '|']).starts_with('^');
    assert!(lines.iter().any(caret), "{said}");
    let log = server.error_log();
    assert!(log.contains(&format!("[emerg] {0}#{0}: {at}", server.pid())), "{log}");
    recovers(&server);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let server = up("", "one");
    std::fs::remove_file(server.path("rserve.conf")).expect("removed");
    let said = refused_by_hup(&server);
    assert!(said.contains("rserve.conf\" failed (2: No such file or directory)"), "{said}");
    recovers(&server);
}

/// What the log says of a refused HUP.
#[track_caller]
fn refused_by_hup(server: &Server) -> String {
    let workers = server.workers();
    let words = "reload failed, the running configuration stays";
    let refusals = || server.error_log().matches(words).count();
    let before = refusals();
    server.signal("HUP");
    server.wait_for(words, || refusals() > before);
    assert_eq!(server.get("/").text(), "one");
    assert_eq!(server.workers(), workers);
    server.error_log()
}

#[test]
fn a_log_that_cannot_be_opened() {
    let server = up("", "one");
    server.set_conf(conf("error_log no/such/folder/error.log;", "two"));
    let said = refused(&server);
    assert!(said.contains("no/such/folder/error.log\" failed (2: No such"), "{said}");
    recovers(&server);
}

#[test]
fn a_port_that_is_taken() {
    let server = up("", "one");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    server.set_conf(site(&format!("listen {address}; return 200 two;")));
    let said = refused(&server);
    assert!(said.contains(&format!("bind() to {address} failed (98: Address already")), "{said}");
    recovers(&server);
}

#[test]
fn workers_that_cannot_start() {
    let server = up("", "one");
    server.set_conf(conf("worker_processes 3; working_directory {dir}/missing;", "two"));
    let said = refused(&server);
    assert!(said.contains("exited with code 2 before it was ready"), "{said}");
    let log = server.error_log();
    let missing = server.path("missing");
    let reason = format!("chdir(\"{}\") failed (2: No such file", missing.display());
    assert!(log.contains(&reason), "{log}");
    recovers(&server);
}

#[test]
fn workers_that_take_too_long() {
    let server = up("", "one");
    server.set_conf(conf("worker_processes 2; worker_ready_timeout 0;", "two"));
    let said = refused(&server);
    assert!(said.contains("workers were not ready within 0 s"), "{said}");
    recovers(&server);
}

#[test]
fn a_first_start_with_such_workers_is_refused_as_well() {
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
    let (code, said) = start.conf(conf("working_directory {dir}/missing;", "one")).fail();
    assert_eq!(code, 1);
    assert!(said.contains("exited with code 2 before it was ready"), "{said}");
}

#[test]
fn a_server_that_is_quitting_reloads_no_more() {
    let mut server = start!(site("location / {}"));
    let path = server.file("html/large", "");
    let file = std::fs::File::options().write(true).open(path).expect("a file");
    file.set_len(24 << 20).expect("a size");
    let mut wire = server.wire();
    wire.send("GET /large HTTP/1.0\r\n\r\n");
    server.wait_for("the first bytes", || wire.stream().peek(&mut [0]).is_ok_and(|n| n > 0));
    server.signal("QUIT");
    let words = "gracefully shutting down";
    server.wait_for(words, || server.error_log().contains(words));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the server is shutting down"), "{said}");
    assert!(wire.rest().len() > 24 << 20);
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn nobody_is_there_to_reload() {
    let mut server = up("", "one");
    server.stop();
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rserve.pid\" failed (2: No such file or directory)"), "{said}");
}

/// A reload waits for nobody: not for whoever might write into a FIFO.
#[test]
fn a_fifo_is_not_read() {
    let server = up("", "one");
    let fifo = server.path("more.conf");
    support::process::run(std::process::Command::new("mkfifo").arg(&fifo));
    server.set_conf(format!("include more.conf; {}", site("return 200 two;")));
    let said = refused(&server);
    assert!(said.contains("more.conf\" is a FIFO"), "{said}");
    // The file itself, too.
    std::fs::rename(server.path("rserve.conf"), server.path("aside")).expect("renamed");
    std::fs::rename(&fifo, server.path("rserve.conf")).expect("renamed");
    let said = refused_by_hup(&server);
    assert!(said.contains("rserve.conf\" is a FIFO"), "{said}");
    std::fs::remove_file(server.path("rserve.conf")).expect("removed");
    recovers(&server);
}
