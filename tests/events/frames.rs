//! What a WebSocket client may send, byte by byte: a location with both `sse_subscribe` and `sse_publish` is an
//! echo. The rows follow RFC 6455 by section; the ideas of many are those of Autobahn's test suite.

use support::Wire;

use crate::up;
use crate::websocket::{connect, frame, next};

/// What must come out.
#[derive(Debug)]
enum Out {
    /// These texts, then the connection stays.
    Echo(&'static [&'static [u8]]),
    /// Pongs with these payloads, then the connection stays.
    Pong(&'static [&'static [u8]]),
    /// A close frame with this code, and the end.
    Close(u16),
    /// A close frame without a code, and the end.
    CloseEmpty,
}

use Out::{Close, CloseEmpty, Echo, Pong};

/// First byte and payload of each frame.
type Row = (&'static [(u8, &'static [u8])], Out);

const FIN: u8 = 0x80;
const TEXT: u8 = FIN | 1;
const PING: u8 = FIN | 9;
const PONG: u8 = FIN | 10;
const CLOSE: u8 = FIN | 8;
/// The first, a middle and the last frame of a message.
const FIRST: u8 = 1;
const MORE: u8 = 0;
const LAST: u8 = FIN;

/// As much as a control frame may have.
const LONG: &[u8] = &[b'*'; 125];
const LONG_REASON: &[u8] = &{
    let mut payload = [b'*'; 125];
    [payload[0], payload[1]] = 1000u16.to_be_bytes();
    payload
};

/// §5.4, §5.5: fragments, and control frames between them.
const FRAGMENTS: &[Row] = &[
    (&[(TEXT, b"")], Echo(&[b""])),
    (&[(TEXT, b"a")], Echo(&[b"a"])),
    (&[(TEXT, LONG)], Echo(&[LONG])),
    (&[(TEXT, &[b'*'; 126])], Echo(&[&[b'*'; 126]])),
    (&[(TEXT, &[b'*'; 127])], Echo(&[&[b'*'; 127]])),
    (&[(TEXT, &[b'*'; 128])], Echo(&[&[b'*'; 128]])),
    (&[(TEXT, &[b'*'; 65_535])], Echo(&[&[b'*'; 65_535]])),
    (&[(TEXT, &[b'*'; 65_536])], Echo(&[&[b'*'; 65_536]])),
    (&[(TEXT, b"a"), (TEXT, b"b"), (TEXT, b"c")], Echo(&[b"a", b"b", b"c"])),
    (&[(FIRST, b"a"), (LAST, b"b")], Echo(&[b"ab"])),
    (&[(FIRST, b"a"), (MORE, b"b"), (LAST, b"c")], Echo(&[b"abc"])),
    (&[(FIRST, b""), (MORE, b""), (LAST, b"")], Echo(&[b""])),
    (&[(FIRST, b""), (MORE, b"m"), (LAST, b"")], Echo(&[b"m"])),
    (&[(FIRST, b"a"), (LAST, b"")], Echo(&[b"a"])),
    (&[(FIRST, b""), (LAST, b"a")], Echo(&[b"a"])),
    (&[(FIRST, LONG), (LAST, b"*")], Echo(&[&[b'*'; 126]])),
    (&[(FIRST, b"a"), (LAST, b"b"), (FIRST, b"c"), (LAST, b"d")], Echo(&[b"ab", b"cd"])),
    (&[(PING, b"")], Pong(&[b""])),
    (&[(PING, b"hello")], Pong(&[b"hello"])),
    (&[(PING, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")], Pong(&[b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"])),
    (&[(PING, LONG)], Pong(&[LONG])),
    (&[(PING, b"1"), (PING, b"2"), (PING, b"3")], Pong(&[b"1", b"2", b"3"])),
    (&[(FIRST, b"a"), (PING, b"p"), (LAST, b"b")], Pong(&[b"p"])),
    (&[(FIRST, b"a"), (PING, b"p"), (MORE, b"b"), (PING, b"q"), (LAST, b"c")], Pong(&[b"p", b"q"])),
    // A pong that nobody has asked for is nothing.
    (&[(PONG, b""), (TEXT, b"a")], Echo(&[b"a"])),
    (&[(PONG, b"unsolicited"), (TEXT, b"a")], Echo(&[b"a"])),
    (&[(PONG, b"x"), (PING, b"y")], Pong(&[b"y"])),
    (&[(FIRST, b"a"), (PONG, b"x"), (LAST, b"b")], Echo(&[b"ab"])),
    // Control frames are short and whole.
    (&[(PING, &[b'*'; 126])], Close(1002)),
    (&[(PONG, &[b'*'; 126])], Close(1002)),
    (&[(CLOSE, &[b'*'; 126])], Close(1002)),
    (&[(9, b"")], Close(1002)),
    (&[(9, b"a"), (LAST, b"b")], Close(1002)),
    (&[(10, b"a"), (LAST, b"b")], Close(1002)),
    (&[(8, b"\x03\xe8")], Close(1002)),
    // Nothing to go on with.
    (&[(LAST, b"a")], Close(1002)),
    (&[(MORE, b"a")], Close(1002)),
    (&[(LAST, b"a"), (TEXT, b"b")], Close(1002)),
    (&[(MORE, b"a"), (TEXT, b"b")], Close(1002)),
    (&[(LAST, b"")], Close(1002)),
    (&[(FIRST, b"a"), (LAST, b"b"), (LAST, b"c")], Close(1002)),
    (&[(FIRST, b"a"), (LAST, b"b"), (MORE, b"c")], Close(1002)),
    // Another message in the middle of one.
    (&[(FIRST, b"a"), (TEXT, b"b")], Close(1002)),
    (&[(FIRST, b"a"), (FIRST, b"b")], Close(1002)),
    (&[(FIRST, b"a"), (FIN | 2, b"b")], Close(1002)),
    // §5.2: bits and opcodes that nobody has agreed upon.
    (&[(TEXT | 0x40, b"a")], Close(1002)),
    (&[(TEXT | 0x20, b"a")], Close(1002)),
    (&[(TEXT | 0x10, b"a")], Close(1002)),
    (&[(TEXT | 0x70, b"a")], Close(1002)),
    (&[(PING | 0x40, b"a")], Close(1002)),
    (&[(CLOSE | 0x40, b"\x03\xe8")], Close(1002)),
    (&[(FIN | 3, b"")], Close(1002)),
    (&[(FIN | 4, b"a")], Close(1002)),
    (&[(FIN | 5, b"a")], Close(1002)),
    (&[(FIN | 6, b"a")], Close(1002)),
    (&[(FIN | 7, b"a")], Close(1002)),
    (&[(FIN | 11, b"")], Close(1002)),
    (&[(FIN | 12, b"a")], Close(1002)),
    (&[(FIN | 13, b"a")], Close(1002)),
    (&[(FIN | 14, b"a")], Close(1002)),
    (&[(FIN | 15, b"a")], Close(1002)),
    (&[(3, b"a")], Close(1002)),
    // Data that is no text: events are (docs/events.md).
    (&[(FIN | 2, b"")], Close(1003)),
    (&[(FIN | 2, b"a")], Close(1003)),
    (&[(2, b"a"), (LAST, b"b")], Close(1003)),
];

/// §8.1: UTF-8, in one frame and in several.
const TEXTS: &[Row] = &[
    (&[(TEXT, "Hello-µ@ßöäüàá-UTF-8!!".as_bytes())], Echo(&["Hello-µ@ßöäüàá-UTF-8!!".as_bytes()])),
    (
        &[(FIRST, "Hello-µ@ß".as_bytes()), (LAST, "öä".as_bytes())],
        Echo(&["Hello-µ@ßöä".as_bytes()]),
    ),
    (&[(TEXT, b"\xf0\x90\x80\x80")], Echo(&[b"\xf0\x90\x80\x80"])),
    // A letter over several frames.
    (&[(FIRST, b"\xce"), (LAST, b"\xba")], Echo(&[b"\xce\xba"])),
    (&[(FIRST, b"\xe2"), (MORE, b"\x82"), (LAST, b"\xac")], Echo(&["€".as_bytes()])),
    (
        &[(FIRST, b"\xf0"), (MORE, b"\x9f"), (MORE, b"\x98"), (LAST, b"\x80")],
        Echo(&["😀".as_bytes()]),
    ),
    (&[(FIRST, b"\xf0\x9f"), (PING, b""), (LAST, b"\x98\x80")], Pong(&[b""])),
    // The first and the last of each length; not characters, but code points.
    (&[(TEXT, b"\xc2\x80")], Echo(&[b"\xc2\x80"])),
    (&[(TEXT, b"\xe0\xa0\x80")], Echo(&[b"\xe0\xa0\x80"])),
    (&[(TEXT, b"\x7f")], Echo(&[b"\x7f"])),
    (&[(TEXT, b"\xdf\xbf")], Echo(&[b"\xdf\xbf"])),
    (&[(TEXT, b"\xef\xbf\xbf")], Echo(&[b"\xef\xbf\xbf"])),
    (&[(TEXT, b"\xf4\x8f\xbf\xbf")], Echo(&[b"\xf4\x8f\xbf\xbf"])),
    (&[(TEXT, b"\xed\x9f\xbf")], Echo(&[b"\xed\x9f\xbf"])),
    (&[(TEXT, b"\xee\x80\x80")], Echo(&[b"\xee\x80\x80"])),
    (&[(TEXT, b"\xef\xbf\xbd")], Echo(&[b"\xef\xbf\xbd"])),
    (&[(TEXT, b"\xef\xbf\xbe")], Echo(&[b"\xef\xbf\xbe"])),
    (&[(TEXT, b"\xef\xb7\x90")], Echo(&[b"\xef\xb7\x90"])),
    (&[(TEXT, b"\xf0\x9f\xbf\xbe")], Echo(&[b"\xf0\x9f\xbf\xbe"])),
    (&[(TEXT, b"\xf0\x9f\xbf\xbf")], Echo(&[b"\xf0\x9f\xbf\xbf"])),
    (&[(TEXT, b"\xf3\xbf\xbf\xbe")], Echo(&[b"\xf3\xbf\xbf\xbe"])),
    (&[(TEXT, b"\xf3\xbf\xbf\xbf")], Echo(&[b"\xf3\xbf\xbf\xbf"])),
    (&[(TEXT, b"\xf4\x8f\xbf\xbe")], Echo(&[b"\xf4\x8f\xbf\xbe"])),
    (&[(TEXT, b"\xef\xbb\xbfa")], Echo(&[b"\xef\xbb\xbfa"])),
    (&[(TEXT, "\u{2028}\u{85}".as_bytes())], Echo(&["\u{2028}\u{85}".as_bytes()])),
    // Beyond the last code point.
    (&[(TEXT, b"\xf4\x90\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xf5\x80\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xf7\xbf\xbf\xbf")], Close(1007)),
    (&[(TEXT, b"\xf8\x88\x80\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xfb\xbf\xbf\xbf\xbf")], Close(1007)),
    (&[(TEXT, b"\xfc\x84\x80\x80\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xfd\xbf\xbf\xbf\xbf\xbf")], Close(1007)),
    // Continuation bytes alone.
    (&[(TEXT, b"\x80")], Close(1007)),
    (&[(TEXT, b"\xbf")], Close(1007)),
    (&[(TEXT, b"\x80\xbf")], Close(1007)),
    (&[(TEXT, b"\x80\xbf\x80\xbf\x80\xbf")], Close(1007)),
    (&[(TEXT, b"a\x80b")], Close(1007)),
    // Beginnings alone.
    (&[(TEXT, b"\xc0 \xc1 ")], Close(1007)),
    (&[(TEXT, b"\xc2 ")], Close(1007)),
    (&[(TEXT, b"\xdf ")], Close(1007)),
    (&[(TEXT, b"\xe0 ")], Close(1007)),
    (&[(TEXT, b"\xef ")], Close(1007)),
    (&[(TEXT, b"\xf0 ")], Close(1007)),
    (&[(TEXT, b"\xf7 ")], Close(1007)),
    (&[(TEXT, b"\xf8 ")], Close(1007)),
    (&[(TEXT, b"\xfc ")], Close(1007)),
    // Cut short at the end.
    (&[(TEXT, b"\xc2")], Close(1007)),
    (&[(TEXT, b"\xe0\xa0")], Close(1007)),
    (&[(TEXT, b"\xf0\x90\x80")], Close(1007)),
    (&[(TEXT, b"\xce\xba\xe1\xbd")], Close(1007)),
    (&[(FIRST, b"\xe2\x82"), (LAST, b"")], Close(1007)),
    (&[(FIRST, b"\xe2"), (LAST, b"\x82")], Close(1007)),
    // What cannot be.
    (&[(TEXT, b"\xfe")], Close(1007)),
    (&[(TEXT, b"\xff")], Close(1007)),
    (&[(TEXT, b"\xfe\xfe\xff\xff")], Close(1007)),
    // Longer than needed.
    (&[(TEXT, b"\xc0\xaf")], Close(1007)),
    (&[(TEXT, b"\xc1\xbf")], Close(1007)),
    (&[(TEXT, b"\xc0\x80")], Close(1007)),
    (&[(TEXT, b"\xe0\x80\xaf")], Close(1007)),
    (&[(TEXT, b"\xe0\x9f\xbf")], Close(1007)),
    (&[(TEXT, b"\xe0\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xf0\x80\x80\xaf")], Close(1007)),
    (&[(TEXT, b"\xf0\x8f\xbf\xbf")], Close(1007)),
    (&[(TEXT, b"\xf0\x80\x80\x80")], Close(1007)),
    (&[(TEXT, b"\xf8\x80\x80\x80\xaf")], Close(1007)),
    (&[(TEXT, b"\xfc\x80\x80\x80\x80\xaf")], Close(1007)),
    // Halves of pairs, alone and as pairs.
    (&[(TEXT, b"\xed\xa0\x80")], Close(1007)),
    (&[(TEXT, b"\xed\xad\xbf")], Close(1007)),
    (&[(TEXT, b"\xed\xae\x80")], Close(1007)),
    (&[(TEXT, b"\xed\xaf\xbf")], Close(1007)),
    (&[(TEXT, b"\xed\xb0\x80")], Close(1007)),
    (&[(TEXT, b"\xed\xbf\xbf")], Close(1007)),
    (&[(TEXT, b"\xed\xa0\x80\xed\xb0\x80")], Close(1007)),
    (&[(TEXT, b"\xed\xaf\xbf\xed\xbf\xbf")], Close(1007)),
    // Wrong in the middle of several frames.
    (&[(FIRST, b"\xce\xba"), (MORE, b"\xf4\x90\x80\x80"), (LAST, b"edited")], Close(1007)),
    (&[(FIRST, b"ok"), (LAST, b"\xff")], Close(1007)),
    (&[(FIRST, b"\xff"), (LAST, b"ok")], Close(1007)),
];

/// §5.5.1, §7.4: closing.
const CLOSES: &[Row] = &[
    (&[(CLOSE, b"")], CloseEmpty),
    (&[(CLOSE, b"\x03")], Close(1002)),
    (&[(CLOSE, b"\x03\xe8")], Close(1000)),
    (&[(CLOSE, b"\x03\xe8bye")], Close(1000)),
    (&[(CLOSE, LONG_REASON)], Close(1000)),
    (&[(CLOSE, b"\x03\xe8\xce\xba\xff")], Close(1007)),
    (&[(CLOSE, b"\x03\xe9")], Close(1001)),
    (&[(CLOSE, b"\x03\xea")], Close(1002)),
    (&[(CLOSE, b"\x03\xeb")], Close(1003)),
    (&[(CLOSE, b"\x03\xef")], Close(1007)),
    (&[(CLOSE, b"\x03\xf0")], Close(1008)),
    (&[(CLOSE, b"\x03\xf1")], Close(1009)),
    (&[(CLOSE, b"\x03\xf2")], Close(1010)),
    (&[(CLOSE, b"\x03\xf3")], Close(1011)),
    (&[(CLOSE, b"\x0b\xb8")], Close(3000)),
    (&[(CLOSE, b"\x0f\x9f")], Close(3999)),
    (&[(CLOSE, b"\x0f\xa0")], Close(4000)),
    (&[(CLOSE, b"\x13\x87")], Close(4999)),
    // Codes that nobody may send: 0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999.
    (&[(CLOSE, b"\x00\x00")], Close(1002)),
    (&[(CLOSE, b"\x03\xe7")], Close(1002)),
    (&[(CLOSE, b"\x03\xec")], Close(1002)),
    (&[(CLOSE, b"\x03\xed")], Close(1002)),
    (&[(CLOSE, b"\x03\xee")], Close(1002)),
    (&[(CLOSE, b"\x03\xf8")], Close(1002)),
    (&[(CLOSE, b"\x04\x4c")], Close(1002)),
    (&[(CLOSE, b"\x07\xd0")], Close(1002)),
    (&[(CLOSE, b"\x0b\xb7")], Close(1002)),
    // What comes behind a close is not heard.
    (&[(CLOSE, b"\x03\xe8"), (CLOSE, b"\x03\xe8")], Close(1000)),
    (&[(CLOSE, b"\x03\xe8"), (PING, b"late")], Close(1000)),
    (&[(CLOSE, b"\x03\xe8"), (TEXT, b"late")], Close(1000)),
    (&[(FIRST, b"a"), (CLOSE, b"\x03\xe8"), (LAST, b"b")], Close(1000)),
];

/// The next frame that is a message, a pong or a close.
fn heard(wire: &mut Wire) -> (u8, Vec<u8>) {
    loop {
        match next(wire) {
            (PING, _) => {}
            frame => return frame,
        }
    }
}

/// The next frames of this kind; of a row with pongs the messages are of no interest, and the reverse.
#[track_caller]
fn expect(wire: &mut Wire, kind: u8, payloads: &[&[u8]], row: &str) {
    for payload in payloads {
        let found = loop {
            match heard(wire) {
                (first @ (TEXT | PONG), _) if first != kind => {}
                frame => break frame,
            }
        };
        assert_eq!(found, (kind, payload.to_vec()), "{row}");
    }
}

#[track_caller]
fn expect_close(wire: &mut Wire, payload: &[u8], row: &str) {
    let found = loop {
        match heard(wire) {
            (TEXT | PONG, _) => {}
            frame => break frame,
        }
    };
    assert_eq!(found.0, CLOSE, "{row}");
    // A reason may follow the code.
    assert_eq!(found.1.get(..2).unwrap_or_default(), payload, "{row}");
    assert!(wire.closes(), "{row}");
}

/// Each row in one write, and byte by byte.
#[track_caller]
fn check(rows: &[Row]) {
    let server = up("");
    for (number, (frames, out)) in rows.iter().enumerate() {
        let bytes: Vec<u8> =
            frames.iter().flat_map(|(first, payload)| raw(*first, payload)).collect();
        for chop in [bytes.len(), 1] {
            if bytes.len() / chop > 1000 {
                continue;
            }
            let head = &bytes[..bytes.len().min(40)];
            let row = format!("row {number}, {chop} at once: {} {out:?}", head.escape_ascii());
            let mut wire = connect(&server, &format!("/events/row{number}.{chop}"), "");
            // The server may have closed before the last byte.
            let _ = bytes.chunks(chop).all(|part| wire.send(part));
            match out {
                Echo(texts) => expect(&mut wire, TEXT, texts, &row),
                Pong(payloads) => expect(&mut wire, PONG, payloads, &row),
                Close(code) => expect_close(&mut wire, &code.to_be_bytes(), &row),
                CloseEmpty => expect_close(&mut wire, b"", &row),
            }
            if matches!(out, Echo(_) | Pong(_)) {
                wire.send(frame(9, b"still there"));
                expect(&mut wire, PONG, &[b"still there"], &row);
            }
        }
    }
}

/// A frame with this first byte.
fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(first & 15, payload);
    bytes[0] = first;
    bytes
}

#[test]
fn frames_and_fragments() {
    check(FRAGMENTS);
}

#[test]
fn texts() {
    check(TEXTS);
}

#[test]
fn closes() {
    check(CLOSES);
}
