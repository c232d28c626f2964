//! What WebSocket clients say beside messages to publish, and how those are acknowledged.

use crate::client::{data, end, replay};
use crate::up;
use crate::websocket::{closed_with, connect, frame, message};

const ACK: &str = "Sec-WebSocket-Protocol: sse.ack\r\n";

#[test]
fn a_heartbeat_is_answered_and_is_no_event() {
    // As nchan_websocket_client_heartbeat; also where nobody may publish.
    let server = up("sse_heartbeat ping pong; sse_start oldest;");
    for path in ["/events/c", "/some?c=c"] {
        let mut wire = connect(&server, path, "");
        wire.send(frame(1, b"ping"));
        assert_eq!(message(&mut wire), "pong", "{path}");
        // In two frames.
        let mut first = frame(1, b"pi");
        first[0] &= 0x7f;
        wire.send([first, frame(0, b"ng")].concat());
        assert_eq!(message(&mut wire), "pong", "{path}");
    }
    let mut reader = connect(&server, "/some?c=c", "");
    reader.send(frame(1, b"pong"));
    assert_eq!(closed_with(&mut reader), 1008);
    let mut publisher = connect(&server, "/events/c", "");
    publisher.send([frame(1, b"ping"), frame(1, b"an event"), frame(1, b"ping")].concat());
    assert_eq!([message(&mut publisher), message(&mut publisher)], ["pong", "pong"]);
    assert_eq!(message(&mut publisher), "an event");
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["an event"]);
}

#[test]
fn of_who_may_not_publish_the_head_of_a_message_is_enough() {
    let server = up("sse_max_message 64m;");
    for head in [
        &[0x81, 0xff, 0, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4][..],
        &[0x01, 0x81, 1, 2, 3, 4],
        &[0x82, 0x81, 1, 2, 3, 4],
        &[0x81, 0x80, 1, 2, 3, 4],
    ] {
        let mut wire = connect(&server, "/some?c=c", "");
        wire.send(frame(9, b"?"));
        wire.send(head);
        assert_eq!(closed_with(&mut wire), 1008, "{head:?}");
    }
    // Of who may: what is too long, by its head.
    let mut wire = connect(&server, "/events/c", "");
    wire.send([0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 1, 1, 2, 3, 4]);
    assert_eq!(closed_with(&mut wire), 1009);
}

/// The next acknowledgement; events of the channel may come before it.
#[track_caller]
fn acknowledgement(wire: &mut support::Wire) -> String {
    loop {
        let block = message(wire);
        if block.contains("event: ack\n") {
            assert!(!block.contains("id: "), "{block}");
            return block;
        }
    }
}

#[track_caller]
fn id_in(acknowledgement: &str) -> String {
    let id = acknowledgement.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no id: {acknowledgement}")).to_owned()
}

#[test]
fn messages_are_acknowledged_in_order_with_their_ids() {
    let server = up("sse_start oldest;");
    let mut wire = connect(&server, "/events/c", ACK);
    wire.send((0..50).flat_map(|n: u32| frame(1, n.to_string().as_bytes())).collect::<Vec<_>>());
    let ids: Vec<String> = (0..50).map(|_| id_in(&acknowledgement(&mut wire))).collect();
    end(&server, "/events/c");
    let events = replay(&server, "/events/c", "");
    let published: Vec<(&str, &str)> =
        events[..50].iter().map(|event| (event.id.as_str(), event.data.as_str())).collect();
    let wanted: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let wanted: Vec<(&str, &str)> =
        ids.iter().map(String::as_str).zip(wanted.iter().map(String::as_str)).collect();
    assert_eq!(published, wanted);
}

#[test]
fn a_key_counts_without_acknowledgements_too() {
    let server = up("sse_start oldest;");
    for protocol in ["", "Sec-WebSocket-Protocol: sse\r\n"] {
        let channel = format!("/events/c{}", protocol.len());
        for words in [&["1", "2"][..], &["1", "2", "3"]] {
            let mut wire = connect(&server, &format!("{channel}?idempotency_key=k"), protocol);
            wire.send(words.iter().flat_map(|word| frame(1, word.as_bytes())).collect::<Vec<_>>());
            // All that was said is taken before the answer to a close.
            wire.send(frame(8, &1000u16.to_be_bytes()));
            assert_eq!(closed_with(&mut wire), 1000);
        }
        end(&server, &channel);
        assert_eq!(data(&replay(&server, &channel, "")), ["1", "2", "3"]);
    }
}

#[test]
fn a_publisher_that_comes_again_doubles_nothing() {
    let server = up("sse_start oldest;");
    let with = |rest: &str| connect(&server, &format!("/events/c?idempotency_key=k{rest}"), ACK);
    let mut wire = with("");
    wire.send([frame(1, b"1"), frame(1, b"2")].concat());
    let first = acknowledgement(&mut wire);
    assert!(first.contains("\"offset\":1,\"duplicate\":false"), "{first}");
    assert!(acknowledgement(&mut wire).contains("\"offset\":2,\"duplicate\":false"));
    drop(wire);
    // It does not know how far it had come, and says all of it again.
    let mut wire = with("");
    wire.send([frame(1, b"1"), frame(1, b"2"), frame(1, b"3")].concat());
    let again = acknowledgement(&mut wire);
    assert!(again.contains("\"offset\":1,\"duplicate\":true"), "{again}");
    assert_eq!(id_in(&again), id_in(&first));
    assert!(acknowledgement(&mut wire).contains("\"duplicate\":true"));
    assert!(acknowledgement(&mut wire).contains("\"offset\":3,\"duplicate\":false"));
    // It has asked, or counted.
    let answer = server.curl(&["-I", "-H", "Idempotency-Key: k"], "/events/c");
    assert_eq!(answer.header("Event-Offset"), Some("3"));
    let mut wire = with("&event_offset=3");
    wire.send(frame(1, b"4"));
    assert!(acknowledgement(&mut wire).contains("\"offset\":4,\"duplicate\":false"));
    // Something else in the place of what was said.
    let mut wire = with("&event_offset=1");
    wire.send(frame(1, b"other"));
    let refused = acknowledgement(&mut wire);
    assert!(refused.contains("\"error\":") && refused.contains("\"status\":422"), "{refused}");
    assert_eq!(closed_with(&mut wire), 1008);
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), ["1", "2", "3", "4"]);
}

#[test]
fn a_handshake_with_a_key_that_is_none_is_refused() {
    let server = up("");
    let long = "k".repeat(256);
    for (query, status) in [
        ("idempotency_key=", 400),
        (&format!("idempotency_key={long}"), 400),
        ("idempotency_key=k&event_offset=x", 400),
        ("idempotency_key=k&event_offset=1", 409),
    ] {
        for protocol in [ACK, ""] {
            let mut wire = server.wire();
            wire.send(format!(
                "GET /events/c?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
            ));
            assert_eq!(wire.answer().status, status, "{query}");
        }
    }
}
