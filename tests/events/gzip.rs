//! Streams that are compressed.

use support::curl;

use crate::client::{data, end, events, publish, subscribe};
use crate::up;

#[test]
fn a_client_that_accepts_gzip_sees_the_same() {
    let server = up("gzip on; gzip_comp_level 6; sse_start oldest; sse_max_message 2m;");
    let long = "a long line of data, ".repeat(20_000);
    let file = server.file("long", &long);
    publish(&server, "/events/c", "first\nsecond");
    let arg = format!("@{}", file.display());
    server.curl(&["--data-binary", &arg], "/events/c");
    publish(&server, "/events/c", "last");
    end(&server, "/events/c");
    let url = server.url("/events/c");
    let plain = curl(&["-N", &url]);
    for version in ["--http1.1", "--http1.0"] {
        let packed = curl(&["-N", "--compressed", version, &url]);
        assert!(packed.complete, "{version}: the check sum or the framing is wrong");
        assert_eq!(packed.header("Content-Encoding"), Some("gzip"));
        assert_eq!(packed.header("Vary"), Some("Accept-Encoding"));
        assert_eq!(events(&packed.text()), events(&plain.text()), "{version}");
    }
    assert_eq!(plain.header("Content-Encoding"), None);
    assert_eq!(data(&events(&plain.text()).0), ["first\nsecond", &long, "last"]);
    // Smaller, too.
    let raw = curl(&["-N", "-H", "Accept-Encoding: gzip", &url]).body.len();
    assert!(raw < long.len() / 10, "{raw}");
}

#[test]
fn a_compressed_event_is_not_held_back() {
    let server = up("gzip on; sse_keepalive 100ms;");
    let mut wire = server.wire();
    wire.send("GET /events/c HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    wire.until("\r\n\r\n");
    // The sync flush at the end of each piece: the decoder has all that was put in.
    const FLUSH: &str = "\u{0}\u{0}";
    wire.until("\r\n");
    wire.until(FLUSH);
    let mut plain = subscribe(&server, "/events/c", "");
    publish(&server, "/events/c", "x");
    wire.until(FLUSH);
    plain.until("data: x\n\n");
    // Keep-alives are part of the compressed stream.
    wire.until(FLUSH);
}

#[test]
fn it_is_off_unless_it_is_switched_on() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    let answer = server.curl(&["-N", "-H", "Accept-Encoding: gzip"], "/events/c");
    assert_eq!(answer.header("Content-Encoding"), None);
    assert!(answer.text().contains("data: x"));
}
