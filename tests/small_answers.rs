//! `stub_status`, `empty_gif`, `random_index`, beside nginx.

use std::collections::BTreeSet;

use support::{Server, Twin, answers, http, process, raw, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; root html;
        location /status { stub_status; }
        location /old { stub_status on; }
        location /counts { return 200 "$connections_active $connections_reading $connections_writing $connections_waiting"; }
        location /pixel { empty_gif; }
        location /any/ { random_index on; }
        location / { }
    }
"#;

fn numbers(server: &Server) -> Vec<u64> {
    let text = server.get("/status").text();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn the_page_has_nginx_form() {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    let shape = |port: u16, path: &str| {
        let answer = raw(
            port,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        let answer = &answers(&answer, &[])[0];
        let text: String =
            answer.text().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        (answer.status, answer.header("Content-Type").map(str::to_owned), text)
    };
    for path in ["/status", "/old", "/counts"] {
        assert_eq!(shape(server.port(), path), shape(twin.port(), path), "{path}");
    }
    let post = raw(server.port(), b"POST /status HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(answers(&post, &[])[0].status, 405);
}

#[test]
fn all_workers_are_counted_and_none_that_has_ended() {
    let server = start!(format!("worker_processes 3; {}", http(CONF)));
    let before = numbers(&server);
    let mut idle: Vec<_> = (0..20).map(|_| server.wire()).collect();
    for wire in &mut idle {
        wire.send("GET /counts HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(wire.answer().status, 200);
    }
    let mut slow: Vec<_> = (0..5).map(|_| server.wire()).collect();
    for wire in &mut slow {
        wire.send("GET /slow HTTP/1.1\r\nHo");
    }
    // Active, accepted, handled, requests, reading, writing, waiting.
    server.wait_for("all of them", || {
        let now = numbers(&server);
        now[0] == 26 && now[4] == 5 && now[5] == 1 && now[6] == 20
    });
    let now = numbers(&server);
    assert!(
        now[1] >= before[1] + 26 && now[1] == now[2] && now[3] >= before[3] + 21,
        "{before:?} {now:?}"
    );
    // Nothing is lost of what a worker had counted that dies, and nothing open is left of it.
    for worker in server.workers() {
        process::kill(&[worker]);
    }
    drop((idle, slow));
    server.wait_for("new workers", || server.workers().len() == 3);
    server.wait_for("one connection", || {
        let after = numbers(&server);
        after[0] == 1 && after[6] == 0 && after[1] > now[1] && after[3] > now[3]
    });
    server.command(&["-s", "reload"]);
    server.wait_for("the same after a reload", || numbers(&server)[1] > now[1]);
}

#[test]
fn a_pixel() {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    for request in [
        "GET /pixel HTTP/1.0\r\n\r\n",
        "HEAD /pixel HTTP/1.0\r\n\r\n",
        "POST /pixel HTTP/1.0\r\n\r\n",
        "GET /pixel HTTP/1.0\r\nIf-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT\r\n\r\n",
    ] {
        let told = |port: u16| {
            let answers = answers(&raw(port, request.as_bytes()), &["HEAD"]);
            let body = if answers[0].status == 200 { answers[0].body.clone() } else { Vec::new() };
            let header = |name: &str| answers[0].header(name).map(str::to_owned);
            (answers[0].status, header("Content-Type"), header("Last-Modified"), body)
        };
        assert_eq!(told(server.port()), told(twin.port()), "{request}");
    }
}

#[test]
fn any_file_of_a_directory() {
    let server = start!(http(CONF));
    for name in ["a", "b", "c", ".hidden"] {
        server.file(&format!("html/any/{name}"), name);
    }
    std::fs::create_dir_all(server.path("html/any/dir")).expect("a directory");
    std::fs::create_dir_all(server.path("html/any/empty")).expect("a directory");
    let mut seen = BTreeSet::new();
    server.wait_for("all of them", || {
        seen.insert(server.get("/any/").text());
        seen.len() == 3
    });
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(server.get("/any/empty/").status, 403);
    assert_eq!(server.get("/any/none/").status, 404);
    assert_eq!(server.get("/any/a").text(), "a");
}

#[test]
fn parts_that_would_be_asked_for() {
    let conf = http(
        r#"server { listen 127.0.0.1:{port}; root html;
            location / { slice 1m; set $part $slice_range; return 200 "[$part]"; }
            location /off { return 200 "[$slice_range]"; }
            location /file { slice 10; add_header X-Part $slice_range; } }"#,
    );
    let server = start!(&conf);
    server.file("html/file", "0123456789abcdefghij");
    let twin = Twin::start(&conf, &server);
    for path in ["/", "/off", "/file"] {
        for range in [
            "",
            "Range: bytes=0-5",
            "Range: bytes=1048576-",
            "Range: bytes=3145727-9999999",
            "Range: bytes=-5",
            "Range: x",
            "Range: bytes=5-6,9-10",
            "Range: bytes=12-14\r\nIf-Range: \"x\"",
        ] {
            let request = format!(
                "GET {path} HTTP/1.0\r\n{range}{}\r\n",
                if range.is_empty() { "" } else { "\r\n" }
            );
            let told = |port: u16| {
                let answer = answers(&raw(port, request.as_bytes()), &[]).remove(0);
                (
                    answer.status,
                    answer.header("X-Part").map(str::to_owned),
                    if path == "/file" { Vec::new() } else { answer.body.clone() },
                )
            };
            assert_eq!(told(server.port()), told(twin.port()), "{path} {range}");
        }
    }
}
