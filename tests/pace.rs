//! `limit_rate`, `limit_rate_after`: answers that go out slowly; `add_trailer`: fields behind them.

use std::time::Instant;

use support::{Server, Twin, answers, raw, site};

/// How long the whole answer takes, in milliseconds, and its body's length.
fn time(server: &Server, path: &str, fields: &str) -> (u128, usize) {
    let begun = Instant::now();
    let answer = server.curl(&["-H", fields], path);
    assert!(answer.complete && answer.status == 200, "{path}");
    (begun.elapsed().as_millis(), answer.body.len())
}

#[test]
fn an_answer_takes_as_long_as_it_is_to() {
    let conf = site(
        "root html;
         location /slow/ { alias html/; limit_rate 100k; }
         location /after/ { alias html/; limit_rate 100k; limit_rate_after 150k; }
         location /sent/ { alias html/; limit_rate 100k; sendfile on; }
         location /small/ { alias html/; limit_rate 10k; gzip on; gzip_types *; }
         location /threads/ { alias html/; limit_rate 10k; sendfile on; aio threads; }
         location /asked/ { alias html/; limit_rate $http_rate; }",
    );
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(conf)
        .file("html/a", support::bytes(200 << 10))
        .file("html/b", support::bytes(30 << 10))
        .start();
    // The first second's share goes at once: at least the rest takes its time. Nothing is said of how long at most.
    for (path, fields, least) in [
        ("/slow/a", "X: y", 900),
        ("/sent/a", "X: y", 900),
        ("/asked/a", "Rate: 100k", 900),
        ("/after/a", "X: y", 0),
        ("/a", "X: y", 0),
        ("/asked/a", "X: y", 0),
        ("/asked/a", "Rate: nonsense", 0),
    ] {
        let (took, length) = time(&server, path, fields);
        assert!(took >= least && length == 200 << 10, "{path} {fields}: {took} ms, {length}");
    }
    // Of a source as of a file.
    let (took, length) = time(&server, "/small/a", "Accept-Encoding: gzip");
    // What a second's share does not cover, at ten kilobytes a second; less a little for clocks.
    let rest = (length as u128).saturating_sub(10 << 10);
    assert!(length > 12_000 && took + 50 >= rest * 1000 / (10 << 10), "{took} ms, {length}");
    // What another thread sends, too.
    let (took, length) = time(&server, "/threads/b", "X: y");
    assert!(took >= 1900 && length == 30 << 10, "{took} ms, {length}");
    // Others are served meanwhile, on the same connection too, one after the other.
    let mut wire = server.wire();
    wire.send("GET /slow/a HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(server.get("/a").body.len(), 200 << 10);
    assert_eq!(wire.answer().body.len(), 200 << 10);
    assert_eq!(wire.answer().body.len(), 200 << 10);
}

/// Who says no more may listen still: it gets all of it.
#[test]
fn who_has_closed_one_side_gets_a_slow_answer() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; limit_rate 4k;"))
        .file("html/a", support::bytes(12 << 10))
        .start();
    let mut wire = server.wire();
    wire.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wire.half_close();
    let rest = wire.rest();
    assert!(rest.ends_with(&support::bytes(12 << 10)), "{} bytes", rest.len());
}

#[test]
fn who_leaves_a_slow_answer_is_forgotten() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; limit_rate 1k;"))
        .file("html/a", support::bytes(100 << 10))
        .start();
    let mut wire = server.wire();
    wire.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.until("\r\n\r\n");
    drop(wire);
    server.wait_for("its line in the log", || server.access_log().contains("GET /a"));
}

#[test]
fn trailers_follow_as_from_nginx() {
    let conf = site(
        "root html; add_trailer X-Status $status; add_trailer X-Empty $http_none;
         location /always/ { alias html/; add_trailer X-Always yes always; }
         location /off/ { alias html/; chunked_transfer_encoding off; }
         location /text { return 200 'some text'; }
         location /moved { return 302 /text; }
         location /empty { return 204; }",
    );
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/a", support::bytes(100 << 10))
        .file("html/none", "")
        .start();
    let twin = Twin::start(&conf, &server);
    let requests = [
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "GET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /always/missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /off/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /moved HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ];
    for request in requests {
        let facts = |port| {
            let bytes = raw(port, request.as_bytes());
            let method = request.split(' ').next().unwrap_or_default();
            let answer = answers(&bytes, &[method]).into_iter().next().expect("an answer");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let end = text.rfind("\r\n0\r\n").map(|at| text[at..].to_owned());
            let field = |name: &str| answer.header(name).map(str::to_owned);
            (answer.status, field("Content-Length"), field("Transfer-Encoding"), end)
        };
        let (ours, theirs) = (facts(server.port()), facts(twin.port()));
        assert_eq!(ours, theirs, "{request}");
    }
    let whole = raw(server.port(), requests[0].as_bytes());
    assert!(whole.ends_with(b"\r\n0\r\nX-Status: 200\r\n\r\n"), "{}", whole.len());
}
