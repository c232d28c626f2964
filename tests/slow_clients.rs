//! Clients that are slow on purpose: slowhttptest, while others are served.

use std::process::{Child, Command, Stdio};

use support::{PATIENCE, Server, proc, site, start};

/// slowhttptest with its own mode, for a few seconds.
struct Attack(Child);

impl Attack {
    fn start(server: &Server, path: &str, mode: &[&str]) -> Attack {
        let child = Command::new("slowhttptest")
            .args(mode)
            // 200 connections at once, for 4 seconds; it gives up waiting for a probe after 3.
            .args(["-c", "200", "-r", "200", "-l", "4", "-p", "3", "-u", &server.url(path)])
            .env("TERM", "dumb")
            .current_dir(server.path(""))
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(server.path("logs/attack")).expect("a file"))
            .stderr(Stdio::null())
            .spawn();
        Attack(
            child
                .unwrap_or_else(|e| panic!("slowhttptest: {e} (Debian: apt install slowhttptest)")),
        )
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().expect("wait").is_none()
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// While the attack runs, others are served, by the same worker.
fn withstands(path: &str, mode: &[&str]) {
    let server = start!(format!(
        "error_log logs/error.log notice; events {{ worker_connections 512; }} {}",
        site("location / {} location = /ok { return 200 ok; }")
    ));
    let file = server.file("html/large", "");
    let file = std::fs::File::options().write(true).open(file).expect("a file");
    file.set_len(64 << 20).expect("a size");
    assert_eq!(server.get("/ok").text(), "ok");
    let worker = server.workers()[0];
    let before = proc::memory_kb(worker);
    let mut attack = Attack::start(&server, path, mode);
    // Connections pile up, or are refused one by one.
    server.wait_for("the attack", || {
        let refused = server.access_log().matches("\"POST ").count();
        proc::descriptors(worker) > 150 || refused > 150
    });
    let deadline = std::time::Instant::now() + PATIENCE;
    let mut most = 0;
    while attack.runs() {
        assert!(std::time::Instant::now() < deadline, "slowhttptest does not end");
        assert_eq!(server.get("/ok").text(), "ok");
        most = most.max(proc::memory_kb(worker));
    }
    assert_eq!(server.workers(), [worker]);
    assert!(most <= before + 32 * 1024, "the worker has grown from {before} KB to {most} KB");
    let said = server.dir().text("logs/attack");
    assert!(said.contains("YES"), "slowhttptest found the service unavailable: {said}");
    server.wait_for("the connections to end", || proc::descriptors(worker) < 50);
}

#[test]
fn heads_that_do_not_end() {
    withstands("/", &["-H", "-i", "1", "-x", "24", "-t", "GET"]);
}

#[test]
fn bodies_that_do_not_end() {
    withstands("/ok", &["-B", "-i", "1", "-s", "8192", "-x", "10", "-t", "POST"]);
}

#[test]
fn answers_that_are_hardly_read() {
    withstands("/large", &["-X", "-n", "1", "-w", "10", "-y", "20", "-z", "5", "-k", "3"]);
}
