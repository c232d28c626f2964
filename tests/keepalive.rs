//! Several requests on one connection, and how a connection ends.

use support::{Server, answers, bytes, site, start};

fn serving(body: &str) -> Server {
    let server = start!(site(&format!(
        "root html; {body} location = /says {{ return 200 \"$request_uri $connection_requests\"; }}"
    )));
    server.file("html/a", "hello");
    server.file("html/big", bytes(3_000_000));
    server
}

fn get(uri: &str) -> String {
    format!("GET {uri} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[test]
fn requests_one_after_the_other() {
    let server = serving("");
    let mut wire = server.wire();
    for _ in 0..100 {
        wire.send(get("/a"));
        let answer = wire.answer();
        assert_eq!((answer.text().as_str(), answer.keeps()), ("hello", true));
    }
    for path in ["/none", "/../x", "/a"] {
        wire.send(get(path));
        let answer = wire.answer();
        assert_eq!(answer.keeps(), answer.status != 400, "{path}");
        if !answer.keeps() {
            break;
        }
    }
    assert!(wire.closes());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = serving("");
    let requests: String = (0..500).map(|at| get(&format!("/says?{at}"))).collect();
    let all = answers(&server.raw(&requests), &[]);
    assert_eq!(all.len(), 500);
    for (at, answer) in all.iter().enumerate() {
        assert_eq!(answer.text(), format!("/says?{at} {}", at + 1));
    }
}

#[test]
fn pipelined_requests_of_all_kinds() {
    let server = serving("sendfile on;");
    let post = "POST /says HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /";
    let chunks = "POST /says HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n";
    let head = "HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n";
    let part = "GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=5-9\r\n\r\n";
    let requests =
        [&get("/a"), post, &get("/big"), head, chunks, &get("/none"), part, &get("/a")].concat();
    let all = answers(
        &server.raw(requests.repeat(3)),
        &["GET", "POST", "GET", "HEAD", "POST", "GET", "GET", "GET"].repeat(3),
    );
    let statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 404, 206, 200].repeat(3));
    assert!(all[2].body == bytes(3_000_000) && all[18].body == bytes(3_000_000));
    assert_eq!(all[6].body, bytes(10)[5..]);
}

#[test]
fn a_request_may_come_in_any_pieces() {
    let server = serving("");
    let request = "GET /a HTTP/1.1\r\nHost: x\r\nX-Long: y\r\n\r\nPOST /says HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    for size in [1, 2, 3, 7, 50] {
        let mut wire = server.wire();
        for piece in request.as_bytes().chunks(size) {
            assert!(wire.send(piece));
        }
        let statuses = [(); 3].map(|()| wire.answer().status);
        assert_eq!(statuses, [200, 200, 200], "pieces of {size}");
    }
}

#[test]
fn a_connection_has_its_number_of_requests() {
    let server = serving("keepalive_requests 3;");
    let mut wire = server.wire();
    let kept = [(); 3].map(|()| {
        wire.send(get("/a"));
        wire.answer().keeps()
    });
    assert_eq!(kept, [true, true, false]);
    assert!(wire.closes());
    let all = answers(&server.raw(get("/a").repeat(5)), &[]);
    assert_eq!(all.len(), 3, "pipelined ones, too");
}

#[test]
fn who_wants_the_connection_closed_or_kept() {
    let server = serving(
        "location /none/ { alias html/; keepalive_timeout 0; } location /told/ { alias html/; keepalive_timeout 60s 42s; }",
    );
    for (version, field, keeps) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: Close\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: close\r\n", false),
    ] {
        let mut wire = server.wire();
        wire.send(format!("GET /a HTTP/{version}\r\nHost: x\r\n{field}\r\n"));
        let answer = wire.answer();
        let says = if keeps { "keep-alive" } else { "close" };
        assert_eq!(answer.header("Connection"), Some(says), "{version} {field}");
        if keeps {
            wire.send(get("/a"));
            assert_eq!(wire.answer().status, 200);
        } else {
            assert!(wire.closes());
        }
    }
    assert_eq!(server.get("/none/a").header("Connection"), Some("close"));
    assert_eq!(server.get("/told/a").header("Keep-Alive"), Some("timeout=42"));
    assert_eq!(server.get("/a").header("Keep-Alive"), None);
}

#[test]
fn http_0_9_gets_the_bare_file() {
    let server = serving("");
    assert_eq!(server.raw("GET /a\r\n"), b"hello");
    assert_eq!(server.raw("GET /big\r\n"), bytes(3_000_000));
}

#[test]
fn expectations() {
    let server = serving("");
    let mut wire = server.wire();
    let head =
        "POST /says HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    wire.send(head);
    // The body is not wanted: either it is asked for, or the answer comes at once and ends it all.
    let mut answer = wire.answer();
    if answer.status == 100 {
        wire.send("abc");
        answer = wire.answer();
    }
    assert_eq!(answer.status, 200);
    // curl, which waits for a word when its body is big, gets its answer.
    let body = server.file("body", bytes(900_000));
    let body = format!("@{}", body.display());
    for expect in ["Expect: 100-continue", "Expect: other", "Expect:"] {
        let answer = server.curl(&["--data-binary", &body, "--header", expect], "/says");
        assert_eq!((answer.status, answer.complete), (200, true), "{expect}");
    }
}

#[test]
fn bodies_that_nobody_reads_are_thrown_away() {
    let server = serving("client_max_body_size 0;");
    let mut wire = server.wire();
    for size in [0, 1, 1000, 16_384, 100_000, 5_000_000] {
        wire.send(format!("POST /says HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"));
        wire.send(bytes(size));
        wire.send(get("/a"));
        let (first, second) = (wire.answer(), wire.answer());
        assert_eq!((first.status, second.text().as_str()), (200, "hello"), "{size}");
    }
    wire.send("POST /says HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for size in [1, 1000, 70_000, 1_000_000] {
        wire.send(format!("{size:x};extension=\"x\"\r\n"));
        wire.send(bytes(size));
        wire.send("\r\n");
    }
    wire.send("0\r\nTrailer: x\r\n\r\n".to_owned() + &get("/a"));
    let (first, second) = (wire.answer(), wire.answer());
    assert_eq!((first.status, second.text().as_str()), (200, "hello"), "chunks");
}

#[test]
fn a_client_that_sends_too_much_still_gets_the_page() {
    let server = serving("client_max_body_size 1k;");
    let body = bytes(4_000_000);
    let mut wire = server.wire();
    wire.send(format!("POST /says HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()));
    assert!(wire.send(&body), "the server takes what is on its way");
    let answer = wire.answer();
    assert_eq!((answer.status, answer.keeps()), (413, false));
    assert!(answer.text().contains("413 Request Entity Too Large"));
    let file = server.file("body", &body);
    let file = format!("@{}", file.display());
    for _ in 0..10 {
        let answer = server.curl(&["--data-binary", &file, "--header", "Expect:"], "/says");
        assert_eq!(answer.status, 413);
    }
    assert!(server.error_log().contains("client intended to send too large body: 4000000 bytes"));
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_answers() {
    let server = serving("sendfile on;");
    let all = answers(&server.raw(get("/big").repeat(3)), &[]);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|answer| answer.complete && answer.body.len() == 3_000_000));
}

#[test]
fn more_connections_than_slots() {
    let server = start!(format!("events {{ worker_connections 32; }}\n{}", site("root html;")));
    server.file("html/a", "hello");
    let mut wires: Vec<_> = (0..100).map(|_| server.wire()).collect();
    // The idle ones have to go when others come, but whoever asks gets an answer.
    for wire in wires.iter_mut().rev().take(20) {
        wire.send(get("/a"));
        assert_eq!(wire.answer().text(), "hello");
    }
    drop(wires);
    assert_eq!(server.get("/a").text(), "hello");
}
