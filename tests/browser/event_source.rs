//! EventSource: messages, coming back, and staying away.

use support::process;

use crate::chromium::Chromium;
use crate::listener::{Listener, publish, start, start_channels};

#[test]
fn messages_are_whole() {
    whole("", "null");
}

#[test]
fn compressed_messages_are_whole() {
    whole("gzip on;", "gzip");
}

/// Whatever is published comes out, with the id that its publisher was told.
fn whole(extra: &str, coding: &str) {
    let server = start_channels(extra);
    let chromium = Chromium::start();
    let page = Listener::new(&chromium, &server, "/streams/a");
    page.wait_for("open");
    let long = "0123456789 Zeilen äöü\n".repeat(4000);
    let sent = [
        ("", "one"),
        ("tick", "two lines\nof ünïcode…"),
        ("", "\r\na\rb\r\n\n"),
        ("", ""),
        ("", "data: x\nid: 9\nevent: evil\n\n: \"\\"),
        ("tick", &long),
        ("", " the last"),
    ];
    let mut expected = Vec::new();
    for (event, data) in sent {
        let id = publish(&server, &format!("/streams/a?event={event}"), data);
        let event = if event.is_empty() { "message" } else { event };
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        expected.push((event.to_owned(), id, data));
    }
    assert_eq!(page.wait_for_events(sent.len()), expected);
    assert_eq!(page.states(), ["open"]);
    // What the browser was sent: a page may read that of its own requests.
    chromium.text(
        "fetch('/streams/a').then(answer => { \
         window.coding = String(answer.headers.get('Content-Encoding')); answer.body.cancel(); })",
    );
    server.wait_for("the answer", || chromium.text("window.coding") != "undefined");
    assert_eq!(chromium.text("window.coding"), coding);
}

#[test]
fn nothing_is_lost_when_workers_are_killed() {
    let server = start_channels("");
    let chromium = Chromium::start();
    let page = Listener::new(&chromium, &server, "/streams/a");
    page.wait_for("open");
    let mut sent = Vec::new();
    for round in 1..=3 {
        for number in 0..20 {
            if number == 10 {
                // Some of what was sent just now has not been read yet.
                process::kill(&server.workers());
            }
            let data = format!("{round}.{number}");
            let id = publish(&server, "/streams/a", &data);
            sent.push(("message".to_owned(), id, data));
        }
        server.wait_for("the browser to come back", || page.count("open") > round);
        assert_eq!(page.wait_for_events(sent.len()), sent, "round {round}");
    }
    assert!(page.count("lost") >= 3 && page.count("closed") == 0, "{:?}", page.states());
}

#[test]
fn who_drops_out_before_the_first_event_misses_nothing() {
    let server = start_channels("");
    let chromium = Chromium::start();
    let page = Listener::new(&chromium, &server, "/streams/a");
    page.wait_for("open");
    process::kill(&server.workers());
    let id = publish(&server, "/streams/a", "meanwhile");
    assert_eq!(page.wait_for_events(1), [("message".into(), id, "meanwhile".into())]);
}

#[test]
fn a_reload_breaks_no_stream() {
    let server = start_channels("");
    let chromium = Chromium::start();
    let page = Listener::new(&chromium, &server, "/streams/a");
    page.wait_for("open");
    publish(&server, "/streams/a", "before");
    assert!(server.command(&["-s", "reload"]).status.success());
    publish(&server, "/streams/a", "after");
    let datas: Vec<String> = page.wait_for_events(2).into_iter().map(|(_, _, data)| data).collect();
    assert_eq!(datas, ["before", "after"]);
    assert_eq!(page.states(), ["open"]);
}

#[test]
fn an_ended_channel_is_not_asked_again() {
    let server = start_channels("");
    let chromium = Chromium::start();
    let page = Listener::new(&chromium, &server, "/streams/a");
    page.wait_for("open");
    publish(&server, "/streams/a", "last words");
    assert_eq!(server.curl(&["-X", "DELETE"], "/streams/a").status, 200);
    page.wait_for("closed");
    assert_eq!(page.states(), ["open", "lost", "closed"]);
    let got = page.got();
    let types: Vec<&str> = got.iter().map(|(event, _, _)| event.as_str()).collect();
    assert_eq!(types, ["message", "end"]);
    assert_eq!(chromium.number("source.readyState"), 2.0);

    // Opened again, it is there for others. They come back once more than the first would have.
    publish(&server, "/streams/a", "anew");
    chromium.open_tab();
    let stream = format!("/streams/a%3Flast_event_id={}", got[1].1);
    let other = Listener::new(&chromium, &server, &stream);
    assert_eq!(other.wait_for_events(1)[0].2, "anew");
    process::kill(&server.workers());
    server.wait_for("the other to come back", || other.count("open") == 2);
    chromium.go_to(0);
    assert_eq!(page.states(), ["open", "lost", "closed"]);
    assert_eq!(page.got().len(), 2);
    assert_eq!(server.access_log().matches(" 204 ").count(), 1);
}

#[test]
fn a_full_channel_is_asked_again_until_there_is_room() {
    let server = start(
        "server { listen 127.0.0.1:{port}; sse_max_subscribers 1;
            location = /streams/a { sse_subscribe a; sse_publish a; } }",
    );
    let chromium = Chromium::start();
    let first = Listener::new(&chromium, &server, "/streams/a");
    first.wait_for("open");
    chromium.open_tab();
    let second = Listener::new(&chromium, &server, "/streams/a");
    server.wait_for("two vain attempts", || second.count("lost") >= 2);
    publish(&server, "/streams/a", "for the first");
    chromium.go_to(0);
    assert_eq!(first.wait_for_events(1)[0].2, "for the first");
    chromium.text("source.close()");
    chromium.go_to(1);
    server.wait_for("room", || {
        publish(&server, "/streams/a", "for the second");
        chromium.number("got.length") > 0.0
    });
    assert_eq!(second.count("closed"), 0, "{:?}", second.states());
}
