//! What is taken is what the line parser reads; and the usual heads are taken.

use super::super::lines;
use super::*;
use crate::http1::head::Parsed;
use proptest::prelude::*;

const PLAIN: [&[u8]; 4] = [
    b"GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
    b"POST http://a.b:81/c?d=e#f HTTP/1.0\r\nhost:x\r\nCookie:\r\nX-Y: \r\nContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\nCookie: a=b; c\nAccept: text/html;q=0.8, \"\t\" \xe9\nRange: bytes=0-\n\nGET /",
    b"CONNECT [::1]:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: a, b\r\n\r\n0\r\n\r\n",
];

/// Whether the head is taken. If so, the line parser must see the same in it.
#[track_caller]
fn taken(buf: &[u8], limits: &HeadLimits) -> bool {
    let (mut ours, mut theirs) = (Head::default(), Head::default());
    let taken = parse(buf, &mut ours, limits);
    if taken {
        let parsed = lines::parse(buf, &mut theirs, limits);
        assert_eq!(parsed, Ok(Parsed::Complete), "{}", buf.escape_ascii());
    }
    assert_eq!(ours, theirs, "{}", buf.escape_ascii());
    taken
}

#[test]
fn usual_heads_are_taken() {
    for head in PLAIN {
        assert!(taken(head, &HeadLimits::default()), "{}", head.escape_ascii());
    }
    let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
    assert!(taken(many(FIELDS).as_bytes(), &HeadLimits::default()));
    assert!(!taken(many(FIELDS + 1).as_bytes(), &HeadLimits::default()));
}

#[test]
fn odd_heads_are_left() {
    let odd: [&[u8]; 22] = [
        b"GET / HTTP/1.1\r\nA: b\r\n",
        b"\r\nGET / HTTP/1.1\r\n\r\n",
        b"\nGET / HTTP/1.1\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET / HTTP/1.2\r\n\r\n",
        b"GET /\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"G!T / HTTP/1.1\r\n\r\n",
        b"PURGE / HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA:\tb\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \tb\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\t\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: \tchunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nA_B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA!: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHOST: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
    ];
    for head in odd {
        assert!(!taken(head, &HeadLimits::default()), "{}", head.escape_ascii());
    }
}

/// The shortcuts of both parsers go by position, eight or thirty-two bytes at a time.
#[test]
fn every_byte_in_every_place() {
    let limits = HeadLimits::default();
    for head in PLAIN {
        for at in 0..head.len() {
            let (before, after) = (&head[..at], &head[at + 1..]);
            taken(&[before, after].concat(), &limits);
            for byte in 0..=255 {
                taken(&[before, &[byte], after].concat(), &limits);
                taken(&[before, &[byte], &head[at..]].concat(), &limits);
            }
        }
    }
}

#[test]
fn a_limit_is_left_to_the_line_parser() {
    for head in PLAIN {
        for bound in 0..100 {
            let limits = HeadLimits::default();
            taken(head, &HeadLimits { line: bound, ..limits });
            taken(head, &HeadLimits { total: bound, ..limits });
            taken(head, &HeadLimits { headers: bound, ..limits });
        }
    }
}

/// What requests are smuggled with, in any order.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"GET / HTTP/1.1\r\n"[..],
        b"POST /a?b HTTP/1.0\n",
        b"GET http://a/ HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"Host: b\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length:\x0b5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding:\tchunked\r\n",
        b"Transfer-Encoding: chunked\t\r\n",
        b"Transfer-Encoding: x\r\n chunked\r\n",
        b"Transfer_Encoding: chunked\r\n",
        b"Transfer-Encoding\t: chunked\r\n",
        b"Transfer-Encoding: chunked\r\r\n",
        b"X: y\rTransfer-Encoding: chunked\r\n",
        b"X: y\0\r\n",
        b"X: \xff\x80  \r\n",
        b"X:\r\n",
        b": y\r\n",
        b"X\r\n",
        b" X: y\r\n",
        b"Connection: close\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b"0\r\n\r\n",
        b"GET ",
        b"/",
        b" HTTP/1.1",
    ]);
    let begin = prop::sample::select(vec![&b""[..], PLAIN[0], b"GET / HTTP/1.1\r\n"]);
    (begin, prop::collection::vec(piece, 0..9))
        .prop_map(|(begin, pieces)| [begin, &pieces.concat()].concat())
}

/// Some bytes of a head replaced by others.
fn mutated(head: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\r\n\t\0 :_-A9\x7f\x80".to_vec())];
    let edit = (any::<prop::sample::Index>(), 0..3usize, prop::collection::vec(byte, 0..3));
    prop::collection::vec(edit, 0..4).prop_map(move |edits| {
        let mut head = head.clone();
        for (at, removed, bytes) in edits {
            let at = at.index(head.len() + 1);
            let end = head.len().min(at + removed);
            head.splice(at..end, bytes);
        }
        head
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn both_read_hostile_heads_the_same(
        head in hostile().prop_flat_map(mutated),
        underscores: bool,
        ignore_invalid: bool,
    ) {
        taken(&head, &HeadLimits { underscores, ignore_invalid, ..HeadLimits::default() });
    }

    #[test]
    fn both_read_plain_heads_the_same(
        path in "/[!-~]{0,40}",
        fields in prop::collection::vec(("x[a-zA-Z0-9-]{0,24}", "([!-~é]([ -~é]{0,40}[!-~é])?)?"), 0..10),
    ) {
        let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("GET {path} HTTP/1.1\r\n{lines}\r\n");
        prop_assert!(taken(head.as_bytes(), &HeadLimits::default()));
    }

    #[test]
    fn both_read_any_bytes_the_same(head: Vec<u8>) {
        taken(&head, &HeadLimits::default());
    }
}
