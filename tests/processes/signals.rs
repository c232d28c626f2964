//! What the signals do, and `-s` that sends them.

use std::fs;
use std::process::Command;

use support::{is_listening, process, site, wait_for};

use crate::{download, is_complete, logged, up};

#[test]
fn int_ends_at_once() {
    let mut server = up(2, "", "");
    let cut = download(&server);
    server.signal("INT");
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(server.error_log().contains("signal 2 (SIGINT) received, exiting"));
    assert!(!is_complete(cut));
}

#[test]
fn quit_finishes_what_is_served() {
    let mut server = up(2, "", "");
    let wire = download(&server);
    server.signal("QUIT");
    logged(&server, "gracefully shutting down");
    wait_for("the port to be free", || !is_listening(server.port()));
    let working = || server.workers().len() == 1;
    server.wait_for("the idle worker to end", working);
    assert!(is_complete(wire));
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(server.error_log().contains("signal 3 (SIGQUIT) received, shutting down"));
}

#[test]
fn term_ends_a_server_that_is_quitting() {
    let mut server = up(1, "", "");
    let _wire = download(&server);
    server.signal("QUIT");
    logged(&server, "gracefully shutting down");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_draining_worker_has_a_last_moment() {
    let mut server = up(1, "worker_shutdown_timeout 100ms;", "");
    let wire = download(&server);
    server.signal("QUIT");
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(!is_complete(wire));
}

#[test]
fn a_worker_that_does_not_hear_term_is_killed() {
    let mut server = up(1, "", "");
    let worker = server.workers()[0];
    process::signal(worker, "STOP");
    assert_eq!(server.stop(), Some(0));
    let words =
        format!("[alert] {0}#{0}: worker process {worker} exited on signal 9", master(&server));
    assert!(server.error_log().contains(&words), "{}", server.error_log());
}

/// The process that wrote the log's last line.
fn master(server: &support::Server) -> String {
    let log = server.error_log();
    let last = log.lines().last().expect("a line");
    last.split_whitespace().nth(3).and_then(|word| word.split('#').next()).expect("a pid").into()
}

#[test]
fn usr1_opens_the_logs_anew() {
    let server = up(2, "", "");
    let rotate = |number: u32| {
        for name in ["access", "error"] {
            let old = server.path(&format!("logs/{name}.{number}"));
            fs::rename(server.path(&format!("logs/{name}.log")), old).expect("renamed");
        }
    };
    assert_eq!(server.get("/ok?first").status, 200);
    server.wait_for("the line", || server.access_log().contains("/ok?first"));
    rotate(1);
    server.signal("USR1");
    // Both workers write to the new error log when they have opened it.
    server.wait_for("both workers", || {
        let log = server.error_log();
        server.workers().iter().all(|pid| log.contains(&format!(" {pid}#{pid}: ")))
            || server.dir().text("logs/error.1").matches("reopening logs (worker").count() == 2
    });
    server.wait_for("the access log", || server.path("logs/access.log").exists());
    server.wait_for("a line in the new log", || {
        assert_eq!(server.get("/ok?second").status, 200);
        server.access_log().contains("/ok?second")
    });
    let old = server.dir().text("logs/error.1") + &server.error_log();
    assert!(old.contains("signal 10 (SIGUSR1) received, reopening logs"), "{old}");

    rotate(2);
    assert!(server.command(&["-s", "reopen"]).status.success());
    server.wait_for("a line in the third log", || {
        assert_eq!(server.get("/ok?third").status, 200);
        server.access_log().contains("/ok?third")
    });
}

#[test]
fn winch_sends_the_workers_away_and_hup_brings_them_back() {
    let server = up(2, "", "");
    server.signal("WINCH");
    server.wait_for("the workers to end", || server.workers().is_empty());
    logged(&server, "signal 28 (SIGWINCH) received, stop accepting connections");
    assert!(is_listening(server.port()), "the master keeps the port");
    // Who comes now waits in the queue.
    let mut wire = server.wire();
    wire.send("GET /ok HTTP/1.0\r\n\r\n");
    server.signal("HUP");
    server.wait_for("the workers", || server.workers().len() == 2);
    assert_eq!(wire.answer().text(), "ok");
    logged(&server, "signal 1 (SIGHUP) received, reconfiguring");
}

#[test]
fn the_command_line_stops_and_quits() {
    for (word, signal) in [("stop", "SIGTERM"), ("quit", "SIGQUIT")] {
        let mut server = up(1, "", "");
        let output = server.command(&["-s", word]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(server.wait_for_exit(), Some(0));
        assert!(server.error_log().contains(&format!("({signal}) received")));
        let output = server.command(&["-s", word]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("rserve.pid\" failed (2: No such file or directory)"), "{said}");
    }
}

#[test]
fn a_broken_configuration_does_not_hide_the_server_from_stop() {
    let mut server = up(1, "", "");
    server.set_conf("http { nonsense; }");
    assert!(server.command(&["-s", "stop"]).status.success());
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn workers_leave_the_signals_of_a_terminal_to_the_master() {
    let server = up(1, "", "");
    let worker = server.workers()[0];
    for name in ["HUP", "USR2"] {
        process::signal(worker, name);
    }
    assert_eq!(server.get("/ok").text(), "ok");
    assert_eq!(server.workers(), [worker]);
}

/// nginx exits 1 with the reason as well.
#[test]
fn a_reload_without_a_control_socket_is_checked_beforehand() {
    let server = up(1, "", "");
    std::fs::remove_file(server.path("logs/rserve.pid.sock")).expect("removed");
    server.set_conf("http { nonsense; }");
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("unknown directive \"nonsense\""), "{said}");
    assert!(!server.error_log().contains("SIGHUP"));

    server.set_conf(site("return 200 two;"));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("has no control socket"), "{said}");
    server.wait_for("the reload", || server.get("/").text() == "two");
}

/// A manager of services says TERM to all processes of a server at once, also while a reload starts some of them: these are dead, and the master
/// has its own word, when it looks.
#[test]
fn a_server_that_is_told_to_end_in_a_reload_ends() {
    // So many that the first is there long before the last is ready.
    let mut server = up(32, "", "");
    let master = server.pid();
    let served = || server.error_log().matches(" serves now").count();
    let mut reloads = 0;
    server.wait_for("a look into the middle of a reload", || {
        let before = server.workers();
        let new = || server.workers().into_iter().filter(|pid| !before.contains(pid));
        server.signal("HUP");
        server.wait_for("some of the new workers", || new().next().is_some());
        let is_there = process::while_stopped(&[master], || {
            let is_there = served() == reloads;
            if is_there {
                let dead: Vec<u32> = new().collect();
                process::kill(&dead);
                process::signal(master, "TERM");
            }
            is_there
        });
        reloads += 1;
        if !is_there {
            server.wait_for("the reload's end", || served() == reloads);
        }
        is_there
    });
    assert_eq!(server.wait_for_exit(), Some(0), "{}", server.error_log());
}

/// The number in a dead server's pid file may be another process's by now.
#[test]
fn no_stranger_gets_a_signal() {
    let mut stranger = Command::new("sleep").arg("600").spawn().expect("a process");
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
    let mut server = start.conf(site("return 200 ok;")).start();
    assert_eq!(server.stop(), Some(0));
    server.file("logs/rserve.pid", format!("{}\n", stranger.id()));
    for (word, with_socket) in
        [("reload", false), ("stop", false), ("quit", true), ("reopen", true), ("reload", true)]
    {
        if with_socket && !server.path("logs/rserve.pid.sock").exists() {
            drop(std::os::unix::net::UnixListener::bind(server.path("logs/rserve.pid.sock")));
        }
        let output = server.command(&["-s", word]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{word}: {said}");
        assert!(said.contains("no server runs"), "{word}: {said}");
        assert!(stranger.try_wait().expect("wait").is_none(), "{word} has ended it");
    }
    std::fs::remove_file(server.path("logs/rserve.pid")).expect("removed");
    stranger.kill().expect("kill");
    stranger.wait().expect("wait");
}

/// `access_log /dev/stdout;` in a pipe, with workers of another user: they cannot open their master's
/// pipe, and need not.
#[test]
fn a_log_in_a_pipe_is_not_opened_again() {
    let http = site("return 200 ok;").replace("logs/access.log", "/dev/stdout");
    let conf = format!("user www-data; error_log /dev/stdout notice; {http}");
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    let log = start.dir().path("logs/pipe");
    let script = format!("\"$0\" \"$@\" | cat > {}", log.display());
    // The shell leaves the server its own number: `exec` in a pipe's first part.
    let script = script.replace("\"$0\"", "exec \"$0\"");
    let server = start.under(&["sh", "-c", &script]).start();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(server.get("/first").text(), "ok");
    server.signal("USR1");
    server.wait_for("the worker's line", || said().contains("reopening logs (worker"));
    assert_eq!(server.get("/second").text(), "ok");
    server.wait_for("the request's line", || said().contains("/second"));
    assert!(!said().contains("[emerg]"), "{}", said());
}
