//! The change of the binary: USR2, both serve, QUIT to the old one; or back again.

mod order;
mod roll_back;
mod sockets;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, Start, Wrk, http, is_listening, proc, process, site, start, wait_for};

const OLD: &str = "logs/rserve.pid.oldbin";
const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

fn conf(word: &str) -> String {
    site(&format!("location = / {{ return 200 {word}; }} location /files/ {{ root html; }}"))
}

fn old_pid(server: &Server) -> Option<u32> {
    server.dir().text(OLD).trim().parse().ok()
}

/// Starts the new binary and waits until it serves: the old master and the new one.
#[track_caller]
fn upgrade(server: &Server) -> (u32, u32) {
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the new master's pid file", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    assert_eq!(old_pid(server), Some(old));
    (old, server.pid())
}

#[track_caller]
fn quit(pid: u32) {
    process::signal(pid, "QUIT");
    process::wait_for_end(pid);
}

#[track_caller]
fn command(server: &Server, args: &[&str]) {
    let output = server.command(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn both_serve_and_the_new_one_stays() {
    let server = start!(conf("one"));
    server.set_conf(conf("two"));
    let (old, new) = upgrade(&server);
    assert_eq!(process::children(old).iter().filter(|pid| **pid == new).count(), 1);
    for file in ["logs/rserve.pid.sock", "logs/rserve.pid.oldbin.sock"] {
        assert!(server.path(file).exists(), "{file}");
    }
    let mut seen = std::collections::BTreeSet::new();
    server.wait_for("an answer of each", || {
        seen.insert(server.get("/").text());
        seen.len() == 2
    });
    let log = server.error_log();
    assert!(log.contains("signal 12 (SIGUSR2) received, changing binary"), "{log}");
    assert!(log.contains(&format!("{old}#{old}: start new binary process {new}")), "{log}");
    server.wait_for("the report", || {
        server.error_log().contains(&format!("{old}#{old}: new binary process {new} is ready"))
    });

    quit(old);
    assert_eq!(server.pid(), new);
    for file in [OLD, "logs/rserve.pid.oldbin.sock"] {
        assert!(!server.path(file).exists(), "{file} is left");
    }
    assert_eq!(server.get("/").text(), "two");
    assert_eq!(proc::link(new, "exe"), PathBuf::from(BINARY));
    // It is a master like the first.
    server.set_conf(conf("three"));
    command(&server, &["-s", "reload"]);
    server.wait_for("the reload", || server.get("/").text() == "three");
    let (old, _) = upgrade(&server);
    quit(old);
    command(&server, &["-s", "stop"]);
    wait_for("the end", || !server.path("logs/rserve.pid").exists());
    assert!(!is_listening(server.port()));
}

#[test]
fn a_daemon_is_replaced_as_well() {
    let conf = format!("daemon on; worker_processes 2; {}", conf("one"));
    let server = Start::new(BINARY).conf(conf).start_daemon();
    for _ in 0..2 {
        let (old, _) = upgrade(&server);
        quit(old);
        assert_eq!(server.get("/").text(), "one");
    }
}

/// A start that does not succeed: the old server has everything as before.
#[track_caller]
fn stays(server: &Server, workers: &[u32]) {
    let words = "the new binary is gone, this one stays";
    server.wait_for(words, || server.error_log().contains(words));
    server.wait_for("the pid file", || server.path("logs/rserve.pid").exists());
    assert!(!server.path(OLD).exists());
    assert!(!server.path("logs/rserve.pid.oldbin.sock").exists());
    assert_eq!(server.workers(), workers);
    assert_eq!(server.get("/").text(), "one");
    server.set_conf(conf("two"));
    command(server, &["-s", "reload"]);
    server.wait_for("the reload", || server.get("/").text() == "two");
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let server = start!(conf("one"));
    let workers = server.workers();
    server.set_conf("http { nonsense; }");
    server.signal("USR2");
    let words = "exited with code 1";
    server.wait_for(words, || server.error_log().contains(words));
    let said = server.dir().text("logs/stderr");
    assert!(said.contains("unknown directive \"nonsense\""), "{said}");
    stays(&server, &workers);
}

#[test]
fn workers_that_cannot_start_change_nothing() {
    let server = start!(conf("one"));
    let workers = server.workers();
    server.set_conf(format!("working_directory {{dir}}/missing; {}", conf("two")));
    server.signal("USR2");
    stays(&server, &workers);
}

#[test]
fn a_new_master_that_is_killed_changes_nothing() {
    let server = start!(conf("one"));
    let workers = server.workers();
    let (old, new) = upgrade(&server);
    let its = process::children(new);
    process::kill(&[new]);
    for pid in its {
        process::wait_for_end(pid);
    }
    server.wait_for("the old name", || {
        server.dir().text("logs/rserve.pid").trim() == old.to_string()
    });
    stays(&server, &workers);
}

/// Copies a program. `cp` does it: a file that this process has open for writing, in whatever thread, is
/// open in the children of its other threads, too, and cannot be run meanwhile (ETXTBSY).
fn copy(from: &Path, to: &Path) {
    let output = process::run(Command::new("cp").args([from, to]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server whose binary can be replaced.
fn replaceable() -> (support::Dir, Server) {
    let home = support::Dir::new();
    let binary = home.path("rserve");
    copy(BINARY.as_ref(), &binary);
    let server = Start::new(&binary.to_string_lossy()).conf(conf("one")).start();
    (home, server)
}

#[test]
fn a_broken_binary_changes_nothing() {
    let (home, server) = replaceable();
    let workers = server.workers();
    let binary = home.path("rserve");
    let aside = home.path("rserve.aside");
    fs::rename(&binary, &aside).expect("renamed");
    let script = home.file("script", "#!/bin/sh\nexit 3\n");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("chmod");
    copy(&script, &binary);
    server.signal("USR2");
    server.wait_for("its end", || server.error_log().contains("exited with code 3"));
    // `-s reload` is the binary's, too.
    fs::rename(&aside, &binary).expect("renamed");
    stays(&server, &workers);
}

#[test]
fn a_binary_that_is_not_there_changes_nothing() {
    let (home, server) = replaceable();
    let workers = server.workers();
    let (binary, aside) = (home.path("rserve"), home.path("rserve.aside"));
    fs::rename(&binary, &aside).expect("renamed");
    server.signal("USR2");
    server.wait_for("a line", || server.error_log().contains("new binary is gone"));
    fs::rename(&aside, &binary).expect("renamed");
    stays(&server, &workers);
}

#[test]
fn the_file_that_is_there_now_is_what_starts() {
    let (home, server) = replaceable();
    let (binary, aside) = (home.path("rserve"), home.path("rserve.aside"));
    fs::rename(&binary, &aside).expect("renamed");
    copy(&aside, &binary);
    let (old, new) = upgrade(&server);
    assert_eq!(proc::link(new, "exe"), binary);
    assert_eq!(proc::link(old, "exe"), aside);
    quit(old);
    assert_eq!(server.get("/").text(), "one");
}

#[test]
fn one_at_a_time() {
    let server = start!(conf("one"));
    let (old, new) = upgrade(&server);
    process::signal(old, "USR2");
    let words = "a new binary runs already, the signal is ignored";
    server.wait_for(words, || server.error_log().contains(words));
    assert_eq!(server.pid(), new);
    assert_eq!(old_pid(&server), Some(old));
    quit(old);
    assert_eq!(server.get("/").text(), "one");
}

#[test]
fn ports_come_and_go() {
    let both = http(
        "server { listen 127.0.0.1:{port}; return 200 first; }
         server { listen 127.0.0.1:{port2}; return 200 second; }",
    );
    let server = start!(conf("first"));
    let second = format!("http://127.0.0.1:{}/", server.port2());
    server.set_conf(&both);
    let (old, _) = upgrade(&server);
    quit(old);
    assert_eq!(support::curl(&[&second]).text(), "second");
    server.set_conf(conf("first"));
    let (old, _) = upgrade(&server);
    quit(old);
    wait_for("the port to be closed", || !is_listening(server.port2()));
    assert_eq!(server.get("/").text(), "first");
}

#[test]
fn a_download_and_an_idle_connection_survive() {
    let server = start!(conf("one"));
    let path = server.file("html/files/large", "");
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_len(24 << 20).expect("a size");
    let mut download = server.wire();
    download.send("GET /files/large HTTP/1.0\r\n\r\n");
    server.wait_for("the first bytes", || download.stream().peek(&mut [0]).is_ok_and(|n| n > 0));
    let mut idle = server.wire();
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(idle.answer().keeps());

    let (old, _) = upgrade(&server);
    process::signal(old, "QUIT");
    let words = "gracefully shutting down";
    server.wait_for(words, || server.error_log().contains(words));
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().header("Connection"), Some("close"));
    assert_eq!(server.get("/").text(), "one");
    assert!(download.rest().len() > 24 << 20);
    process::wait_for_end(old);
}

/// Five upgrades under load: no request may fail.
fn five_upgrades(listen: &str, wrk: &[&str]) {
    let site = format!("server {{ listen 127.0.0.1:{{port}}{listen}; return 200 ok; }}");
    let main = "worker_processes 2; error_log logs/error.log notice;";
    let server = start!(format!("{main} http {{ access_log off; {site} }}"));
    let url = server.url("/");
    let args: Vec<&str> = wrk.iter().copied().chain([url.as_str()]).collect();
    let wrk = Wrk::start(8, &args);
    for _ in 0..5 {
        let (old, _) = upgrade(&server);
        quit(old);
    }
    let report = wrk.stop();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(server.get("/").text(), "ok");
    let log = server.error_log();
    assert!(!log.contains("[alert]") && !log.contains("[emerg]"), "{log}");
}

#[test]
fn five_upgrades_under_load() {
    five_upgrades("", &[]);
}

#[test]
fn five_upgrades_under_load_of_new_connections() {
    five_upgrades("", &["-H", "Connection: close"]);
}

#[test]
fn five_upgrades_with_reuseport() {
    five_upgrades(" reuseport", &["-H", "Connection: close"]);
}
