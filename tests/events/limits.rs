//! Limits, and how a browser is told of them.

use support::Server;

use crate::client::{publish, subscribe};
use crate::up;

/// A stream that ends at once, with a time to come again, as a browser gets it.
#[track_caller]
fn is_turned_away(server: &Server, path: &str) {
    for accept in
        ["Accept: text/event-stream", "Accept: */*", "Accept: text/*, text/html", "Accept:"]
    {
        let answer = server.curl(&["-N", "-H", accept], path);
        let kind = answer.header("Content-Type");
        assert_eq!((answer.status, kind), (200, Some("text/event-stream")), "{accept}");
        let text = answer.text();
        assert!(answer.complete && text.contains("\nretry: ") && !text.contains("data"), "{text}");
    }
}

/// The status for who cannot take a stream: by what it accepts.
fn refusal(server: &Server, path: &str) -> u16 {
    server.curl(&["-H", "Accept: application/json"], path).status
}

#[test]
fn a_channel_has_so_many_subscribers() {
    let server = up("sse_max_subscribers 2;");
    let one = subscribe(&server, "/events/c", "");
    let _two = subscribe(&server, "/events/c", "");
    assert_eq!(refusal(&server, "/events/c"), 503);
    is_turned_away(&server, "/events/c");
    subscribe(&server, "/events/d", "");
    drop(one);
    server.wait_for("room", || {
        let mut wire = server.wire();
        wire.send("GET /events/c HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n");
        wire.until("\r\n\r\n").starts_with("HTTP/1.1 200 ")
    });
}

#[test]
fn an_address_has_so_many_streams() {
    let server = up("sse_max_per_address 3;");
    let _all = ["a", "b", "c"].map(|name| subscribe(&server, &format!("/events/{name}"), ""));
    assert_eq!(refusal(&server, "/events/d"), 429);
    is_turned_away(&server, "/events/d");
    // A WebSocket is told before its handshake.
    let socket = "GET /events/d HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut wire = server.wire();
    wire.send(socket);
    assert_eq!(wire.answer().status, 429);
    // Another address of this machine has streams of its own.
    let other = server.curl(&["--interface", "127.0.0.2", "-I"], "/events/d");
    assert_eq!(other.status, 200);
    // Neither the counters nor those who were turned away are channels or subscribers; and a name that
    // nobody has published to is no channel.
    let text = server.get("/status").text();
    assert!(text.contains("\"channels\":0") && text.contains("\"subscribers\":3,"), "{text}");
}

#[test]
fn a_zone_has_so_many_streams() {
    let server = up("sse_max_streams 3;");
    // A stream of several channels is one.
    let _all = [
        subscribe(&server, "/events/a", ""),
        subscribe(&server, "/some?c=a,b,c", ""),
        subscribe(&server, "/events/b", ""),
    ];
    assert_eq!(refusal(&server, "/events/d"), 503);
    is_turned_away(&server, "/events/d");
    publish(&server, "/events/d", "x");
}

#[test]
fn who_is_told_no_time_keeps_its_own() {
    // A browser keeps what it was told last: where nothing is said later, nothing is said now.
    let server = up("sse_max_subscribers 1; sse_retry off;");
    let _one = subscribe(&server, "/events/c", "");
    let answer = server.curl(&["-N"], "/events/c");
    assert!(answer.complete && !answer.text().contains("retry"), "{}", answer.text());
}

#[test]
fn this_machine_has_as_many_streams_as_it_likes() {
    // It may be a proxy: the default counts public addresses alone.
    let server = up("");
    let many: Vec<_> = (0..300).map(|_| subscribe(&server, "/events/c", "")).collect();
    assert_eq!(many.len(), 300);
}

#[test]
fn there_are_so_many_channels() {
    let server = up("sse_max_channels 2;");
    publish(&server, "/events/a", "x");
    // Readers of names that nobody has published to are in no publisher's way.
    let waiting = ["b", "c", "d"].map(|name| subscribe(&server, &format!("/events/{name}"), ""));
    publish(&server, "/events/b", "x");
    assert_eq!(server.curl(&["-d", "x"], "/events/c").status, 507);
    drop(waiting);
    publish(&server, "/events/a", "y");
}

#[test]
fn a_message_has_so_many_bytes() {
    let server = up("sse_max_message 1k;");
    let at = |len: usize| {
        let file = server.file("body", "x".repeat(len));
        let arg = format!("@{}", file.display());
        server.curl(&["--data-binary", &arg], "/events/c").status
    };
    assert_eq!((at(1024), at(1025), at(64 << 20)), (202, 413, 413));
    let stream = |len: usize| {
        let file = server.file("body", format!("data: {}\n\n", "x".repeat(len)));
        let arg = format!("@{}", file.display());
        let args = ["-H", "Content-Type: text/event-stream", "--data-binary", &arg];
        server.curl(&args, "/events/c").status
    };
    // A stream has no length of its own.
    assert_eq!((stream(1024), stream(2000)), (202, 413));
    let long = server.file("body", "data: x\n\n".repeat(200_000));
    let arg = format!("@{}", long.display());
    let args = ["-H", "Content-Type: text/event-stream", "--data-binary", &arg];
    let answer = server.curl(&args, "/events/d");
    assert_eq!((answer.status, crate::client::number(&answer, "published")), (202, 200_000));
}

#[test]
fn the_largest_message_is_what_half_a_zone_holds() {
    let server = support::start!(crate::with_zone("z 1m", "sse_max_message 64m;"));
    let file = server.file("body", "x".repeat(900_000));
    let arg = format!("@{}", file.display());
    let answer = server.curl(&["--data-binary", &arg], "/events/c");
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(answer.text().contains("zone"), "{}", answer.text());
    publish(&server, "/events/c", "x");
}
