//! What nobody should send: a clear answer, bounded memory, and nobody else's loss.

use support::{Server, proc};

use crate::client::{data, end, publish, replay, subscribe};
use crate::up;

#[track_caller]
fn refused(server: &Server, args: &[&str], path: &str) {
    let answer = server.curl(args, path);
    assert_eq!(answer.status, 400, "{args:?} {path}: {}", answer.text());
}

#[test]
fn fields_that_cannot_be_sent_are_refused() {
    let server = up("sse_start oldest;");
    let long = "x".repeat(65);
    for query in [
        "event=a%0Adata:%20evil",
        "event=a%0D",
        "event=%00",
        "event=%FF",
        &format!("event={long}"),
        "id=a%20b",
        "id=a%0A",
        "id=%C3%BC",
        "id=a:b",
        &format!("id={long}"),
    ] {
        refused(&server, &["-d", "x"], &format!("/events/c?{query}"));
    }
    refused(&server, &["-d", "x", "-H", &format!("Event-Type: {long}")], "/events/c");
    refused(&server, &["-d", "x", "-H", "Event-ID: a b"], "/events/c");
    for raw in [&b"Event-Type: a\0b\r\n"[..], b"Event-ID: \xff\r\n"] {
        let head = b"POST /events/c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n";
        let mut wire = server.wire();
        wire.send([head, raw, b"\r\nx"].concat());
        assert_eq!(wire.answer().status, 400);
    }
    let stream = ["-H", "Content-Type: text/event-stream", "--data-binary", "id: a b\ndata: x\n\n"];
    refused(&server, &stream, "/events/c");
    publish(&server, "/events/c", "good");
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["good"]);
}

#[test]
fn data_is_utf_8_and_nul_is_only_a_character() {
    let server = up("sse_start oldest;");
    let post = |bytes: &[u8]| {
        let file = server.file("body", bytes);
        let arg = format!("@{}", file.display());
        server.curl(&["--data-binary", &arg], "/events/c").status
    };
    assert_eq!(post(b"a\xff"), 400);
    assert_eq!(post(b"\xEF\xBB\xBFa"), 202);
    assert_eq!(post(b"a\0b"), 202);
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["\u{feff}a", "a\0b"]);
}

#[test]
fn names_that_are_none_are_refused() {
    let server = up("");
    for name in ["a%20b", "a%0Ab", "a%00", "%FF", "a,", ",", &"x".repeat(256)] {
        refused(&server, &["-d", "x"], &format!("/events/{name}"));
        refused(&server, &["-N"], &format!("/events/{name}"));
    }
    let answer = server.curl(&["-d", "x"], &format!("/events/{}", "x".repeat(10_000)));
    assert!(matches!(answer.status, 400 | 414), "{}", answer.status);
    let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    refused(&server, &["-N"], &format!("/some?c={}", many.join(",")));
    assert!(server.get("/status").text().contains("\"channels\":0"));
}

#[test]
fn a_long_id_of_the_clients_is_only_a_lost_place() {
    let server = up("");
    publish(&server, "/events/c", "x");
    let id = "x".repeat(5000);
    let mut wire = subscribe(&server, "/events/c", &format!("Last-Event-ID: {id}\r\n"));
    assert!(wire.until("data: x\n\n").contains("\"reason\":\"malformed\""));
}

#[test]
fn bodies_that_lie_about_themselves_publish_nothing() {
    let server = up("");
    for body in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: x\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    ] {
        let mut wire = server.wire();
        wire.send(format!("POST /events/c HTTP/1.1\r\nHost: x\r\n{body}"));
        let answer = wire.answer();
        assert!(matches!(answer.status, 400 | 501), "{body:?}: {}", answer.status);
    }
    assert!(server.get("/status").text().contains("\"published\":0"));
}

#[test]
fn a_huge_body_costs_nobody_memory() {
    let server = up("sse_max_message 1m;");
    let before: u64 = server.workers().into_iter().map(proc::memory_kb).sum();
    let file = server.file("body", vec![b'x'; 64 << 20]);
    let arg = format!("@{}", file.display());
    for args in [
        vec!["--data-binary", &arg],
        vec!["--data-binary", &arg, "-H", "Transfer-Encoding: chunked"],
        vec!["--data-binary", &arg, "-H", "Content-Type: text/event-stream"],
    ] {
        assert_eq!(server.curl(&args, "/events/c").status, 413, "{args:?}");
    }
    let after: u64 = server.workers().into_iter().map(proc::memory_kb).sum();
    assert!(after < before + 16_000, "{before} kB, then {after} kB");
}
