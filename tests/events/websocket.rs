//! The same channels by WebSocket.

use std::io::{Read, Write};

use support::{Server, Wire};

use crate::client::{data, end, publish, replay};
use crate::up;

/// A connection after its handshake.
#[track_caller]
pub fn connect(server: &Server, path: &str, fields: &str) -> Wire {
    let mut wire = server.wire();
    wire.send(format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    ));
    let head = wire.until("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    // RFC 6455 §1.3
    assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.contains("Upgrade: websocket\r\n") && head.contains("Connection: upgrade\r\n"));
    wire
}

/// A client's frame.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 13, 99, 1];
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The next frame: opcode and payload.
#[track_caller]
pub fn next(wire: &mut Wire) -> (u8, Vec<u8>) {
    let head = wire.exactly(2);
    let len = match head[1] {
        126 => usize::from(u16::from_be_bytes(wire.exactly(2).try_into().expect("2"))),
        127 => u64::from_be_bytes(wire.exactly(8).try_into().expect("8")) as usize,
        len => usize::from(len),
    };
    (head[0], wire.exactly(len))
}

#[track_caller]
pub fn message(wire: &mut Wire) -> String {
    loop {
        match next(wire) {
            (0x81, payload) => return String::from_utf8(payload).expect("UTF-8"),
            (0x89, _) => {}
            other => panic!("no message: {other:?}"),
        }
    }
}

#[track_caller]
pub fn closed_with(wire: &mut Wire) -> u16 {
    loop {
        match next(wire) {
            (0x88, payload) => return u16::from_be_bytes([payload[0], payload[1]]),
            (0x81 | 0x89 | 0x8a, _) => {}
            other => panic!("no close: {other:?}"),
        }
    }
}

#[test]
fn messages_are_data_or_whole_events() {
    let server = up("");
    let mut plain = connect(&server, "/events/c", "");
    let mut whole = connect(&server, "/events/c", "Sec-WebSocket-Protocol: chat, sse\r\n");
    assert!(message(&mut whole).starts_with("retry: 2000\nid: "));
    let id = publish(&server, "/events/c?event=t", "a\nb");
    assert_eq!(message(&mut plain), "a\nb");
    assert_eq!(message(&mut whole), format!("id: {id}\nevent: t\ndata: a\ndata: b\n\n"));
    let long = "x".repeat(100_000);
    let file = server.file("body", &long);
    server.curl(&["--data-binary", &format!("@{}", file.display())], "/events/c");
    assert_eq!(message(&mut plain), long);
    // Back with an id, in the query: a page cannot set fields.
    let path = format!("/events/c?last_event_id={id}");
    assert_eq!(message(&mut connect(&server, &path, "")), long);
}

#[test]
fn messages_of_clients_are_published() {
    let server = up("sse_start oldest;");
    let mut one = connect(&server, "/events/c", "");
    let mut other = connect(&server, "/events/c", "");
    one.send(frame(1, b"hello"));
    assert_eq!(message(&mut other), "hello");
    assert_eq!(message(&mut one), "hello");
    // In two frames, with a ping between them.
    let (mut first, second) = (frame(1, b"two "), frame(0, b"frames"));
    first[0] &= 0x7f;
    one.send([first, frame(9, b"?"), second].concat());
    assert_eq!(next(&mut one), (0x8a, b"?".to_vec()));
    assert_eq!(message(&mut other), "two frames");
    end(&server, "/events/c");
    assert_eq!(closed_with(&mut other), 1000);
    assert_eq!(data(&replay(&server, "/events/c", "")), ["hello", "two frames"]);
}

#[test]
fn what_may_not_be_is_closed_with_a_code() {
    let server = up("sse_max_message 100;");
    let fault = |path: &str, bytes: &[u8]| {
        let mut wire = connect(&server, path, "");
        wire.send(bytes);
        let code = closed_with(&mut wire);
        assert!(wire.closes(), "{code}");
        code
    };
    assert_eq!(fault("/some?c=c", &frame(1, b"x")), 1008);
    assert_eq!(fault("/events/c", &frame(2, b"x")), 1003);
    // RFC 6455 §7.4.1: 1003 is for a type of data, 1007 for text that is not UTF-8.
    assert_eq!(fault("/events/c", &frame(1, b"\xff")), 1007);
    assert_eq!(fault("/events/c", &frame(8, b"\x03\xe8\xff")), 1007);
    assert_eq!(fault("/events/c", &frame(8, &1005u16.to_be_bytes())), 1002);
    assert_eq!(fault("/events/c", &frame(1, &[b'x'; 101])), 1009);
    assert_eq!(fault("/events/c", &[0x81, 1, b'x']), 1002);
    // A close is answered with the same.
    assert_eq!(fault("/events/c", &frame(8, &1000u16.to_be_bytes())), 1000);
    let answer = server.get("/status").text();
    assert!(answer.contains("\"published\":0"), "{answer}");
}

#[test]
fn pings_go_out_and_the_silent_are_gone() {
    let server = up("sse_keepalive 50ms;");
    let silent = connect(&server, "/events/c", "");
    let mut answers = connect(&server, "/events/c", "");
    for _ in 0..8 {
        assert_eq!(next(&mut answers).0, 0x89);
        answers.send(frame(10, b""));
    }
    let mut rest = Vec::new();
    let _ = silent.stream().read_to_end(&mut rest);
    assert!(rest.chunks(2).all(|frame| frame == [0x89, 0]) && rest.len() <= 8, "{rest:?}");
    publish(&server, "/events/c", "x");
    assert_eq!(message(&mut answers), "x");
}

#[test]
fn a_handshake_that_is_none_is_refused() {
    let server = up("");
    let ask = |fields: &str| {
        let mut wire = server.wire();
        wire.send(format!(
            "GET /events/c HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n{fields}\r\n"
        ));
        wire.answer()
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let answer = ask(&format!("Sec-WebSocket-Version: 8\r\n{key}"));
    assert_eq!((answer.status, answer.header("Sec-WebSocket-Version")), (426, Some("13")));
    assert_eq!(ask("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n").status, 400);
    assert_eq!(ask("Sec-WebSocket-Version: 13\r\n").status, 400);
    let foreign = format!("Sec-WebSocket-Version: 13\r\n{key}Origin: http://evil.example\r\n");
    assert_eq!(ask(&foreign).status, 403);
    assert!(server.get("/status").text().contains("\"subscribers\":0"));
}

#[test]
fn a_lost_place_is_told_to_who_can_hear_it() {
    let server = up("");
    publish(&server, "/events/c", "x");
    let protocol = "Sec-WebSocket-Protocol: sse\r\n";
    let mut wire = connect(&server, "/events/c?last_event_id=zz-9", protocol);
    assert!(message(&mut wire).contains("event: gap\n"));
    assert!(message(&mut wire).contains("data: x\n\n"));
}

#[test]
fn one_that_pings_and_does_not_read_costs_no_memory() {
    let server = up("sse_max_message 1k;");
    let wire = connect(&server, "/events/c", "");
    let memory = || server.workers().into_iter().map(support::proc::memory_kb).sum::<u64>();
    let before = memory();
    let pings = frame(9, &[b'x'; 125]).repeat(1000);
    wire.stream().set_write_timeout(Some(std::time::Duration::from_millis(300))).expect("set");
    // Until the server does not take them any more: it has stopped to listen.
    let mut sent = 0;
    while (&mut wire.stream()).write_all(&pings).is_ok() {
        sent += pings.len();
        assert!(sent < 200 << 20, "it listens and listens");
    }
    let after = memory();
    assert!(after < before + 4000, "{before} kB, then {after} kB");
    publish(&server, "/events/c", "x");
}
