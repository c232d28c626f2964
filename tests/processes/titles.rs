//! What `ps` shows, in nginx's words: scripts look for them.

use support::process;

use crate::{download, is_complete, up};

/// The command line as `ps -o args` shows it.
fn title(pid: u32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ")
}

#[test]
fn each_process_says_what_it_is() {
    let server = up(2, "", "");
    let master = title(server.pid());
    let binary = env!("CARGO_BIN_EXE_rserve");
    let dir = server.path("");
    let words = format!("rserve: master process {binary} -p {} -c rserve.conf", dir.display());
    assert_eq!(master, words);
    for worker in server.workers() {
        assert_eq!(title(worker), "rserve: worker process");
    }

    // The old workers while they drain.
    let wire = download(&server);
    let before = server.workers();
    assert!(server.command(&["-s", "reload"]).status.success());
    let draining = "rserve: worker process is shutting down";
    server.wait_for(draining, || before.iter().any(|pid| title(*pid) == draining));
    assert!(is_complete(wire));
    for worker in before {
        process::wait_for_end(worker);
    }
    for worker in server.workers() {
        assert_eq!(title(worker), "rserve: worker process");
    }
}

/// The title takes the place of the environment; what is in it is not lost.
#[test]
fn the_environment_survives() {
    let site = support::site("return 200 ok;");
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).env("TZ", "XXX-5");
    let server = start.conf(site).start();
    assert_eq!(server.get("/").text(), "ok");
    server.wait_for("the line", || server.access_log().contains(" +0500]"));
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the new master", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    assert!(title(server.pid()).starts_with("rserve: master process "));
    assert_eq!(server.curl(&["-A", "again"], "/").text(), "ok");
    let kept = |line: &str| line.contains("again") && line.contains(" +0500]");
    server.wait_for("the line", || server.access_log().lines().any(kept));
}

/// Whatever is in the environment: names that begin with `=`, as Windows leaves them, are no obstacle.
#[test]
fn odd_environments_start() {
    let start =
        support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(support::site("return 200 ok;"));
    let server = start.under(&["env", "=A=b", "B=", "TZ=XXX-5"]).start();
    assert_eq!(server.get("/").text(), "ok");
    assert!(title(server.pid()).starts_with("rserve: master process "));
    server.wait_for("the line", || server.access_log().contains(" +0500]"));
}
