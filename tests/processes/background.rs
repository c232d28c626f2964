//! `daemon on`.

use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Start, proc, process, site, wait_for};

#[test]
fn a_daemon_leaves_its_parent_and_its_terminal() {
    let conf = format!("daemon on; worker_processes 2; {}", site("return 200 ok;"));
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).start_daemon();
    assert_eq!(server.get("/").text(), "ok");
    let master = server.pid();
    server.wait_for("the workers", || server.workers().len() == 2);
    assert_ne!(proc::field(master, "PPid"), [std::process::id().to_string()]);
    for fd in ["fd/0", "fd/1"] {
        assert_eq!(proc::link(master, fd), std::path::Path::new("/dev/null"), "{fd}");
    }
    assert!(server.command(&["-s", "reload"]).status.success());
    assert!(server.command(&["-s", "stop"]).status.success());
    process::wait_for_end(master);
    assert!(!server.path("logs/rserve.pid").exists());
}

/// `output=$(rserve 2>&1)` in a script comes back.
#[test]
fn a_daemon_keeps_no_pipe_of_its_starter_open() {
    let conf = format!("daemon on; {}", site("return 200 ok;"));
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).start_daemon();
    assert!(server.command(&["-s", "stop"]).status.success());
    wait_for("the end", || !server.path("logs/rserve.pid").exists());

    let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
    command.arg("-p").arg(server.path("")).args(["-c", "rserve.conf"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("rserve runs");
    let mut pipe = child.stderr.take().expect("a pipe");
    assert!(child.wait().expect("wait").success());
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        let _ = std::io::Read::read_to_string(&mut pipe, &mut said);
        let _ = sender.send(said);
    });
    let said = ended.recv_timeout(Duration::from_secs(5));
    assert!(said.is_ok(), "the server holds the pipe of who started it");
    // It is up: the end of this test finds it, and stops it.
    assert!(server.path("logs/rserve.pid").exists());
}

/// "Can't open PID file (yet?)": whoever started it finds everything there when the command returns.
#[test]
fn it_is_up_when_the_starter_returns() {
    for main in ["worker_processes 2;", "master_process off;"] {
        let conf = format!("daemon on; {main} {}", site("return 200 ok;"));
        let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).start_daemon();
        for _ in 0..10 {
            assert_eq!(server.get("/").text(), "ok");
            assert!(server.command(&["-s", "stop"]).status.success());
            wait_for("the end", || !server.path("logs/rserve.pid").exists());
            assert!(server.command(&[]).status.success());
            let pid = server.dir().text("logs/rserve.pid").trim().parse().expect("a number");
            assert!(process::is_alive(pid));
        }
    }
}

#[test]
fn a_daemon_that_cannot_serve_says_so() {
    let conf = format!("daemon on; working_directory {{dir}}/missing; {}", site("return 200;"));
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    let dir = start.dir();
    let (code, said) = start.fail();
    assert!(code == 1 && said.contains("exited with code 2 before it was ready"), "{code} {said}");
    assert!(dir.text("logs/error.log").contains("missing\") failed (2: No such file"));
    for file in ["logs/rserve.pid", "logs/rserve.pid.sock"] {
        assert!(!dir.path(file).exists(), "{file} is left");
    }
}
