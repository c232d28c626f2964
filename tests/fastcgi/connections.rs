//! Connections that are kept, and processes that end.

use support::{http, start, wait_for};

use crate::application::{Application, end, stdout};
use crate::php::Php;
use crate::site::Site;

fn conf(port: u16, settings: &str) -> String {
    http(&format!(
        "upstream one {{ server 127.0.0.1:{port}; keepalive 4; }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ fastcgi_pass one; {settings} }} }}"
    ))
}

#[test]
fn they_are_used_again_if_that_is_asked_for() {
    for (settings, connections) in [("fastcgi_keep_conn on;", 1), ("", 5)] {
        let application = Application::start(|asked| {
            let (flags, body) = (asked.flags, asked.body.len());
            assert!(asked.records.iter().all(|&len| len <= 32 << 10), "{:?}", asked.records);
            asked.answer(&format!("\r\n{flags} {body}")) && flags == 1
        });
        let server = start!(conf(application.port, settings));
        for size in 0..5 {
            let body = "x".repeat(size * 40_000);
            let file = server.file("body", body);
            let answer = server.curl(&["--data-binary", &format!("@{}", file.display())], "/");
            let flag = u8::from(connections == 1);
            assert_eq!(answer.text(), format!("{flag} {}", size * 40_000));
        }
        assert_eq!(application.connections(), connections, "{settings}");
        assert_eq!(*application.faults.lock().expect("no panic"), Vec::<String>::new());
    }
}

#[test]
fn one_with_something_behind_its_answer_is_not() {
    let application = Application::start(|asked| {
        asked.send([stdout("\r\nall"), end(), stdout("X: more\r\n\r\n")].concat())
    });
    let server = start!(conf(application.port, "fastcgi_keep_conn on;"));
    for _ in 0..3 {
        assert_eq!(server.get("/").text(), "all");
    }
    assert_eq!(application.connections(), 3);
}

#[test]
fn one_that_has_ended_is_not() {
    let application = Application::start(|asked| {
        asked.answer("\r\nall");
        false
    });
    let server = start!(conf(application.port, "fastcgi_keep_conn on;"));
    for _ in 0..20 {
        assert_eq!(server.get("/").text(), "all");
    }
}

#[test]
fn php_keeps_them_too() {
    let site = Site::start("fastcgi_keep_conn on;");
    for _ in 0..20 {
        assert_eq!(site.compare(&["-d", "a=b"], "/body.php").status, 200);
        site.compare(&[], "/long.php");
    }
}

#[test]
fn a_process_that_dies() {
    let site = Site::start("");
    let raw = |path: &str| {
        let mut wire = site.ours.wire();
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        String::from_utf8_lossy(&wire.rest()).into_owned()
    };
    assert!(raw("/die_at_once.php").starts_with("HTTP/1.1 502 "));
    let half = raw("/die.php");
    assert!(half.starts_with("HTTP/1.1 200 ") && !half.ends_with("0\r\n\r\n"), "half is no whole");
    // Another takes its place.
    wait_for("a page", || site.ours.get("/index.php").status == 200);
    wait_for("php-fpm's log", || site.php.log().contains("exited on signal 9"));
}

#[test]
fn a_script_goes_on_when_its_client_has_all() {
    let site = Site::start("");
    assert_eq!(site.ours.get("/finish.php").text(), "at once");
    wait_for("the rest of the script", || site.ours.path("html/finished").exists());
}

#[test]
fn heads_of_64_kb() {
    let site = Site::start("fastcgi_buffer_size 128k; fastcgi_buffers 4 128k;");
    let answer = site.compare(&[], "/fields.php?size=65536");
    assert_eq!(answer.header("X-Long").map(str::len), Some(65536));
    let small = Site::start("");
    assert_eq!(small.ours.get("/fields.php?size=65536").status, 502);
    let words = "upstream sent too big header (\"fastcgi_buffer_size\" is 4096)";
    assert!(small.ours.error_log().contains(words), "{}", small.ours.error_log());
}

#[test]
fn what_php_says_for_the_log() {
    let site = Site::start("");
    assert_eq!(site.ours.get("/stderr.php").text(), "said");
    assert_eq!(site.ours.get("/late.php").text().len(), 200_000);
    site.ours.wait_for("the words", || {
        let log = site.ours.error_log();
        log.contains("FastCGI sent in stderr: \"PHP message: a word for the log\" while reading response header")
            && log.contains("a late word\" while reading upstream")
    });
}

#[test]
fn a_worker_of_the_server_dies() {
    let site = Site::start("fastcgi_keep_conn on;");
    assert_eq!(site.ours.get("/index.php").status, 200);
    let before = site.ours.workers();
    support::process::kill(&before);
    wait_for("another one", || {
        let now = site.ours.workers();
        !now.is_empty() && now.iter().all(|pid| !before.contains(pid))
    });
    for _ in 0..5 {
        assert_eq!(site.ours.get("/index.php").status, 200);
    }
}

/// Events of a script reach the client while it runs.
#[test]
fn what_comes_piece_by_piece() {
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let application = Application::start(move |asked| {
        asked.send(stdout(
            "Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\ndata: first\n\n",
        ));
        let said = wait.lock().expect("no panic").recv();
        said.is_ok() && asked.send([stdout("data: second\n\n"), end()].concat())
    });
    let server = start!(conf(application.port, "fastcgi_keep_conn on;"));
    for _ in 0..2 {
        let mut wire = server.wire();
        wire.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(wire.comes("data: first\n\n"));
        go_on.send(()).expect("the application waits");
        assert!(wire.comes("data: second\n\n"));
        assert!(String::from_utf8_lossy(&wire.rest()).ends_with("0\r\n\r\n"));
    }
    assert_eq!(application.connections(), 1);
}

/// A client that has gone takes the request with it, or not.
#[test]
fn a_client_that_goes() {
    for (settings, status) in [("fastcgi_ignore_client_abort on;", "200"), ("", "499")] {
        let (asked_for, is_asked) = std::sync::mpsc::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let application = Application::start(move |asked| {
            asked_for.send(()).expect("the test waits");
            let _ = wait.lock().expect("no panic").recv();
            asked.answer("\r\nall")
        });
        let server = start!(conf(application.port, settings));
        let mut wire = server.wire();
        wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        is_asked.recv().expect("a request");
        drop(wire);
        if status == "200" {
            go_on.send(()).expect("the application waits");
        }
        let word = format!("\" {status} ");
        server.wait_for("the line", || server.access_log().contains(&word));
    }
}

/// A client that takes nothing keeps no process of PHP waiting: what it has said is ahead in memory and in a file.
#[test]
fn a_slow_client_occupies_no_process() {
    let site = Site::with(Php::start(1), "");
    let mut slow = site.ours.wire();
    slow.send("GET /large.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    // The one process is free for another.
    assert_eq!(site.ours.get("/index.php").status, 200);
    let all = slow.rest();
    assert!(all.len() > 16 << 20, "{} bytes", all.len());
}

#[test]
fn nothing_fails_while_the_configuration_is_read_anew() {
    let php = Php::start(3);
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; root {{dir}}/html; location / {{ include {}/conf/fastcgi.conf; fastcgi_pass {}; fastcgi_keep_conn on; }} }}",
        env!("CARGO_MANIFEST_DIR"),
        php.address()
    )));
    server.file("html/a.php", "<?php echo 'a page';");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while !over.load(std::sync::atomic::Ordering::SeqCst) {
                        assert_eq!(server.get("/a.php").text(), "a page");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        for _ in 0..5 {
            let before = server.workers();
            server.signal("HUP");
            wait_for("new workers", || {
                let now = server.workers();
                !now.is_empty() && now.iter().all(|pid| !before.contains(pid))
            });
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        let counts: Vec<u32> =
            clients.into_iter().map(|one| one.join().expect("a client")).collect();
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    });
    assert!(!php.workers().is_empty(), "{}", php.log());
}
