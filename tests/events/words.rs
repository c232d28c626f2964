//! Small words: methods, flags, names of events, sizes, fields.

use support::{http, start};

use crate::client::{end, events, publish, replay, subscribe};
use crate::up;

#[test]
fn a_stream_may_be_asked_for_by_post() {
    let server = start!(http(
        "sse_zone z 1m; sse_max_message 1k;
         server { listen 127.0.0.1:{port};
             location = /post { sse_subscribe a; sse_subscribe_by POST; }
             location = /both { sse_subscribe a; sse_subscribe_by GET POST; }
             location = /publish { sse_publish a; } }"
    ));
    for path in ["/post", "/both"] {
        let mut wire = server.wire();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
        wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"));
        assert!(wire.until("id: ").starts_with("HTTP/1.1 200 "));
        publish(&server, "/publish", "x");
        wire.until("data: x\n\n");
        // The body is bounded.
        let long = format!("@{}", server.file("body", vec![b'x'; 1025]).display());
        assert_eq!(server.curl(&["--data-binary", &long], path).status, 413);
    }
    let allow = |path: &str| {
        let answer = server.curl(&["-X", "PUT", "-d", "x"], path);
        (answer.status, answer.header("Allow").unwrap_or_default().to_owned())
    };
    assert_eq!(allow("/post"), (405, "POST, OPTIONS".into()));
    assert_eq!(allow("/both"), (405, "GET, HEAD, POST, OPTIONS".into()));
    assert_eq!(server.get("/post").status, 405);
}

#[test]
fn an_end_is_what_says_so() {
    let server = up("sse_start oldest;");
    let ends = |args: &[&str], query: &str| {
        let post = ["-H", "Content-Type: text/event-stream", "--data-binary", "data: x\n\n"];
        let answer = server.curl(&[&post, args].concat(), &format!("/events/c{query}"));
        assert_eq!(answer.status, 202, "{}", answer.text());
        let figures = ["-H", "Accept: application/vnd.rserve.channel+json"];
        server.curl(&figures, "/events/c").text().contains("\"ended\":true")
    };
    for no in ["false", "0", "no", "off", "False"] {
        assert!(!ends(&["-H", &format!("Event-End: {no}")], ""), "{no}");
        assert!(!ends(&[], &format!("?end={no}")), "{no}");
    }
    assert!(!ends(&["-H", "Event-End: no"], "?end"));
    for (args, query) in [
        (&["-H", "Event-End: true"][..], ""),
        (&["-H", "Event-End: ?1"], ""),
        (&[], "?end"),
        (&[], "?end=1"),
    ] {
        assert!(ends(args, query), "{args:?} {query}");
    }
}

#[test]
fn the_events_of_our_own_have_names_that_can_be_chosen() {
    let server = up("sse_start oldest; sse_gap_event lost; sse_end_event done;");
    publish(&server, "/events/c", "x");
    end(&server, "/events/c");
    let types = |server: &support::Server| -> Vec<String> {
        replay(server, "/events/c", "zz-9").into_iter().map(|event| event.event).collect()
    };
    assert_eq!(types(&server), ["lost", "message", "done"]);
    // Without names: the ids come, events do not.
    let server = up("sse_start oldest; sse_gap_event off; sse_end_event off;");
    publish(&server, "/events/c", "x");
    let last = end(&server, "/events/c");
    assert_eq!(types(&server), ["message"]);
    let url = server.url("/events/c");
    let answer = support::curl(&["-N", "-H", "Last-Event-ID: zz-9", &url]);
    let text = answer.text();
    assert!(answer.complete && text.contains(": some events are missing (epoch)\nid: "), "{text}");
    assert_eq!(events(&text).1, last);
    // Who has seen the end does not come again.
    let field = format!("Last-Event-ID: {last}");
    assert_eq!(support::curl(&["-H", &field, &url]).status, 204);
}

#[test]
fn sizes_are_those_that_are_written() {
    let post = |server: &support::Server, len: usize| {
        let file = format!("@{}", server.file("body", "x".repeat(len)).display());
        server.curl(&["--data-binary", &file], "/events/c").status
    };
    // 0 is any, as in client_max_body_size: what half a zone holds.
    let server = start!(crate::with_zone("z 16m", "sse_max_message 0;"));
    assert_eq!([post(&server, 5 << 20), post(&server, 9 << 20)], [202, 413]);
    // What is written for bodies counts, too: the smaller one.
    let server = up("client_max_body_size 1k;");
    assert_eq!([post(&server, 1024), post(&server, 1025)], [202, 413]);
    let server = up("client_max_body_size 2k; sse_max_message 1k;");
    assert_eq!([post(&server, 1024), post(&server, 1025)], [202, 413]);
    let server = up("client_max_body_size 0; sse_max_message 1k;");
    assert_eq!([post(&server, 1024), post(&server, 1025)], [202, 413]);
    // What is not written does not: 1m is the default of both, and of this.
    let server = up("sse_max_message 3m;");
    assert_eq!(post(&server, 2 << 20), 202);
    let stream = up("client_max_body_size 1k;");
    let long = format!("@{}", stream.file("body", "data: x\n\n".repeat(1000)).display());
    let args = ["-H", "Content-Type: text/event-stream", "--data-binary", &long];
    assert_eq!(stream.curl(&args, "/events/c").status, 202, "a stream has no length of its own");
}

#[test]
fn pages_may_send_the_fields_that_are_written_or_that_they_ask_for() {
    let preflight = |settings: &str, asked: &str| {
        let server = up(&format!("sse_allow_origin https://a.example; {settings}"));
        let asked = format!("Access-Control-Request-Headers: {asked}");
        let args = ["-X", "OPTIONS", "-H", "Origin: https://a.example", "-H", &asked];
        let answer = server.curl(&args, "/events/c");
        assert_eq!(answer.status, 204);
        answer.header("Access-Control-Allow-Headers").unwrap_or_default().to_owned()
    };
    let usual = preflight("", "x-requested-with");
    assert!(usual.contains("Last-Event-ID") && usual.contains("Event-Offset"), "{usual}");
    assert!(!usual.contains("equested"), "{usual}");
    let more = preflight("sse_allow_headers X-Requested-With traceparent;", "x");
    assert_eq!(more, format!("{usual}, X-Requested-With, traceparent"));
    assert_eq!(preflight("sse_allow_headers any;", "x-mine,traceparent"), "x-mine, traceparent");
    assert_eq!(preflight("sse_allow_headers any;", "x mine;\"<>"), usual);
}

#[test]
fn origins_may_be_below_a_domain_or_have_no_name() {
    let server = up("sse_allow_origin https://*.example.org null;");
    let allowed = |origin: &str| {
        let field = format!("Origin: {origin}");
        let answer = server.curl(&["-H", &field, "-d", "x"], "/events/c");
        let header = answer.header("Access-Control-Allow-Origin") == Some(origin);
        assert_eq!(answer.status != 403, header, "{origin}");
        header
    };
    assert!(allowed("https://a.example.org") && allowed("https://a.b.example.org"));
    assert!(allowed("null"));
    for origin in [
        "https://example.org",
        "http://a.example.org",
        "https://evilexample.org",
        "https://a.example.org.evil",
    ] {
        assert!(!allowed(origin), "{origin}");
    }
    subscribe(&server, "/events/c", "Origin: null\r\n");
}
