//! The master and its workers: start, signals, deaths, and what the workers are given.

mod background;
mod deaths;
mod settings;
mod signals;
mod strangers;
mod titles;

use support::{Server, http, site, start};

/// Starts a server and waits for its workers.
#[track_caller]
fn up(workers: usize, main: &str, body: &str) -> Server {
    let site = site(&format!("location / {{}} location = /ok {{ return 200 ok; }}\n{body}"));
    let server = start!(format!("worker_processes {workers}; {main}\n{site}"));
    server.wait_for("the workers", || server.workers().len() == workers);
    server
}

/// Waits for a line in the error log.
#[track_caller]
fn logged(server: &Server, words: &str) {
    server.wait_for(words, || server.error_log().contains(words));
}

/// A file that is larger than what the kernel takes for a client that does not read.
const LARGE: u64 = 24 << 20;

fn large_file(server: &Server) {
    let path = server.file("html/large", "");
    std::fs::File::options().write(true).open(path).expect("a file").set_len(LARGE).expect("size");
}

/// A download that has begun and stands still.
#[track_caller]
fn download(server: &Server) -> support::Wire {
    large_file(server);
    let mut wire = server.wire();
    assert!(wire.send("GET /large HTTP/1.0\r\n\r\n"));
    let begun = || wire.stream().peek(&mut [0]).is_ok_and(|count| count > 0);
    support::wait_for("the first bytes", begun);
    wire
}

/// Whether the rest of a download comes.
fn is_complete(mut wire: support::Wire) -> bool {
    wire.rest().len() as u64 > LARGE
}

#[test]
fn a_master_has_its_workers_and_its_files() {
    let mut server = up(3, "", "");
    let master = server.pid();
    assert_eq!(server.get("/ok").text(), "ok");
    assert!(server.path("logs/rserve.pid.sock").exists());
    let log = server.error_log();
    let workers = server.workers();
    for worker in &workers {
        assert!(
            log.contains(&format!("[notice] {master}#{master}: start worker process {worker}"))
        );
    }
    assert!(log.contains("start worker processes") && log.contains("using the \"epoll\" event"));

    assert_eq!(server.stop(), Some(0));
    for file in ["logs/rserve.pid", "logs/rserve.pid.sock"] {
        assert!(!server.path(file).exists(), "{file} is left");
    }
    let log = server.error_log();
    assert!(log.contains("signal 15 (SIGTERM) received, exiting"));
    for worker in &workers {
        assert!(log.contains(&format!("worker process {worker} exited with code 0")), "{log}");
    }
    assert!(log.trim_end().ends_with(&format!("{master}#{master}: exit")), "{log}");
}

#[test]
fn auto_is_one_worker_for_each_processor() {
    let processors = std::thread::available_parallelism().expect("a number").get();
    let server = start!(format!("worker_processes auto; {}", site("return 200;")));
    server.wait_for("the workers", || server.workers().len() == processors);
}

#[test]
fn one_process_is_enough_for_development() {
    let conf = |text: &str| format!("master_process off; {}", site(&format!("return 200 {text};")));
    let mut server = start!(conf("one"));
    assert!(server.workers().is_empty());
    assert_eq!(server.get("/").text(), "one");
    server.set_conf(conf("two"));
    server.signal("HUP");
    server.wait_for("the new configuration", || server.get("/").text() == "two");
    let old = server.path("logs/old.log");
    std::fs::rename(server.path("logs/error.log"), old).expect("renamed");
    server.signal("USR1");
    server.wait_for("a new log", || server.path("logs/error.log").exists());
    server.signal("QUIT");
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(!server.path("logs/rserve.pid").exists());
}

/// Its Unix sockets come and go with the configuration, and with the process.
#[test]
fn one_process_leaves_no_socket() {
    let conf = |listen: &str| {
        let server = format!("server {{ listen 127.0.0.1:{{port}}; {listen} return 200 ok; }}");
        format!("master_process off; {}", http(&server))
    };
    let mut server = start!(conf("listen unix:{dir}/a.sock;"));
    let there = |name: &str| server.path(name).exists();
    assert!(there("a.sock"));
    server.set_conf(conf("listen unix:{dir}/b.sock;"));
    server.signal("HUP");
    server.wait_for("the other socket", || there("b.sock") && !there("a.sock"));
    assert_eq!(server.get("/").text(), "ok");
    assert_eq!(server.stop(), Some(0));
    assert!(!server.path("b.sock").exists());
}

#[test]
fn one_process_ends_at_term() {
    let mut server = start!(format!("master_process off; {}", site("return 200;")));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_second_server_on_the_same_port_is_refused() {
    let server = up(1, "", "");
    let output = server.command(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let port = server.port();
    let reason = format!("bind() to 127.0.0.1:{port} failed (98: Address already in use)");
    assert!(said.contains(&reason), "{said}");
    still_whole(&server);
}

#[test]
fn a_second_server_with_the_same_pid_file_is_refused() {
    let server = up(1, "", "");
    let other = http("server { listen 127.0.0.1:{port2}; return 200; }");
    server.set_conf(&other);
    let output = server.command(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let reason = format!("a server runs already: process {}", server.pid());
    assert!(said.contains(&reason), "{said}");
    still_whole(&server);
}

/// The first server has lost nothing to the second.
fn still_whole(server: &Server) {
    server.set_conf(site("return 200 reloaded;"));
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.wait_for("the reload", || server.get("/").text() == "reloaded");
}

#[test]
fn the_pid_file_of_a_dead_server_stops_nobody() {
    let dead = support::process::run(&mut std::process::Command::new("true"));
    assert!(dead.status.success());
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
    let server = start
        .file("logs/stale.pid", "4194303\n")
        .file("logs/stale.pid.sock", "")
        .conf(format!("error_log logs/error.log; {}", site("return 200 ok;")))
        .start();
    assert_eq!(server.get("/").text(), "ok");
}
