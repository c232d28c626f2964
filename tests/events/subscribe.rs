//! Subscribing: the first bytes, HTTP's versions, keep-alives, several channels.

use support::{curl, http, start};

use crate::client::{data, end, events, publish, replay, subscribe};
use crate::{conf, up};

#[test]
fn the_first_bytes_come_at_once_and_nobody_may_keep_them() {
    let server = up("");
    let mut wire = server.wire();
    wire.send("GET /events/c HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = wire.until("\r\n\r\n");
    for line in [
        "HTTP/1.1 200 OK\r\n",
        "Content-Type: text/event-stream\r\n",
        "Cache-Control: no-cache, no-transform\r\n",
        "X-Accel-Buffering: no\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        assert!(head.contains(line), "{line} is not in {head}");
    }
    for name in ["Content-Length", "ETag", "Accept-Ranges", "Last-Modified"] {
        assert!(!head.contains(name), "{head}");
    }
    let first = wire.until("\n\n");
    assert!(first.contains("\r\nretry: 2000\nid: ") && !first.contains("data"), "{first}");
}

#[test]
fn http_1_0_gets_no_chunks() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    let bytes = server.raw("GET /events/c HTTP/1.0\r\n\r\n");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("Connection: close") && !head.contains("chunked"), "{head}");
    assert!(body.starts_with("retry: 2000\nid: "), "{body}");
    assert_eq!(data(&events(body).0), ["x"]);
    // curl in its two ways sees the same.
    let url = server.url("/events/c");
    let of = |version: &str| curl(&["-N", version, &url]).text();
    assert_eq!(events(&of("--http1.0")), events(&of("--http1.1")));
}

#[test]
fn head_and_options_and_other_methods() {
    let server = up("");
    let answer = server.curl(&["-I"], "/events/c");
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("text/event-stream")));
    assert!(!server.get("/status").text().contains("\"subscribers\":1"));
    let answer = server.curl(&["-X", "OPTIONS"], "/events/c");
    let all = Some("GET, HEAD, POST, PUT, DELETE, OPTIONS");
    assert_eq!((answer.status, answer.header("Allow")), (204, all));
    let answer = server.curl(&["-X", "PATCH"], "/events/c");
    assert_eq!((answer.status, answer.header("Allow")), (405, all));
    let answer = server.curl(&["-d", "x"], "/some?c=a");
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn a_location_for_streams_answers_with_a_stream_whatever_is_accepted() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    for accept in ["Accept:", "Accept: */*", "Accept: text/event-stream", "Accept: text/html"] {
        let answer = server.curl(&["-N", "-H", accept], "/events/c");
        assert_eq!(answer.header("Content-Type"), Some("text/event-stream"), "{accept}");
    }
}

#[test]
fn silence_is_broken_by_comments() {
    let server = up("sse_keepalive 50ms;");
    let mut wire = subscribe(&server, "/events/c", "");
    for _ in 0..3 {
        assert!(wire.until(":\n\n").contains("3\r\n:\n\n"));
    }
    publish(&server, "/events/c", "x");
    wire.until("data: x\n\n");
}

#[test]
fn a_client_may_close_its_half() {
    let server = up("");
    let mut wire = subscribe(&server, "/events/c", "");
    wire.half_close();
    // The server has seen it: that is when it looks whether anybody is there.
    wire.until(":\n\n");
    publish(&server, "/events/c", "x");
    wire.until("data: x\n\n");
}

#[test]
fn what_a_client_says_meanwhile_is_ignored() {
    let server = up("");
    let mut wire = subscribe(&server, "/events/c", "");
    wire.send("GET /events/other HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.send(vec![b'x'; 100_000]);
    publish(&server, "/events/c", "x");
    wire.until("data: x\n\n");
}

#[test]
fn a_client_that_is_gone_is_forgotten_at_once() {
    let server = up("sse_keepalive off;");
    let wires: Vec<_> = (0..5).map(|_| subscribe(&server, "/events/c", "")).collect();
    // Of a client with something unread the close is a reset.
    let unread: Vec<_> = (0..5).map(|_| subscribe(&server, "/events/c", "")).collect();
    publish(&server, "/events/c", "nobody reads this");
    let counted = |count: u32| {
        let text =
            server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], "/events/c").text();
        text.contains(&format!("\"subscribers\":{count},"))
    };
    server.wait_for("ten subscribers", || counted(10));
    for wire in &unread {
        let mut first = [0];
        server
            .wait_for("it to come", || wire.stream().peek(&mut first).is_ok_and(|count| count > 0));
    }
    drop(unread);
    server.wait_for("five subscribers", || counted(5));
    drop(wires);
    server.wait_for("none", || counted(0));
}

#[test]
fn several_channels_are_one_stream_with_one_order() {
    let server = up("sse_start oldest;");
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(publish(&server, ["/events/a", "/events/b", "/events/z"][n % 3], &n.to_string()));
    }
    for channel in ["a", "b"] {
        end(&server, &format!("/events/{channel}"));
    }
    let wanted: Vec<String> = (0..30).filter(|n| n % 3 != 2).map(|n| n.to_string()).collect();
    let all = replay(&server, "/some?c=b,a,b", "");
    assert_eq!(data(&all), wanted);
    // One id resumes both.
    let later: Vec<&String> =
        wanted.iter().filter(|n| n.parse::<u32>().is_ok_and(|n| n > 9)).collect();
    assert_eq!(data(&replay(&server, "/some?c=a,b", &ids[9])), later);
}

#[test]
fn a_pattern_is_every_channel_that_begins_so() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/a.b.old", "1");
    publish(&server, "/events/a.c", "not this");
    let mut wire = subscribe(&server, "/below", "");
    wire.until("data: 1\n\n");
    let counted = server.curl(&["-d", "2"], "/events/a.b.new");
    assert_eq!(counted.status, 201, "the pattern's subscriber counts");
    let second = publish(&server, "/events/a.b.old", "3");
    wire.until("data: 2\n\n");
    wire.until("data: 3\n\n");
    publish(&server, "/events/a.b.third", "4");
    let mut again = subscribe(&server, "/below", &format!("Last-Event-ID: {second}\r\n"));
    again.until("data: 4\n\n");
}

#[test]
fn a_wildcard_is_the_configurations_to_give() {
    let server = up("");
    assert_eq!(server.get("/events/a.*").status, 403);
    assert_eq!(server.get("/some?c=*").status, 403);
    let server = up("sse_wildcards on; sse_start oldest; sse_keepalive 100ms;");
    let mut wire = subscribe(&server, "/some?c=a.*,x", "");
    publish(&server, "/events/a.1", "1");
    publish(&server, "/events/x", "2");
    wire.until("data: 1\n\n");
    wire.until("data: 2\n\n");
}

#[test]
fn a_redirect_leads_to_the_stream() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    let answer = server.curl(&["-N", "-L"], "/old");
    assert_eq!(data(&events(&answer.text()).0), ["x"]);
}

#[test]
fn a_proxy_passes_events_on_at_once() {
    let server = up("sse_keepalive 100ms;");
    let proxy = format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        server.port()
    );
    let twin = support::Twin::start(http(&proxy), &server);
    let mut wire = support::Wire::open(twin.port());
    wire.send("GET /events/c HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.until("id: ");
    publish(&server, "/events/c", "through");
    wire.until("data: through\n\n");
    wire.until(":\n\n");
}

#[test]
fn the_log_gets_a_line_when_the_stream_ends() {
    let server = start!(conf(""));
    let mut wire = subscribe(&server, "/events/c?x=1", "User-Agent: reader\r\n");
    publish(&server, "/events/c", "x");
    wire.until("data: x\n\n");
    assert!(!server.access_log().contains("reader"));
    drop(wire);
    server.wait_for("the line", || server.access_log().contains("\"reader\""));
    let log = server.access_log();
    let line = log.lines().find(|line| line.contains("reader")).expect("a line");
    assert!(line.contains("\"GET /events/c?x=1 HTTP/1.1\" 200 "), "{line}");
}
