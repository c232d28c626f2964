//! A stream is what every client gets that does not ask for figures by their own name.

use support::{Server, http, start};

use crate::client::{end, publish};
use crate::up;

const FIGURES: &str = "Accept: application/vnd.rserve.channel+json";

#[track_caller]
fn kind(server: &Server, accept: &str, path: &str) -> (u16, String) {
    let answer = server.curl(&["-N", "-H", accept], path);
    (answer.status, answer.header("Content-Type").unwrap_or_default().to_owned())
}

#[test]
fn what_sdks_accept_is_a_stream() {
    let server = up("sse_start oldest; sse_figures all;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    // openai's SDKs; axios; MCP clients; curl; nobody.
    for accept in [
        "Accept: application/json",
        "Accept: application/json, text/plain, */*",
        "Accept: application/json, text/event-stream",
        "Accept: application/*",
        "Accept: */*",
        "Accept: application/vnd.rserve.channel+json;q=0, */*",
        "Accept:",
    ] {
        assert_eq!(
            kind(&server, accept, "/events/c"),
            (200, "text/event-stream".into()),
            "{accept}"
        );
    }
    let wanted = (200, "application/vnd.rserve.channel+json".into());
    assert_eq!(kind(&server, FIGURES, "/events/c"), wanted);
}

#[test]
fn a_list_may_stand_in_several_lines() {
    // RFC 9110 §5.3: they are one list.
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "first");
    publish(&server, "/events/c", "second");
    let mut wire = server.wire();
    wire.send(
        "GET /events/c HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nAccept: text/event-stream\r\n\r\n",
    );
    assert!(wire.until("data: first\n\n").contains("retry: "));
    let mut wire = server.wire();
    wire.send(
        "GET /events/c HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert!(wire.until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
}

/// openai's Python SDK takes every blank line behind an id or a time for an event, and fails when it has
/// no data: so who does not ask for `text/event-stream` gets lines that end no block between events.
#[test]
fn who_asks_for_something_else_gets_events_alone() {
    let server = up("sse_start oldest; sse_keepalive 50ms;");
    let mut wire = server.wire();
    let accept = "Accept: application/json\r\n";
    wire.send(format!("GET /events/c HTTP/1.0\r\nHost: x\r\n{accept}\r\n"));
    wire.until("\r\n\r\n");
    // The beginning, and two signs of life.
    assert_eq!(wire.until(":\n:\n:\n"), ":\n:\n:\n");
    let id = publish(&server, "/events/c", "x");
    let upto = wire.until("data: x\n\n");
    assert_eq!(upto.replace(":\n", ""), format!("id: {id}\ndata: x\n\n"));
    // Also when it has a place.
    assert_eq!(wire.until(":\n:\n"), ":\n:\n");
    end(&server, "/events/c");
    let rest = wire.rest();
    assert!(String::from_utf8_lossy(&rest).contains("event: end"), "{rest:?}");
}

#[test]
fn figures_are_for_who_may_publish_unless_it_is_written() {
    let server = start!(http(
        "sse_zone z 1m;
         server { listen 127.0.0.1:{port};
             location = /both { sse_subscribe a; sse_publish a; }
             location = /read { sse_subscribe a; }
             location = /others { sse_subscribe a; sse_publish a; sse_publish_from 192.0.2.1; }
             location = /all { sse_subscribe a; sse_figures all; }
             location = /off { sse_subscribe a; sse_publish a; sse_figures off; } }"
    ));
    publish(&server, "/both", "x");
    let statuses = ["/both", "/read", "/others", "/all", "/off"]
        .map(|path| server.curl(&["-H", FIGURES], path).status);
    assert_eq!(statuses, [200, 403, 403, 200, 403]);
}
