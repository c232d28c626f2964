//! RFC 6455, §5 and §7.4; the codes are those that the Autobahn test suite wants (its cases 2 to 7).

use proto::websocket::{Close, Inbound, Said, binary_head, close, ping, text};

/// A client's frame; `first` has the flags and the opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What is heard of these bytes, whole and byte by byte; whether it goes on, and what is answered.
#[track_caller]
fn hear(max: usize, bytes: &[u8]) -> (Vec<Said>, Vec<u8>, bool) {
    let hear = |piece: usize| {
        let mut inbound = Inbound::new(max).texts_only();
        let (mut out, mut heard, mut on) = (Vec::new(), Vec::new(), true);
        for part in bytes.chunks(piece) {
            on = on && inbound.feed(part, &mut out, |said| heard.push(said));
        }
        (heard, out, on)
    };
    let whole = hear(bytes.len().max(1));
    assert_eq!(hear(1), whole);
    whole
}

#[track_caller]
fn error_of(bytes: &[u8]) -> Close {
    match hear(1000, bytes) {
        (heard, _, false) => match heard.last() {
            Some(Said::Error(why)) => *why,
            other => panic!("{other:?} at {bytes:?}"),
        },
        other => panic!("it goes on: {other:?}"),
    }
}

#[test]
fn frames_are_put_together_and_pings_answered_between_them() {
    let bytes = [
        frame(0x81, b"hello"),
        frame(0x89, b"?"),
        frame(0x01, &"gr\u{fc}".as_bytes()[..3]),
        frame(0x8a, b"unasked"),
        frame(0x00, b""),
        frame(0x89, b""),
        frame(0x80, &"gr\u{fc}n".as_bytes()[3..]),
        frame(0x81, b""),
        frame(0x81, &[b'x'; 300]),
    ];
    let (heard, out, on) = hear(300, &bytes.concat());
    let texts: Vec<_> = ["hello", "gr\u{fc}n", "", &"x".repeat(300)]
        .iter()
        .map(|text| Said::Message(text.as_bytes().to_vec()))
        .collect();
    assert_eq!((heard, on), (texts, true));
    assert_eq!(out, [0x8a, 1, b'?', 0x8a, 0]);
}

#[test]
fn what_breaks_the_protocol_is_a_fault_of_it() {
    let frames = [
        vec![0x81, 1, b'x'],
        frame(0xc1, b""),
        frame(0xa1, b""),
        frame(0x91, b""),
        frame(0x83, b""),
        frame(0x87, b""),
        frame(0x8b, b""),
        frame(0x8f, b""),
        frame(0x09, b""),
        frame(0x89, &[0; 126]),
        frame(0x80, b"nothing goes on"),
        frame(0x00, b""),
        [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        vec![0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
    ];
    for bytes in frames {
        assert_eq!(error_of(&bytes), Close::Protocol, "{bytes:?}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_found_by_the_byte() {
    assert_eq!(error_of(&frame(0x81, &[0xff])), Close::InvalidData);
    assert_eq!(error_of(&frame(0x81, "\u{fc}"[..].as_bytes().split_at(1).0)), Close::InvalidData);
    // A surrogate; above U+10FFFF; overlong; cut by a frame's end, then wrong.
    for bad in [&b"\xed\xa0\x80"[..], b"\xf4\x90\x80\x80", b"\xc0\xaf"] {
        assert_eq!(error_of(&frame(0x81, bad)), Close::InvalidData, "{bad:?}");
        let pieces = [frame(0x01, &bad[..1]), frame(0x80, &bad[1..])].concat();
        assert_eq!(error_of(&pieces), Close::InvalidData, "{bad:?}");
    }
    // Of a frame that has not all come: its rest is not waited for.
    let whole = frame(0x81, b"abc\xffdefghij");
    assert_eq!(error_of(&whole[..6 + 4]), Close::InvalidData);
}

#[test]
fn a_head_is_enough_to_refuse() {
    let mut binary = frame(0x82, b"x");
    binary.truncate(6);
    let (heard, _, on) = hear(10, &binary);
    assert_eq!((heard, on), (vec![Said::Binary], false));
    let (heard, _, on) = hear(10, &frame(0x81, b"longer than ten")[..6]);
    assert_eq!((heard, on), (vec![Said::Error(Close::TooBig)], false));
    // Also by a frame that goes on, and by a length of 64 bits.
    let (heard, _, on) = hear(10, &[frame(0x01, b"longer"), frame(0x00, b"than ten")].concat());
    assert_eq!((heard, on), (vec![Said::Error(Close::TooBig)], false));
    let (heard, _, on) =
        hear(10, &[0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
    assert_eq!((heard, on), (vec![Said::Error(Close::TooBig)], false));
}

#[test]
fn a_message_of_nothing_ends() {
    let empty =
        |count| [frame(0x01, b""), frame(0x00, b"").repeat(count), frame(0x80, b"end")].concat();
    assert_eq!(hear(10, &empty(50)).0, [Said::Message(b"end".to_vec())]);
    // Each message for itself.
    let twice = [empty(90), empty(90)].concat();
    assert_eq!(hear(10, &twice).0.len(), 2);
    let (heard, _, on) = hear(10, &empty(200)[..6 * 150]);
    assert_eq!((heard, on), (vec![Said::Error(Close::Policy)], false));
}

#[test]
fn who_takes_binary_messages_passes_them_over() {
    let mut inbound = Inbound::new(10);
    let mut heard = Vec::new();
    let bytes = [frame(0x82, b"\xff"), frame(0x81, b"text")].concat();
    assert!(inbound.feed(&bytes, &mut Vec::new(), |said| heard.push(said)));
    assert_eq!(heard, [Said::Binary, Said::Message(b"text".to_vec())]);
    assert!(!inbound.feed(&frame(0x82, &[0; 11]), &mut Vec::new(), |said| heard.push(said)));
    assert_eq!(heard.last(), Some(&Said::Error(Close::TooBig)));
}

#[test]
fn a_close_is_answered_with_its_code_or_is_a_fault() {
    for code in [1000u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1013, 3000, 3999, 4999] {
        let bytes = frame(0x88, &[&code.to_be_bytes()[..], b"good bye"].concat());
        let (heard, out, on) = hear(10, &bytes);
        assert_eq!((heard, on), (vec![Said::Closed], false));
        assert_eq!(out, [&[0x88, 2][..], &code.to_be_bytes()].concat());
    }
    let (heard, out, on) = hear(10, &frame(0x88, b""));
    assert_eq!((heard, out, on), (vec![Said::Closed], vec![0x88, 0], false));
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(error_of(&frame(0x88, &code.to_be_bytes())), Close::Protocol, "{code}");
    }
    assert_eq!(error_of(&frame(0x88, b"\x03")), Close::Protocol);
    assert_eq!(error_of(&frame(0x88, b"\x03\xe8\xff")), Close::InvalidData);
    assert_eq!(
        error_of(&frame(0x88, &[b"\x03\xe8".to_vec(), vec![b'x'; 124]].concat())),
        Close::Protocol
    );
}

#[test]
fn frames_have_the_shortest_length() {
    let of = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    assert_eq!(of(&|out| text(b"a", out)), [0x81, 1, b'a']);
    assert_eq!(of(&ping_to), [0x89, 0]);
    assert_eq!(of(&|out| close(Close::GoingAway, out)), [0x88, 2, 3, 233]);
    assert_eq!(of(&|out| binary_head(125, out)), [0x82, 125]);
    assert_eq!(of(&|out| binary_head(126, out)), [0x82, 126, 0, 126]);
    assert_eq!(of(&|out| binary_head(65_535, out)), [0x82, 126, 255, 255]);
    assert_eq!(of(&|out| binary_head(65_536, out)), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

fn ping_to(out: &mut Vec<u8>) {
    ping(out);
}
