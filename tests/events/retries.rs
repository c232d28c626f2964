//! Publishers that come again: nothing twice, nothing lost, and they can ask how far they had come.

use std::io::Write;

use support::{Answer, Server, Wire};

use crate::client::{data, end, id_of, number, replay, subscribe};
use crate::up;

const STREAM: &str = "Content-Type: text/event-stream";

fn stream(server: &Server, fields: &[&str], body: &str) -> Answer {
    let mut args = vec!["-H", STREAM, "--data-binary", body];
    fields.iter().for_each(|field| args.extend(["-H", field]));
    server.curl(&args, "/events/c")
}

fn blocks(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|n| format!("id: own{n}\ndata: {n}\n\n")).collect()
}

/// How far a key has come: the offset, and the last id.
#[track_caller]
fn offset(server: &Server, key: &str) -> (u32, Option<String>) {
    let answer = server.curl(&["-I", "-H", &format!("Idempotency-Key: {key}")], "/events/c");
    assert_eq!(answer.status, 204, "{}", answer.text());
    let offset = answer.header("Event-Offset").and_then(|text| text.parse().ok());
    (offset.expect("an offset"), answer.header("Event-ID").map(str::to_owned))
}

#[test]
fn a_stream_that_is_sent_again_is_published_once() {
    let server = up("sse_start oldest;");
    let key = "Idempotency-Key: k";
    let first = stream(&server, &[key], &blocks(0..3));
    assert_eq!((first.status, number(&first, "published"), number(&first, "offset")), (202, 3, 3));
    let again = stream(&server, &[key], &blocks(0..5));
    assert_eq!((number(&again, "published"), number(&again, "offset")), (2, 5));
    let same = stream(&server, &[key], &blocks(0..5));
    assert_eq!((number(&same, "published"), id_of(&same)), (0, id_of(&same)));
    assert!(id_of(&same).ends_with("-own4"), "{}", same.text());
    // The same without a key is another.
    assert_eq!(number(&stream(&server, &[], &blocks(0..1)), "published"), 1);
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["0", "1", "2", "3", "4", "0"]);
}

#[test]
fn a_key_is_for_one_body() {
    let server = up("sse_start oldest;");
    let post = |key: &str, id: &str, body: &str| {
        let (key, id) = (format!("Idempotency-Key: {key}"), format!("Event-ID: {id}"));
        server.curl(&["-d", body, "-H", &key, "-H", &id], "/events/c")
    };
    let first = post("q", "A", "a");
    // The id that the event has, whatever the second post says.
    assert_eq!(id_of(&post("q", "B", "a")), id_of(&first));
    assert!(id_of(&first).ends_with("-A"));
    let other = post("q", "A", "b");
    assert_eq!(other.status, 422, "{}", other.text());
    assert_eq!(stream(&server, &["Idempotency-Key: q"], &blocks(0..1)).status, 422);
    assert_eq!(stream(&server, &["Idempotency-Key: s"], &blocks(0..2)).status, 202);
    assert_eq!(stream(&server, &["Idempotency-Key: s"], "data: 0\n\ndata: other\n\n").status, 422);
    assert_eq!(post("s", "A", "0").status, 422);
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["a", "0", "1"]);
}

#[test]
fn one_that_broke_off_goes_on_where_it_was() {
    let server = up("sse_start oldest;");
    assert_eq!(offset(&server, "k"), (0, None));
    let mut wire = begun(&server, "Idempotency-Key: k\r\n");
    wire.send(chunk(&blocks(0..4)));
    wire.send(chunk("data: half an ev"));
    server.wait_for("four events", || offset(&server, "k").0 == 4);
    drop(wire);
    let (count, last) = offset(&server, "k");
    assert!(count == 4 && last.is_some_and(|id| id.ends_with("-own3")));
    // Behind what there is nothing can follow.
    let at = |n: u32| format!("Event-Offset: {n}");
    let key = "Idempotency-Key: k";
    assert_eq!(stream(&server, &[key, &at(5)], &blocks(5..6)).status, 409);
    let rest = stream(&server, &[key, &at(4), "Event-End: true"], &blocks(4..6));
    assert_eq!((number(&rest, "published"), number(&rest, "offset")), (2, 6));
    // All of it again, in whichever parts: nothing is new, the end neither.
    let all = stream(&server, &[key, "Event-End: true"], &blocks(0..6));
    assert_eq!((number(&all, "published"), id_of(&all)), (0, id_of(&rest)));
    let part = stream(&server, &[key, &at(2)], &blocks(2..4));
    assert_eq!((number(&part, "published"), number(&part, "offset")), (0, 4));
    let answer = server.curl(&["-I", "-H", key], "/events/c");
    assert_eq!(
        (answer.header("Event-Offset"), answer.header("Event-End")),
        (Some("6"), Some("true"))
    );
    let wanted: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let events = replay(&server, "/events/c", "");
    assert_eq!((data(&events), events.len()), (wanted.iter().map(String::as_str).collect(), 7));
}

#[test]
fn two_connections_of_one_publisher_double_nothing() {
    let server = up("sse_start oldest;");
    let mut old = begun(&server, "Idempotency-Key: k\r\n");
    let mut new = begun(&server, "Idempotency-Key: k\r\n");
    let mut reader = subscribe(&server, "/events/c", "");
    for n in 0..20 {
        old.send(chunk(&blocks(n..n + 1)));
        new.send(chunk(&blocks(n..n + 1)));
        reader.until(&format!("data: {n}\n\n"));
    }
    for wire in [&mut old, &mut new] {
        wire.send("0\r\n\r\n");
        assert_eq!(number(&wire.answer(), "offset"), 20);
    }
    end(&server, "/events/c");
    assert_eq!(replay(&server, "/events/c", "").len(), 21);
}

#[test]
fn what_is_gone_of_a_stream_is_not_published_again() {
    // The zone has room for its end alone, which says that the beginning has been.
    let server = support::start!(crate::with_zone("z 1m", "sse_start oldest;"));
    let body: String = (0..2000).map(|n| format!("data: {n} {}\n\n", "x".repeat(900))).collect();
    let file = format!("@{}", server.file("body", body).display());
    let post = || stream(&server, &["Idempotency-Key: k"], &file);
    assert_eq!(number(&post(), "published"), 2000);
    assert!(number(&server.get("/status"), "evicted") > 1000);
    let again = post();
    assert_eq!((number(&again, "published"), number(&again, "offset")), (0, 2000));
}

#[test]
fn keys_and_offsets_that_are_none_are_refused() {
    let server = up("");
    let long = format!("Idempotency-Key: {}", "k".repeat(256));
    for fields in [
        &["Idempotency-Key: a", "Idempotency-Key: b"][..],
        &["Idempotency-Key: a", "Idempotency-Key: a"],
        &["Idempotency-Key;"],
        &[&long],
        &["Event-ID: a", "Event-ID: b"],
        &["Event-Type: a", "Event-Type: b"],
        &["Idempotency-Key: a", "Event-Offset: -1"],
        &["Idempotency-Key: a", "Event-Offset: x"],
        &["Idempotency-Key: a", "Event-Offset: 99999999999"],
        &["Event-Offset: 1"],
    ] {
        assert_eq!(stream(&server, fields, "data: x\n\n").status, 400, "{fields:?}");
        let mut args = vec!["-d", "x"];
        fields.iter().for_each(|field| args.extend(["-H", field]));
        assert_eq!(server.curl(&args, "/events/c").status, 400, "{fields:?}");
    }
    // What may stand there once, by whatever way it comes.
    for query in
        ["event=a&event=b", "id=a&id=b", "end&end=0", "idempotency_key=a&idempotency_key=a"]
    {
        let path = format!("/events/c?{query}");
        assert_eq!(server.curl(&["-d", "x"], &path).status, 400, "{query}");
    }
    let both = ["-d", "x", "-H", "Idempotency-Key: a"];
    assert_eq!(server.curl(&both, "/events/c?idempotency_key=a").status, 400);
    // In the query a key is one, too.
    let once = |_| id_of(&server.curl(&["-d", "x"], "/events/once?idempotency_key=k"));
    let ids = [0, 1].map(once);
    assert_eq!(ids[0], ids[1]);
    let key = format!("Idempotency-Key: {}", "k".repeat(255));
    assert_eq!(stream(&server, &[&key], "data: x\n\n").status, 202);
    // Who may not publish does not learn what others did.
    let server = up("sse_publish_from 192.0.2.1;");
    assert_eq!(server.curl(&["-I", "-H", "Idempotency-Key: k"], "/events/c").status, 403);
}

/// A stream of events that has begun.
fn begun(server: &Server, fields: &str) -> Wire {
    let mut wire = server.wire();
    wire.send(format!(
        "POST /events/c HTTP/1.1\r\nHost: x\r\n{STREAM}\r\n{fields}Transfer-Encoding: chunked\r\n\r\n"
    ));
    wire
}

fn chunk(text: &str) -> Vec<u8> {
    let mut chunk = Vec::new();
    write!(chunk, "{:x}\r\n{text}\r\n", text.len()).expect("memory");
    chunk
}
