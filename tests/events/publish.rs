//! Publishing: bodies, fields, acknowledgements, streams of events.

use crate::client::{data, end, events, id_of, number, publish, replay, subscribe};
use crate::up;

#[test]
fn every_kind_of_line_break_makes_lines_of_data() {
    let server = up("sse_start oldest;");
    let bodies = [
        "one",
        "a\nb",
        "a\rb",
        "a\r\nb",
        "a\n",
        "\n",
        "\n\n",
        " leading",
        "ü\u{feff}",
        "a:b",
        "data: x",
    ];
    for body in bodies {
        publish(&server, "/events/c", body);
    }
    end(&server, "/events/c");
    let wanted: Vec<_> =
        bodies.iter().map(|body| body.replace("\r\n", "\n").replace('\r', "\n")).collect();
    assert_eq!(data(&replay(&server, "/events/c", "")), wanted);
}

#[test]
fn data_and_fields_make_no_fields_of_their_own() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "x\revent: evil");
    publish(&server, "/events/c", "x\n\nid: 9\n\n");
    end(&server, "/events/c");
    let all = replay(&server, "/events/c", "");
    assert_eq!(data(&all), ["x\nevent: evil", "x\n\nid: 9\n\n"]);
    assert!(all[..2].iter().all(|event| event.event == "message" && event.id != "9"));
}

#[test]
fn type_and_id_come_by_field_or_query() {
    let server = up("sse_start oldest;");
    let post = |args: &[&str], path: &str| server.curl(args, path);
    let id = id_of(&post(
        &["-d", "1", "-H", "Event-Type: tick", "-H", "Event-ID: a.b~c_1-2"],
        "/events/c",
    ));
    assert!(id.ends_with("-2-a.b~c_1-2"), "{id}");
    post(&["-d", "2"], "/events/c?event=tock%20%C3%BC&id=x");
    post(&["-d", "3", "-H", "X-EventSource-Event: nchan"], "/events/c");
    post(&["-d", "4", "-H", "Event-Type: field"], "/events/c?event=query");
    end(&server, "/events/c");
    let all = replay(&server, "/events/c", "");
    let types: Vec<&str> = all.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(types, ["tick", "tock ü", "nchan", "field", "end"]);
    // The publisher's id is part of the cursor: one comes back with it.
    assert_eq!(data(&replay(&server, "/events/c", &id)), ["2", "3", "4"]);
}

#[test]
fn the_answer_tells_id_channel_and_subscribers() {
    let server = up("");
    let answer = server.curl(&["-d", "x"], "/events/c");
    assert_eq!((answer.status, number(&answer, "subscribers")), (202, 0));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let _readers = [subscribe(&server, "/events/c", ""), subscribe(&server, "/some?c=c,d", "")];
    let answer = server.curl(&["-X", "PUT", "-d", "x"], "/events/c");
    assert_eq!((answer.status, number(&answer, "subscribers")), (201, 2));
    assert!(answer.text().contains("\"channel\":\"c\""));
}

#[test]
fn a_repeated_key_is_published_once() {
    let server = up("sse_start oldest;");
    let key = |key: &str, channel: &str, body: &str| {
        let field = format!("Idempotency-Key: {key}");
        id_of(&server.curl(&["-d", body, "-H", &field, "-H", "Event-ID: mine"], channel))
    };
    let first = key("k1", "/events/c", "once");
    assert!(first.ends_with("-mine"), "{first}");
    assert_eq!(key("k1", "/events/c", "once"), first);
    assert_ne!(key("k2", "/events/c", "twice"), first);
    assert_ne!(key("k1", "/events/d", "elsewhere"), first);
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["once", "twice"]);
}

#[test]
fn bodies_come_in_all_framings() {
    let server = up("sse_start oldest;");
    let mut wire = server.wire();
    let head = "POST /events/c HTTP/1.1\r\nHost: x\r\n";
    wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    assert_eq!(wire.answer().status, 202);
    wire.send(format!("{head}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    assert!(wire.until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
    wire.send("late");
    assert_eq!(wire.answer().status, 202);
    wire.send(format!("{head}Content-Length: 0\r\n\r\n"));
    assert_eq!(wire.answer().status, 202);
    // Two at once, on the same connection.
    wire.send(format!("{head}Content-Length: 1\r\n\r\nx{head}Content-Length: 1\r\n\r\ny"));
    assert_eq!((wire.answer().status, wire.answer().status), (202, 202));
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["abcde", "late", "", "x", "y"]);
}

#[test]
fn large_messages_arrive_whole() {
    let server = up("sse_start oldest; sse_max_message 4m;");
    for size in [1000, 16_000, 70_000, 1_000_000, 3_000_000] {
        // Pretty-printed JSON: blank lines and indents are data.
        let body = "{\n\n    \"ü\": 1\n}\n".repeat(size / 17);
        let file = server.file("body", &body);
        let mut live = subscribe(&server, &format!("/events/c{size}"), "");
        let arg = format!("@{}", file.display());
        let answer = server.curl(&["--data-binary", &arg], &format!("/events/c{size}"));
        assert_eq!(answer.status, 201, "{}", answer.text());
        end(&server, &format!("/events/c{size}"));
        assert_eq!(data(&replay(&server, &format!("/events/c{size}"), "")), [&body], "{size}");
        live.until("event: end");
    }
}

#[test]
fn a_stream_of_events_goes_out_as_it_comes() {
    let server = up("");
    let mut reader = subscribe(&server, "/events/c", "");
    let mut wire = server.wire();
    wire.send(
        "POST /events/c?end HTTP/1.1\r\nHost: x\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
    );
    let mut chunk = |text: &str| wire.send(format!("{:x}\r\n{text}\r\n", text.len()));
    chunk("data: one\n");
    chunk("\n");
    reader.until("data: one\n\n");
    chunk("event: t\nid: 7\ndata: two\r\ndata: lines\r\n\r\n: comment\n\nda");
    assert!(reader.until("data: two\ndata: lines\n\n").contains("-7\nevent: t\n"));
    chunk("ta: three\n\ndata: never finished");
    reader.until("data: three\n\n");
    wire.send("0\r\n\r\n");
    let answer = wire.answer();
    assert_eq!((answer.status, number(&answer, "published")), (201, 3));
    let rest = String::from_utf8_lossy(&reader.rest()).into_owned();
    assert!(rest.contains("event: end\n") && rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn a_publisher_that_breaks_off_loses_only_what_was_not_complete() {
    let server = up("sse_start oldest;");
    let mut wire = server.wire();
    wire.send(
        "POST /events/c?end HTTP/1.1\r\nHost: x\r\nContent-Type: text/event-stream\r\n\
         Transfer-Encoding: chunked\r\n\r\n1c\r\ndata: one\n\ndata: unfinished\n\r\n",
    );
    server.wait_for("the first event", || server.get("/status").text().contains("\"published\":1"));
    drop(wire);
    let mut wire = server.wire();
    wire.send("POST /events/c HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly a part");
    drop(wire);
    publish(&server, "/events/c", "after");
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["one", "after"]);
}

#[test]
fn what_a_finished_stream_says_can_be_read_later() {
    let server = up("sse_start oldest;");
    let stream = server.file("tokens", "data: to\n\ndata: ken\n\n");
    let arg = format!("@{}", stream.display());
    let args = ["-H", "Content-Type: text/event-stream", "--data-binary", &arg];
    let answer = server.curl(&args, "/events/llm?end");
    assert_eq!((answer.status, number(&answer, "published")), (202, 2));
    let all = server.get("/events/llm").text();
    let (found, last) = events(&all);
    assert_eq!(data(&found), ["to", "ken"]);
    // Who comes back with the last id is told not to come again.
    let field = format!("Last-Event-ID: {last}");
    assert_eq!(server.curl(&["-H", &field], "/events/llm").status, 204);
    // A new event opens the channel again.
    publish(&server, "/events/llm", "more");
    let mut wire = subscribe(&server, "/events/llm", &format!("Last-Event-ID: {last}\r\n"));
    wire.until("data: more\n\n");
}
