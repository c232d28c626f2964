//! A line for each request.

use support::{Server, Start, Twin, bytes, http, start};

/// Waits until the log has so many lines, and gives them.
fn lines(server: &Server, count: usize) -> Vec<String> {
    let read = || server.access_log().lines().map(str::to_owned).collect::<Vec<_>>();
    server.wait_for(&format!("{count} lines"), || read().len() >= count);
    read()
}

fn logging(directives: &str, body: &str) -> Server {
    let server = start!(format!(
        "http {{ {directives} server {{ listen 127.0.0.1:{{port}}; root html; {body} }} }}"
    ));
    server.file("html/a", "hello");
    server
}

#[test]
fn the_usual_line_is_that_of_nginx() {
    let conf = http("server { listen 127.0.0.1:{port}; root html; location /big { return 413; } }");
    let server = start!(&conf);
    server.file("html/a", "hello");
    let twin = Twin::start(&conf, &server);
    let requests = [
        "GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: test/1.0 (x; \"y\\z\")\r\nReferer: http://x/\u{e4}\r\n\r\n",
        "HEAD /a HTTP/1.0\r\n\r\n",
        "GET /a?b=c%20d HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxhZGRpbjpvcGVu\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: x\r\nUser-Agent:\r\n\r\n",
        "GET /a\r\n",
        "nonsense\r\n\r\n",
        "GET /\u{1}\"\\ HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/9.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nbad header : x\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=9-\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}binary\r\n",
        "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for request in requests {
        support::raw(server.port(), request);
        support::raw(twin.port(), request);
    }
    support::wait_for("nginx's lines", || twin.access_log().lines().count() >= requests.len());
    let theirs = twin.access_log();
    for (theirs, ours) in theirs.lines().zip(lines(&server, requests.len())) {
        // Without the time, which may be another second.
        let without_time = |line: &str| {
            let (start, rest) = line.split_once(" [").expect("a time");
            let (time, rest) = rest.split_once("] ").expect("its end");
            assert_eq!(time.len(), "22/Nov/2026:01:04:01 +0000".len(), "{line}");
            format!("{start} {rest}")
        };
        let size = |line: &str| line.replace("nginx/1.22.1", "rserve/0.1.0");
        assert_eq!(without_time(&ours), size(&without_time(theirs)));
    }
}

#[test]
fn forms_of_ones_own() {
    let server = logging(
        r#"log_format full '$remote_addr|$request_method|$uri|$args|$status|$body_bytes_sent|$bytes_sent|'
               '$request_length|$http_x_test|$sent_http_content_type|$host|$server_port|$scheme|$connection_requests|$request_completion';
           log_format json escape=json '{"a":"$arg_a","none":"$http_none"}';
           log_format none escape=none '$arg_a';
           default_type a/b;
           access_log logs/access.log full buffer=0;"#,
        "location /json { access_log logs/json.log json buffer=0; } location /none { access_log logs/none.log none buffer=0; } location /off { access_log off; }
         location /two { access_log logs/json.log json buffer=0; access_log logs/none.log none buffer=0; }",
    );
    let answer =
        server.raw("GET /a?x=y HTTP/1.1\r\nHost: Example\r\nX-Test: a\"b\\c\u{7f}\r\n\r\n");
    let port = server.port();
    let sent = answer.len();
    assert_eq!(
        lines(&server, 1),
        [format!(
            "127.0.0.1|GET|/a|x=y|200|5|{sent}|54|a\\x22b\\x5Cc\\x7F|a/b|example|{port}|http|1|OK"
        )]
    );
    for path in ["/json", "/none", "/two"] {
        server.curl(&["--get"], &format!("{path}?a=%22\\\u{e4}"));
    }
    server.get("/off");
    server.get("/a");
    assert_eq!(lines(&server, 2).len(), 2, "the others have logs of their own");
    assert_eq!(server.dir().text("logs/json.log").lines().count(), 2);
    assert_eq!(
        server.dir().text("logs/json.log").lines().next(),
        Some(r#"{"a":"%22\\ä","none":""}"#)
    );
    assert_eq!(server.dir().text("logs/none.log").lines().next(), Some("%22\\ä"));
}

/// Downloads are counted by it: one that was cut is none.
#[test]
fn what_was_cut_is_not_complete() {
    let conf = http(
        r#"log_format told '$request_uri $request_completion'; access_log logs/told.log told buffer=0;
        server { listen 127.0.0.1:{port}; root html; location = /slow { alias html/big; limit_rate 64k; } }"#,
    );
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    let server = start.file("html/small", "all").file("html/big", bytes(32 << 20)).start();
    let told = || server.dir().text("logs/told.log");
    let mut expected = Vec::new();
    for path in ["/slow", "/big"] {
        let mut wire = server.wire();
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        wire.until("\r\n\r\n");
        drop(wire);
        expected.push(format!("{path} "));
        server.wait_for("its line", || told().lines().count() == expected.len());
    }
    for args in [&["-I"][..], &[], &["-r", "0-1"]] {
        server.curl(args, "/small");
        expected.push("/small OK".to_owned());
    }
    server.get("/none");
    expected.push("/none OK".to_owned());
    server.wait_for("the lines", || told().lines().count() == expected.len());
    assert_eq!(told().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn conditions() {
    let server = logging("access_log logs/access.log combined buffer=0 if=$arg_log;", "");
    for query in ["log=1", "log=0", "log=", "", "log=no", "log=00"] {
        server.get(&format!("/a?{query}"));
    }
    server.get("/a?log=last");
    let lines = lines(&server, 4);
    let queries: Vec<&str> =
        lines.iter().filter_map(|line| line.split(['?', ' ']).nth(7)).collect();
    assert_eq!(queries, ["log=1", "log=no", "log=00", "log=last"]);
}

#[test]
fn lines_are_collected_but_not_for_long() {
    let server = logging("access_log logs/access.log;", "");
    (0..10).for_each(|_| assert_eq!(server.get("/a").status, 200));
    // Nothing but time makes them appear.
    assert_eq!(lines(&server, 10).len(), 10);
}

#[test]
fn a_full_buffer_is_written_at_once() {
    let server = logging(
        "log_format long '$request_uri'; access_log logs/access.log long buffer=4k flush=1h;",
        "",
    );
    let long = "x".repeat(1000);
    (0..5).for_each(|_| assert_eq!(server.get(&format!("/a?{long}")).status, 200));
    assert_eq!(lines(&server, 4).len(), 5, "whole lines");
}

#[test]
fn reopening_loses_no_line() {
    let server = logging("access_log logs/access.log combined flush=1h;", "");
    (0..3).for_each(|_| drop(server.get("/a")));
    std::fs::rename(server.path("logs/access.log"), server.path("logs/old.log")).expect("renamed");
    server.signal("USR1");
    server.wait_for("the old file's lines", || {
        server.dir().text("logs/old.log").lines().count() == 3
    });
    server.wait_for("the new file", || server.path("logs/access.log").exists());
    // The master is the first: the worker may write to the old one still.
    support::process::come_to_rest("rserve", std::time::Duration::ZERO);
    server.get("/a");
    server.command(&["-s", "reopen"]);
    assert_eq!(lines(&server, 1).len(), 1);
    assert_eq!(server.dir().text("logs/old.log").lines().count(), 3);
}

#[test]
fn the_end_of_the_server_loses_no_line() {
    for (signal, count) in [("QUIT", 3), ("TERM", 3)] {
        let mut server = logging("access_log logs/access.log combined flush=1h;", "");
        (0..count).for_each(|_| drop(server.get("/a")));
        server.signal(signal);
        assert_eq!(server.wait_for_exit(), Some(0), "{signal}");
        assert_eq!(server.access_log().lines().count(), count, "{signal}");
    }
}

#[test]
fn a_reload_loses_no_line() {
    let server = logging("access_log logs/access.log combined flush=1h;", "");
    (0..3).for_each(|_| drop(server.get("/a")));
    let done = server.command(&["-s", "reload"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(lines(&server, 3).len(), 3);
}

#[test]
fn an_aborted_download_is_logged_with_what_was_sent() {
    let server = logging("access_log logs/access.log combined buffer=0;", "sendfile on;");
    server.file("html/big", bytes(30_000_000));
    let mut wire = server.wire();
    wire.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    drop(wire);
    let line = lines(&server, 1).remove(0);
    let words: Vec<&str> = line.split("\" ").nth(1).unwrap_or_default().split(' ').collect();
    let sent: u64 = words[1].parse().expect("bytes");
    assert!(words[0] == "200" && sent < 30_000_000, "{line}");
}

#[test]
fn each_request_of_a_connection_has_its_line() {
    let server = logging(
        "log_format short '$request_uri $connection_requests'; access_log logs/access.log short buffer=0;",
        "",
    );
    let requests: String =
        (0..100).map(|at| format!("GET /a?{at} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    server.raw(requests);
    let wanted: Vec<String> = (0..100).map(|at| format!("/a?{at} {}", at + 1)).collect();
    assert_eq!(lines(&server, 100), wanted);
}
