//! A reload: the new configuration serves, or the old one stays; nobody who is being served notices.

mod clients;
mod refused;

use support::{Server, is_listening, proc, process, site, start, wait_for};

/// A server that answers with a word.
#[track_caller]
fn up(main: &str, word: &str) -> Server {
    start!(conf(main, word))
}

fn conf(main: &str, word: &str) -> String {
    let body = format!("location = / {{ return 200 {word}; }} location /files/ {{ root html; }}");
    format!("{main}\n{}", site(&body))
}

/// `-s reload` that must succeed.
#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "reload: {said}\n{}", server.error_log());
}

/// Waits until all workers are others than these.
#[track_caller]
fn replaced(server: &Server, before: &[u32]) {
    server.wait_for("the old workers to end", || {
        let now = server.workers();
        !now.is_empty() && before.iter().all(|pid| !now.contains(pid))
    });
}

#[test]
fn the_command_waits_for_the_verdict() {
    let server = up("worker_processes 2;", "one");
    for number in 2..6 {
        let word = format!("word{number}");
        let before = server.workers();
        server.set_conf(conf("worker_processes 2;", &word));
        reload(&server);
        // The new workers are there when the command ends, and the old ones know that they are not
        // wanted any more.
        let fresh = server.workers().into_iter().filter(|pid| !before.contains(pid)).count();
        assert_eq!(fresh, 2);
        let said = server.error_log();
        assert!(said.contains(&format!("generation {number} serves now")), "{said}");
        replaced(&server, &before);
        assert_eq!(server.get("/").text(), word);
    }
}

#[test]
fn hup_does_the_same() {
    let server = up("", "one");
    let before = server.workers();
    server.set_conf(conf("", "two"));
    server.signal("HUP");
    replaced(&server, &before);
    assert_eq!(server.get("/").text(), "two");
    let log = server.error_log();
    for words in ["signal 1 (SIGHUP) received, reconfiguring", "] ", "gracefully shutting down"] {
        assert!(log.contains(words), "{log}");
    }
    assert!(log.contains(&format!("worker process {} exited with code 0", before[0])));
}

#[test]
fn the_number_of_workers_changes() {
    for listen in ["", " reuseport"] {
        let body = "return 200 ok;";
        let conf = |workers: usize| {
            let site = format!("server {{ listen 127.0.0.1:{{port}}{listen}; {body} }}");
            format!("worker_processes {workers}; {}", support::http(&site))
        };
        let server = start!(conf(1));
        for workers in [3, 2, 4, 1] {
            server.set_conf(conf(workers));
            reload(&server);
            server.wait_for("the workers", || server.workers().len() == workers);
            // With reuseport, each of several queues must have somebody who accepts.
            for _ in 0..20 {
                assert_eq!(server.get("/").text(), "ok", "{workers} workers{listen}");
            }
        }
    }
}

#[test]
fn ports_come_and_go() {
    let both = support::http(
        "server { listen 127.0.0.1:{port}; return 200 first; }
         server { listen 127.0.0.1:{port2}; return 200 second; }",
    );
    let one = conf("worker_processes 2;", "first");
    let server = start!(&one);
    let second = format!("http://127.0.0.1:{}/", server.port2());
    for _ in 0..2 {
        assert!(!is_listening(server.port2()));
        server.set_conf(format!("worker_processes 2; {both}"));
        reload(&server);
        assert_eq!(support::curl(&[&second]).text(), "second");
        let before = server.workers();
        server.set_conf(&one);
        reload(&server);
        replaced(&server, &before);
        wait_for("the port to be closed", || !is_listening(server.port2()));
        assert_eq!(server.get("/").text(), "first");
    }
    let log = server.error_log();
    let port = server.port2();
    assert!(
        log.contains(&format!("] {0}#{0}: listening on http://127.0.0.1:{port}/", server.pid()))
    );
    assert!(log.contains(&format!("no longer listening on 127.0.0.1:{port}")), "{log}");
}

#[test]
fn logs_move() {
    let server = up("error_log logs/error.log notice;", "one");
    assert_eq!(server.get("/").text(), "one");
    let text = "error_log logs/other.log notice; http { access_log logs/hits.log; \
                server { listen 127.0.0.1:{port}; return 200 two; } }";
    let before = server.workers();
    server.set_conf(text);
    reload(&server);
    replaced(&server, &before);
    let (error, access) = (server.error_log(), server.access_log());
    assert_eq!(server.get("/two").text(), "two");
    server.wait_for("the new access log", || server.dir().text("logs/hits.log").contains("/two"));
    let other = server.dir().text("logs/other.log");
    assert!(other.contains("generation 2 serves now"), "{other}");
    // Nothing goes to the old files any more, and the master has closed them.
    assert_eq!((server.error_log(), server.access_log()), (error, access));
    for pid in [server.pid(), server.workers()[0]] {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors").flatten();
        let open: Vec<_> = open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
        assert!(!open.contains(&server.path("logs/error.log")), "{pid}: {open:?}");
    }
}

#[test]
fn the_pid_file_moves() {
    let server = up("", "one");
    let master = server.pid();
    server.set_conf(conf("pid logs/moved.pid;", "two"));
    server.signal("HUP");
    wait_for("the new pid file", || server.path("logs/moved.pid.sock").exists());
    assert_eq!(server.dir().text("logs/moved.pid").trim(), master.to_string());
    wait_for("the old files to go", || {
        ["logs/rserve.pid", "logs/rserve.pid.sock"].iter().all(|old| !server.path(old).exists())
    });
    server.set_conf(conf("pid logs/moved.pid;", "three"));
    reload(&server);
    server.wait_for("the reload", || server.get("/").text() == "three");
    assert!(server.command(&["-s", "stop"]).status.success());
    process::wait_for_end(master);
    assert!(!server.path("logs/moved.pid").exists());
    assert!(!server.path("logs/moved.pid.sock").exists());
}

#[test]
fn many_ask_at_once() {
    let server = up("worker_processes 2;", "one");
    server.set_conf(conf("worker_processes 2;", "two"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| reload(&server));
        }
        for _ in 0..4 {
            server.signal("HUP");
        }
    });
    server.wait_for("the last workers", || {
        server.workers().len() == 2 && server.get("/").text() == "two"
    });
}

#[test]
fn a_hundred_reloads_leave_nothing_behind() {
    let server = up("worker_processes 2;", "one");
    let settle = || {
        server.wait_for("two workers", || server.workers().len() == 2);
        let workers = server.workers().into_iter().map(proc::descriptors).collect::<Vec<_>>();
        (proc::descriptors(server.pid()), workers, proc::memory_kb(server.pid()))
    };
    for _ in 0..10 {
        reload(&server);
    }
    let (master, workers, memory) = settle();
    for _ in 0..100 {
        reload(&server);
    }
    // The master may not have heard yet of the last workers that have ended: of them it has descriptors.
    server.wait_for("as many descriptors", || proc::descriptors(server.pid()) <= master);
    let after = settle();
    assert_eq!(after.1, workers, "descriptors");
    assert!(after.2 <= memory + 1024, "the master has grown from {memory} KB to {} KB", after.2);
    assert_eq!(server.get("/").text(), "one");
}
