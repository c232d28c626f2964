//! What no client should send: the status, and whether the connection is over.

use support::{Answer, Server, answers, bytes, site, start, wait_for};

const GOOD: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

fn serving(body: &str) -> Server {
    let server =
        start!(site(&format!("root html; {body} location = /says {{ return 200 says; }}")));
    server.file("html/a", "hello");
    server
}

/// The answers to these bytes with a good request behind them.
fn ask(server: &Server, request: &str) -> Vec<Answer> {
    answers(&server.raw(format!("{request}{GOOD}")), &[])
}

/// Refused with this status, and whatever comes behind is not looked at.
#[track_caller]
fn refused(server: &Server, request: &str, status: u16) {
    let all = ask(server, request);
    let shown: String = request.chars().take(200).collect();
    assert_eq!(all.len(), 1, "{shown:?}: {all:?}");
    assert_eq!((all[0].status, all[0].header("Connection")), (status, Some("close")), "{shown:?}");
    assert!(all[0].complete && all[0].text().contains(&format!("<h1>{status} ")), "{shown:?}");
}

#[test]
fn request_lines() {
    let server = serving("");
    for (line, status) in [
        ("GET / HTTP/1.1x", 400),
        ("GET / HTTP/1.a", 400),
        ("GET / HTTP/1.", 400),
        ("GET / HTTP/1", 400),
        ("GET / HTP/1.1", 400),
        ("GET / http/1.1", 400),
        ("get / HTTP/1.1", 400),
        ("G\u{0}T / HTTP/1.1", 400),
        ("GET /\u{0} HTTP/1.1", 400),
        ("GET /\u{1} HTTP/1.1", 400),
        ("GET /\u{7f} HTTP/1.1", 400),
        ("GET /a\tb HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400),
        ("GET HTTP/1.1", 400),
        (" GET / HTTP/1.1", 400),
        ("\u{16}\u{3}\u{1}\u{2}", 400),
        ("{}", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /%00 HTTP/1.1", 400),
        ("GET /%0 HTTP/1.1", 400),
        ("GET /%gg HTTP/1.1", 400),
        ("GET /../ HTTP/1.1", 400),
        ("GET /a/%2e%2e/%2e%2e/ HTTP/1.1", 400),
        ("GET http:// HTTP/1.1", 400),
        ("GET ftp:/x HTTP/1.1", 400),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/3.1", 505),
        ("PRI * HTTP/2.0", 400),
        ("TRACE / HTTP/1.1", 405),
        ("CONNECT x:80 HTTP/1.1", 405),
    ] {
        if status == 405 {
            // Not served, but understood.
            assert_eq!(
                ask(&server, &format!("{line}\r\nHost: x\r\n\r\n"))[0].status,
                status,
                "{line}"
            );
            continue;
        }
        refused(&server, &format!("{line}\r\nHost: x\r\n\r\n"), status);
    }
}

#[test]
fn odd_but_allowed() {
    let server = serving("");
    for request in [
        "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n",
        "\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\nHost: x\n\n",
        "GET /a HTTP/1.1\r\nHost:x\r\nnothing\r\nX: a\u{1}b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX_Y: z\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nÄ: z\r\nX: \u{e4}\t\r\n\r\n",
        "GET /a HTTP/1.9\r\nHost: x\r\n\r\n",
        "GET http://x/a HTTP/1.1\r\nHost: other\r\n\r\n",
        "GET /x/../a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a#fragment HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let all = ask(&server, request);
        assert_eq!(all.len(), 2, "{request:?}: {all:?}");
        assert_eq!(
            (all[0].text().as_str(), all[1].text().as_str()),
            ("hello", "hello"),
            "{request:?}"
        );
    }
}

#[test]
fn header_fields() {
    let server = serving("");
    for field in [
        "X : y",
        " X: y",
        "X: y\r\n folded",
        "X: y\r\n\tfolded",
        "\tX: y",
        "X: a\u{0}b",
        "X\u{0}: y",
        "X\t: y",
        "X: a\rb",
        ": y",
        "Host: x",
        "Host: x\r\nHost: y",
        "If-Match: a\r\nIf-Match: a",
        "If-None-Match: a\r\nIf-None-Match: a",
        "If-Modified-Since: a\r\nIf-Modified-Since: a",
        "If-Unmodified-Since: a\r\nIf-Unmodified-Since: a",
        "If-Range: a\r\nIf-Range: a",
        "Expect: a\r\nExpect: a",
        "Authorization: a\r\nAuthorization: a",
        "Proxy-Authorization: a\r\nProxy-Authorization: a",
        "Content-Range: a\r\nContent-Range: a",
    ] {
        refused(&server, &format!("GET /a HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n"), 400);
    }
}

#[test]
fn hosts() {
    let server = serving("");
    refused(&server, "GET /a HTTP/1.1\r\n\r\n", 400);
    for host in [
        "", "a b", "a/b", "a..b", "..", "x:99999", "x:port", "a\u{0}b", "[::1", "[::1]x", "a\tb",
        "/", "x:80:80",
    ] {
        refused(&server, &format!("GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400);
    }
    assert_eq!(answers(&server.raw("GET /a HTTP/1.0\r\n\r\n"), &[])[0].text(), "hello");
}

#[test]
fn nothing_is_smuggled() {
    let server = serving("");
    let inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (fields, status) in [
        ("Content-Length: 0\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        ("Content-Length: 5\r\nContent-Length: 0", 400),
        ("Content-Length: 5\r\nContent-Length: 5", 400),
        ("Content-Length: 5, 5", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400),
        ("Content-Length: ", 400),
        ("Content-Length: 18446744073709551621", 400),
        ("Content-Length: 9223372036854775808", 400),
        ("Content-Length : 5", 400),
        ("Content-Length\t: 5", 400),
        ("Transfer-Encoding : chunked", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: xchunked", 501),
        ("Transfer-Encoding: chunked, identity", 501),
        ("Transfer-Encoding: identity", 501),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding:\tchunked", 501),
        ("Transfer-Encoding: \u{b}chunked", 501),
        ("X: y\r\n Transfer-Encoding: chunked", 400),
        ("Transfer-Encoding\r\n : chunked", 400),
        ("X: y\rTransfer-Encoding: chunked", 400),
    ] {
        let all = ask(
            &server,
            &format!("POST /says HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n0\r\n\r\n{inner}"),
        );
        assert_eq!(all.len(), 1, "{fields:?}: {all:?}");
        assert_eq!((all[0].status, all[0].keeps()), (status, false), "{fields:?}");
    }
    // 1.0 knows no chunks: nobody can tell where that body ends.
    let all = ask(
        &server,
        &format!(
            "POST /says HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
        ),
    );
    assert_eq!((all.len(), all[0].status), (1, 400));
    assert!(!server.access_log().contains("/smuggled"));
}

#[test]
fn chunks() {
    let server = serving("");
    let head = "POST /says HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "2\r\nx\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1\r\nx\n0\r\n\r\n",
        "8000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "ffffffffffffffffffffffffffff\r\n",
        "1\rx\r\n0\r\n\r\n",
        "1;a\nx\r\n0\r\n\r\n",
    ] {
        let all = ask(&server, &format!("{head}{chunks}"));
        assert_eq!(
            all.len(),
            1,
            "{chunks:?}: what follows must not be taken for a request: {all:?}"
        );
    }
    for chunks in [
        "0\r\n\r\n",
        "1\r\nx\r\n0\r\n\r\n",
        "0001\r\nx\r\n000\r\n\r\n",
        "1;a=\"b\"\r\nx\r\n0;c\r\n\r\n",
        "A\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
    ] {
        let all = ask(&server, &format!("{head}{chunks}"));
        let texts: Vec<_> = all.iter().map(Answer::text).collect();
        assert_eq!(texts, ["says", "hello"], "{chunks:?}");
    }
}

#[test]
fn lines_and_heads_that_are_too_long() {
    let server = serving("");
    let long = |size: usize| "x".repeat(size);
    assert_eq!(
        ask(&server, &format!("GET /a?{} HTTP/1.1\r\nHost: x\r\n\r\n", long(8000)))[0].status,
        200
    );
    refused(&server, &format!("GET /a?{} HTTP/1.1\r\nHost: x\r\n\r\n", long(8200)), 414);
    assert_eq!(
        ask(&server, &format!("GET /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", long(8000)))[0].status,
        200
    );
    for request in [
        format!("GET /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", long(8200)),
        format!("GET /a HTTP/1.1\r\nHost: x\r\n{}: y\r\n\r\n", long(8200)),
        format!("GET /a HTTP/1.1\r\nHost: x\r\n{}\r\n", format!("X: {}\r\n", long(8000)).repeat(5)),
    ] {
        refused(&server, &request, 400);
        assert!(ask(&server, &request)[0].text().contains("Request Header Or Cookie Too Large"));
    }
    refused(
        &server,
        &format!("GET /a HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(1001)),
        400,
    );
}

#[test]
fn limits_of_ones_own() {
    let server = serving(
        "client_header_buffer_size 256; large_client_header_buffers 2 512; max_headers 10;",
    );
    let long = "x".repeat(600);
    refused(&server, &format!("GET /a?{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
    refused(&server, &format!("GET /a HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"), 400);
    refused(&server, &format!("GET /a HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(10)), 400);
    assert_eq!(
        ask(&server, &format!("GET /a HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(9)))[0]
            .status,
        200
    );
    let large = serving("large_client_header_buffers 4 64k;");
    assert_eq!(
        ask(&large, &format!("GET /a?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(60_000)))[0]
            .status,
        200
    );
}

#[test]
fn endless_input_is_ended() {
    let server = serving("lingering_time 100ms;");
    for (start, piece) in [
        ("GET /", "x"),
        ("", "G"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nX: ", "y"),
        ("GET /a HTTP/1.1\r\nHost: x\r\n", "X: y\r\n"),
        ("GET /a HTTP/1.1\r\nHost: x\r\n", "z"),
    ] {
        let mut wire = server.wire();
        wire.send(start);
        let block = piece.repeat(4096 / piece.len());
        wait_for("the end of the connection", || !wire.send(&block));
        // What was answered may be lost in the reset that ends it; another client is served.
        drop(wire);
        assert_eq!(server.get("/a").text(), "hello");
    }
}

#[test]
fn bytes_of_any_kind_do_no_harm() {
    let server = serving("");
    for seed in 0..64 {
        let noise = &bytes(70_000)[seed * 997..seed * 997 + 2000];
        server.raw(noise);
        server.raw([b"GET /", noise].concat());
        server.raw([GOOD.as_bytes(), noise].concat());
        server.raw([b"GET /a HTTP/1.1\r\nHost: x\r\n", noise, b"\r\n\r\n"].concat());
        server.raw(
            [b"POST /says HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", noise]
                .concat(),
        );
    }
    for cut in 0..GOOD.len() {
        assert_eq!(server.raw(&GOOD[..cut]).len(), 0, "half a request has no answer");
    }
    assert_eq!(server.get("/a").text(), "hello");
    assert_eq!(server.workers().len(), 1);
    assert!(!server.error_log().contains("exited on signal"));
}
