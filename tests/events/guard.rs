//! Who may read, who may publish, and which pages.

use support::{Answer, Server, http, start};

use crate::client::{publish, subscribe};
use crate::up;

fn with_origin(server: &Server, origin: &str, args: &[&str], path: &str) -> Answer {
    let field = format!("Origin: {origin}");
    server.curl(&[&["-H", &field], args].concat(), path)
}

#[test]
fn publishing_is_for_this_machine_unless_it_is_written() {
    let server = up("sse_publish_from 10.0.0.0/8 unix:;");
    for args in [&["-d", "x"][..], &["-X", "DELETE"], &["-X", "PUT", "-d", "x"]] {
        assert_eq!(server.curl(args, "/events/c").status, 403, "{args:?}");
    }
    let stream = ["-H", "Content-Type: text/event-stream", "-d", "data: x\n\n"];
    assert_eq!(server.curl(&stream, "/events/c").status, 403);
    // Reading is not publishing.
    subscribe(&server, "/events/c", "");
    for from in ["127.0.0.1", "all", "10.0.0.0/8 127.0.0.0/8"] {
        publish(&up(&format!("sse_publish_from {from};")), "/events/c", "x");
    }
}

#[test]
fn what_guards_a_location_guards_its_streams() {
    let server = up("deny all;");
    for args in [&["-N"][..], &["-d", "x"], &["-X", "DELETE"], &["-X", "OPTIONS"]] {
        assert_eq!(server.curl(args, "/events/c").status, 403, "{args:?}");
    }
    let mut wire = server.wire();
    wire.send(
        "GET /events/c HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    assert_eq!(wire.answer().status, 403);
    let text = server.get("/status").text();
    assert!(text.contains("\"subscribers\":0") && text.contains("\"channels\":0"), "{text}");
}

#[test]
fn publishers_and_readers_have_locations_of_their_own() {
    let server = start!(http(
        "sse_zone z 1m;
         server { listen 127.0.0.1:{port};
             location ~ ^/read/(?<c>\\w+)$ { sse_subscribe $c; }
             location ~ ^/write/(?<c>\\w+)$ { sse_publish $c; allow 127.0.0.1; deny all; } }"
    ));
    let mut wire = subscribe(&server, "/read/c", "");
    assert_eq!(server.curl(&["-d", "x"], "/read/c").status, 405);
    assert_eq!(server.get("/write/c").status, 405);
    publish(&server, "/write/c", "x");
    wire.until("data: x\n\n");
}

#[test]
fn pages_of_other_origins_see_nothing_unless_they_are_named() {
    let server = up("");
    publish(&server, "/events/c", "x");
    for origin in ["http://other.example", "null"] {
        let answer = with_origin(
            &server,
            origin,
            &["-H", "Accept: application/vnd.rserve.channel+json"],
            "/events/c",
        );
        assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (200, None));
        assert_eq!(with_origin(&server, origin, &["-d", "x"], "/events/c").status, 403);
        assert_eq!(with_origin(&server, origin, &["-X", "DELETE"], "/events/c").status, 403);
        let answer = with_origin(&server, origin, &["-X", "OPTIONS"], "/events/c");
        assert_eq!(answer.header("Access-Control-Allow-Methods"), None);
    }
    // Its own pages may.
    let own = format!("http://127.0.0.1:{}", server.port());
    assert_eq!(with_origin(&server, &own, &["-d", "x"], "/events/c").status, 202);
}

#[test]
fn a_named_origin_gets_credentials_and_the_star_does_not() {
    let server = up("sse_allow_origin https://a.example http://b.example:8080;");
    let mut wire =
        subscribe_with_head(&server, "Origin: https://a.example\r\nCookie: session=1\r\n");
    assert!(wire.0.contains("Access-Control-Allow-Origin: https://a.example\r\n"), "{}", wire.0);
    assert!(wire.0.contains("Access-Control-Allow-Credentials: true\r\n"));
    assert!(wire.0.contains("Vary: Origin\r\n"));
    wire = subscribe_with_head(&server, "Origin: https://evil.example\r\n");
    assert!(!wire.0.contains("Access-Control-Allow") && wire.0.contains("Vary: Origin\r\n"));
    let answer = with_origin(
        &server,
        "http://b.example:8080",
        &[
            "-X",
            "OPTIONS",
            "-H",
            "Access-Control-Request-Method: GET",
            "-H",
            "Access-Control-Request-Headers: last-event-id",
        ],
        "/events/c",
    );
    assert_eq!(answer.status, 204);
    assert!(
        answer.header("Access-Control-Allow-Headers").is_some_and(|h| h.contains("Last-Event-ID"))
    );
    assert!(answer.header("Access-Control-Allow-Methods").is_some_and(|m| m.contains("DELETE")));
    assert_eq!(
        with_origin(&server, "https://a.example", &["-d", "x"], "/events/c").status,
        202 - 1
    );

    let server = up("sse_allow_origin *;");
    let wire = subscribe_with_head(&server, "Origin: https://any.example\r\n");
    assert!(wire.0.contains("Access-Control-Allow-Origin: *\r\n"));
    assert!(!wire.0.contains("Credentials"));
}

/// The head of a stream, and the connection.
fn subscribe_with_head(server: &Server, fields: &str) -> (String, support::Wire) {
    let mut wire = server.wire();
    wire.send(format!("GET /events/c HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
    (wire.until("\r\n\r\n"), wire)
}
