//! Requests and answers, as clients of others see them.

use std::process::Command;

use support::{Answer, bytes, process};

use crate::{curl, python, up};

#[test]
fn requests_of_all_kinds() {
    let server = up("", "");
    python(&server, "streams", "requests", &[]);
    let log = server.access_log();
    for line in [
        "\"GET /says?a=b HTTP/2.0\" 200 37 ",
        "\"HEAD /file HTTP/2.0\" 200 0 ",
        "\"GET /file HTTP/2.0\" 206 10 ",
        "\"GET /none HTTP/2.0\" 404 ",
        "\"GET /file HTTP/2.0\" 200 3000000 ",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line}\n{log}");
    }
    assert_eq!(log.lines().count(), 107);
}

#[test]
fn bodies_of_requests() {
    let server = up("", "");
    python(&server, "streams", "bodies", &[]);
    let log = server.error_log();
    assert!(log.contains("client intended to send too large body"), "{log}");
}

/// RFC 9113 §6.9
#[test]
fn nothing_goes_beyond_a_window() {
    python(&up("", ""), "streams", "windows", &[]);
}

#[test]
fn streams_that_are_given_up() {
    let server = up("", "");
    python(&server, "streams", "resets", &[]);
    server
        .wait_for("the log line", || server.access_log().contains("\"GET /slow HTTP/2.0\" 499 0"));
    assert_eq!(server.access_log().matches("\"GET /file HTTP/2.0\" 200 ").count(), 60);
}

#[test]
fn answers_to_curl() {
    let server = up("", "gzip on; gzip_types text/plain; gzip_min_length 1;");
    server.file("html/text.txt", "text ".repeat(10_000));
    let whole = curl(&server, &["--compressed"], "/text.txt");
    assert_eq!((whole.status, whole.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(whole.text(), "text ".repeat(10_000));
    assert!(whole.complete);
    let again = curl(
        &server,
        &["-H", &format!("If-None-Match: {}", whole.header("etag").expect("a tag"))],
        "/text.txt",
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    // The same address speaks HTTP/1 to those who begin with that.
    let old = server.get("/says");
    assert_eq!(old.text(), "/says|GET||||HTTP/1.1");
    let upgrade = server.curl(&["--http2"], "/says");
    assert_eq!(upgrade.text(), "/says|GET||||HTTP/1.1");
}

#[test]
fn modules_take_part() {
    let server = up(
        "",
        r#"
        location = /guarded { auth_request /guard; alias html/trailers/says; }
        location = /kept { auth_request /guard403; alias html/trailers/says; }
        location = /guard { return 204; }
        location = /guard403 { return 403; }
        location = /slowly { alias html/cut; limit_rate 1m; limit_rate_after 2500k; }
        location = /threads { alias html/file; aio threads; }
        location = /moved { return 301 /says; }
        location = /closed { return 444; }
        location = /fields { add_header X-A "a b"; add_header Connection close; add_header Upgrade x; return 200 x; }
        location = /404 { error_page 404 =200 /says; return 404; }
    "#,
    );
    let texts = [("/guarded", 200, "says"), ("/404?x", 200, "/404?x|GET||||HTTP/2.0")];
    for (path, status, text) in texts {
        let answer = curl(&server, &[], path);
        let text = text.replace("||||", "|||h2c|");
        assert_eq!((answer.status, answer.text()), (status, text), "{path}");
    }
    assert_eq!(curl(&server, &[], "/kept").status, 403);
    let moved = curl(&server, &[], "/moved");
    assert_eq!(moved.header("location"), Some(&server.url("/says")[..]));
    let fields = curl(&server, &[], "/fields");
    assert_eq!(fields.header("x-a"), Some("a b"));
    assert_eq!((fields.header("connection"), fields.header("upgrade")), (None, None));
    assert_eq!(curl(&server, &[], "/closed"), Answer::default());
    for path in ["/slowly", "/threads"] {
        let answer = curl(&server, &[], path);
        assert!(answer.complete && answer.body == bytes(3_000_000), "{path}");
    }
}

/// A body of any size is taken, and given, in bounded memory.
#[test]
fn bodies_of_any_size_in_little_memory() {
    let server = up(
        "",
        "client_max_body_size 0; location /any/ { root html; dav_methods PUT; create_full_put_path on; }",
    );
    let large = server.file("large", bytes(60_000_000));
    let large = large.to_string_lossy();
    let worker = server.workers()[0];
    let before = support::proc::memory_kb(worker);
    let put = curl(&server, &["-T", &large], "/any/x");
    assert_eq!(put.status, 201);
    let got = curl(&server, &[], "/file");
    assert!(got.body == bytes(3_000_000));
    let stored = std::fs::read(server.path("html/any/x")).expect("a file");
    assert!(stored == bytes(60_000_000));
    let grown = support::proc::memory_kb(worker).saturating_sub(before);
    assert!(grown < 8_000, "{grown} KB");
}

/// Thousands of requests of a client that no one here wrote.
#[test]
fn many_requests() {
    let server = up("", "keepalive_requests 100000;");
    for (path, count) in [("/says", "20000"), ("/trailers/file", "500")] {
        let url = server.url(path);
        let output =
            process::run(Command::new("h2load").args(["-n", count, "-c", "5", "-m", "20", &url]));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("{count} succeeded, 0 failed")), "{said}");
    }
    let output =
        process::run(Command::new("nghttp").args(["-nv", "--no-dep", &server.url("/file")]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(":status: 200") && !said.contains("RST_STREAM"), "{said}");
}

#[test]
fn one_after_the_other() {
    let server = up("", "keepalive_requests 5;");
    python(&server, "streams", "requests_of_one", &["5"]);
}

#[test]
fn the_urgent_go_first() {
    python(&up("", ""), "streams", "priorities", &[]);
}

/// A file that is cut while it is sent is never taken for all of it.
#[test]
fn what_is_cut_looks_cut() {
    let server = up("", "");
    let mut scenario = crate::Scenario::start(&server, "streams", "cut", &[]);
    assert_eq!(scenario.word(), "cut now");
    server.file("html/cut", bytes(1000));
    scenario.go_on();
    scenario.ends();
    assert!(server.error_log().contains("was truncated"));
}

#[test]
fn time_outs() {
    let server = up(
        "",
        "keepalive_timeout 300ms; client_header_timeout 300ms; client_body_timeout 300ms; send_timeout 300ms;",
    );
    python(&server, "streams", "idle", &[]);
    python(&server, "streams", "slow", &[]);
    python(&server, "streams", "zero_window", &[]);
    server.wait_for("the log line", || {
        server.access_log().contains("\"PUT /up/never HTTP/2.0\" 408 ")
    });
    assert!(server.error_log().contains("client timed out"));
}
