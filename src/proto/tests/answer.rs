//! Heads of answers as a proxy reads them: what nginx takes and what it refuses, arrival in pieces, arbitrary bytes.

use proptest::prelude::*;
use proto::http1::{
    AnswerHead, BadAnswer, Framing, Method, Name, Parsed, Version, parse_answer, parse_response,
};

/// A whole head; `None`: it is not all there.
fn head(bytes: &[u8]) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    let parsed = parse_answer(bytes, &mut head)?;
    Ok((parsed == Parsed::Complete).then_some(head))
}

fn whole(bytes: &str) -> AnswerHead {
    head(bytes.as_bytes()).expect("an answer").expect("all of it")
}

/// Names and values, as they are in the buffer.
fn fields(head: &AnswerHead, buf: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let list = head.fields.list.iter();
    list.map(|field| (text(field.name.of(buf)), text(field.value.of(buf)))).collect()
}

#[test]
fn a_head_is_offsets_into_the_buffer() {
    let bytes = "HTTP/1.1 404 Not Found\r\nServer: x\r\nSet-Cookie: a\nset-cookie:\t b \t\r\nX: \r\n\r\nbody";
    let head = whole(bytes);
    let buf = bytes.as_bytes();
    assert_eq!((head.status, head.version), (404, Some(Version::V11)));
    assert_eq!(head.reason.of(buf), b"Not Found");
    assert_eq!(&buf[head.fields.end..], b"body");
    let listed = fields(&head, buf);
    let listed: Vec<_> = listed.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(listed, [("Server", "x"), ("Set-Cookie", "a"), ("set-cookie", "b"), ("X", "")]);
    assert_eq!(head.fields.value(Name::Server, buf), Some(&b"x"[..]));
    assert_eq!(head.fields.values(Name::SetCookie, buf).collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(head.fields.named(b"SET-COOKIE", buf).count(), 2);
    assert_eq!(head.fields.get(Name::Location), None);
    assert_eq!(head.fields.get(Name::Other).map(|field| field.name.of(buf)), Some(&b"X"[..]));
}

/// The status, the version's last digit as far as it matters, and the reason; what nginx does otherwise is said.
#[test]
fn status_lines() {
    let good: [(&str, u16, Version, &str); 15] = [
        ("HTTP/1.1 200 OK", 200, Version::V11, "OK"),
        ("HTTP/1.0 200 OK", 200, Version::V10, "OK"),
        ("HTTP/1.9 200 OK", 200, Version::V11, "OK"),
        ("HTTP/1.1 200", 200, Version::V11, ""),
        ("HTTP/1.1 200 ", 200, Version::V11, ""),
        ("HTTP/1.1   200 OK", 200, Version::V11, "OK"),
        ("HTTP/1.1 403.1 Forbidden", 403, Version::V11, ".1 Forbidden"),
        ("HTTP/1.1 200 \u{e4}\t:", 200, Version::V11, "\u{e4}\t:"),
        ("HTTP/1.1 100 Continue", 100, Version::V11, "Continue"),
        ("HTTP/1.1 101 Switching Protocols", 101, Version::V11, "Switching Protocols"),
        ("HTTP/1.1 103 Early Hints", 103, Version::V11, "Early Hints"),
        ("HTTP/1.1 600 x", 600, Version::V11, "x"),
        ("HTTP/1.1 999 Request denied", 999, Version::V11, "Request denied"),
        ("HTTP/1.1 204", 204, Version::V11, ""),
        ("HTTP/1.1 304 Not Modified", 304, Version::V11, "Not Modified"),
    ];
    for (line, status, version, reason) in good {
        for end in ["\r\n\r\n", "\n\n", "\n\r\n"] {
            let bytes = format!("{line}{end}");
            let head = whole(&bytes);
            assert_eq!((head.status, head.version), (status, Some(version)), "{line:?}");
            assert_eq!(head.reason.of(bytes.as_bytes()), reason.as_bytes(), "{line:?}");
            assert_eq!(head.fields.end, bytes.len(), "{line:?}");
        }
    }
}

#[test]
fn what_is_no_status_line() {
    for line in [
        "",
        "hello",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "\r\nHTTP/1.1 200 OK",
        "ICY 200 OK",
        "HTTP 200 OK",
        "HTTP/ 200 OK",
        "HTTP/1 200 OK",
        "HTTP/1. 200 OK",
        "HTTP/1.x 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 \t200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 2000",
        "HTTP/1.1 200OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 OK\r",
        // nginx takes these.
        "HTTP/2.0 200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1.1 2 00 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 200 O\0K",
    ] {
        let bytes = format!("{line}\r\n\r\n");
        assert_eq!(head(bytes.as_bytes()), Err(BadAnswer::StatusLine), "{line:?}");
    }
}

/// As soon as it is certain.
#[test]
fn another_protocol_is_told_by_its_first_bytes() {
    for bytes in [&b"\x15\x03\x01"[..], b"220 mail", b"SSH-2.0", b"X", b"HTTP/2", b"\r"] {
        assert_eq!(head(bytes), Err(BadAnswer::StatusLine), "{bytes:?}");
    }
    for bytes in [&b""[..], b"H", b"HTTP/1.", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r"] {
        assert_eq!(head(bytes), Ok(None), "{bytes:?}");
    }
}

#[test]
fn lines() {
    let of = |line: &str| {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        head(bytes.as_bytes()).map(|head| fields(&head.expect("all of it"), bytes.as_bytes()))
    };
    // As nginx.
    for (line, name, value) in [
        ("A:b", "A", "b"),
        ("A:", "A", ""),
        ("A: \t b\tc \t ", "A", "b\\tc"),
        ("A", "A", ""),
        ("a_b: c", "a_b", "c"),
        ("a\"b(c)/d: e", "a\\\"b(c)/d", "e"),
        ("A: b: c", "A", "b: c"),
        ("A: \u{1}\u{7f}\u{e4}", "A", "\\x01\\x7f\\xc3\\xa4"),
        ("A: b\r", "A", "b"),
    ] {
        assert_eq!(of(line), Ok(vec![(name.to_owned(), value.to_owned())]), "{line:?}");
    }
    for line in ["HTTP/1.1 200 OK", "HTTP/1.1 500\r\nHTTP/x\0\r", "HTTP/: x"] {
        assert_eq!(of(line), Ok(Vec::new()), "{line:?}");
    }
    for line in [
        ": b",
        " A: b",
        "\tA: b",
        "A: b\r\n c",
        "A: b\r\n\tc",
        "A : b",
        "A\t: b",
        "A b: c",
        "A: b\rc",
        "A\r: b",
        "A: b\0c",
        "A: \0",
        "A\0: b",
        "\0",
        "A\u{1}: b",
        "A\u{7f}: b",
        "A: b\r\rc",
        "\r",
        "Content-Length : 5",
    ] {
        assert_eq!(of(line), Err(BadAnswer::Field), "{line:?}");
    }
    // The end of a head is not that generous.
    assert_eq!(head(b"HTTP/1.1 200 OK\r\n\r\r\n"), Err(BadAnswer::Field));
}

#[test]
fn a_line_that_is_refused_can_be_shown() {
    let bytes = b"HTTP/1.1 200 OK\r\nA: b\r\nC : d\r\n\r\n";
    let mut head = AnswerHead::default();
    assert_eq!(parse_answer(bytes, &mut head), Err(BadAnswer::Field));
    assert!(bytes[head.fields.end..].starts_with(b"C : d"));
}

#[test]
fn fields_are_bounded() {
    let of = |count: usize| head(format!("HTTP/1.1 200 OK\n{}\n", "a\n".repeat(count)).as_bytes());
    assert_eq!(of(1000).map(|head| head.map(|head| head.fields.list.len())), Ok(Some(1000)));
    assert_eq!(of(1001), Err(BadAnswer::TooManyFields));
}

/// How the body ends, in a word.
fn framing(line: &str, fields: &str, method: Method) -> Result<String, BadAnswer> {
    let bytes = format!("{line}\r\n{fields}\r\n");
    let head = whole(&bytes);
    let framing = head.framing(method, bytes.as_bytes())?;
    let stays = head.keep_alive(&framing, bytes.as_bytes());
    Ok(match framing {
        Framing::None => format!("none {stays}"),
        Framing::Length(length) => format!("{length} {stays}"),
        Framing::Chunked(_) => format!("chunked {stays}"),
        Framing::Close => format!("close {stays}"),
    })
}

/// RFC 9112 §6.3, §9.3.
#[test]
fn where_a_body_ends_and_whether_the_connection_stays() {
    let (ok, old) = ("HTTP/1.1 200 OK", "HTTP/1.0 200 OK");
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: Chunked\r\n");
    for (line, fields, method, told) in [
        (ok, length, Method::Get, "5 true"),
        (ok, "content-length:5\r\n", Method::Post, "5 true"),
        (ok, "Content-Length: 0005\r\n", Method::Get, "5 true"),
        (ok, "Content-Length: 0\r\n", Method::Get, "0 true"),
        (ok, "Content-Length: 9223372036854775807\r\n", Method::Get, "9223372036854775807 true"),
        (ok, chunked, Method::Get, "chunked true"),
        (ok, "", Method::Get, "close false"),
        (ok, length, Method::Head, "none true"),
        (ok, chunked, Method::Head, "none true"),
        (ok, "", Method::Head, "none true"),
        ("HTTP/1.1 204 No Content", length, Method::Get, "none true"),
        ("HTTP/1.1 304 Not Modified", length, Method::Get, "none true"),
        ("HTTP/1.1 100 Continue", "", Method::Get, "none true"),
        ("HTTP/1.1 101 Switching Protocols", "Upgrade: x\r\n", Method::Get, "none true"),
        ("HTTP/1.1 205 Reset Content", length, Method::Get, "5 true"),
        (ok, &[length, "Connection: close\r\n"].concat(), Method::Get, "5 false"),
        (ok, &[length, "Connection: x, CLOSE\r\n"].concat(), Method::Get, "5 false"),
        (ok, &[length, "Connection: a\r\nConnection: close\r\n"].concat(), Method::Get, "5 false"),
        (
            ok,
            &[length, "Connection: close\r\nConnection: keep-alive\r\n"].concat(),
            Method::Get,
            "5 false",
        ),
        (ok, &[length, "Connection: keep-alive\r\n"].concat(), Method::Get, "5 true"),
        (old, length, Method::Get, "5 false"),
        // As nginx: such a server is not believed.
        (old, &[length, "Connection: keep-alive\r\n"].concat(), Method::Get, "5 false"),
    ] {
        let found = framing(line, fields, method);
        assert_eq!(found.as_deref(), Ok(told), "{line} {fields:?} {method:?}");
    }
}

/// Two servers in a row that take these for something each would take one answer for another's.
#[test]
fn what_could_be_understood_in_two_ways_is_refused() {
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for (fields, why) in [
        (&[length, length].concat()[..], BadAnswer::Duplicate),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", BadAnswer::Duplicate),
        (&[chunked, chunked].concat(), BadAnswer::Duplicate),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", BadAnswer::Duplicate),
        (&[length, chunked].concat(), BadAnswer::Both),
        (&[chunked, length].concat(), BadAnswer::Both),
        ("Content-Length: +5\r\n", BadAnswer::Length),
        ("Content-Length: -5\r\n", BadAnswer::Length),
        ("Content-Length: 5 5\r\n", BadAnswer::Length),
        ("Content-Length: 5, 5\r\n", BadAnswer::Length),
        ("Content-Length: 0x5\r\n", BadAnswer::Length),
        ("Content-Length: 5.0\r\n", BadAnswer::Length),
        ("Content-Length: \u{b}5\r\n", BadAnswer::Length),
        ("Content-Length: \u{661}\r\n", BadAnswer::Length),
        ("Content-Length:\r\n", BadAnswer::Length),
        ("Content-Length\r\n", BadAnswer::Length),
        ("Content-Length: 9223372036854775808\r\n", BadAnswer::Length),
        ("Content-Length: 99999999999999999999999\r\n", BadAnswer::Length),
        ("Transfer-Encoding: gzip\r\n", BadAnswer::Coding),
        ("Transfer-Encoding: gzip, chunked\r\n", BadAnswer::Coding),
        ("Transfer-Encoding: chunked, chunked\r\n", BadAnswer::Coding),
        ("Transfer-Encoding: chunked;x\r\n", BadAnswer::Coding),
        ("Transfer-Encoding: \u{b}chunked\r\n", BadAnswer::Coding),
        ("Transfer-Encoding: identity\r\n", BadAnswer::Coding),
        ("Transfer-Encoding:\r\n", BadAnswer::Coding),
        ("Transfer-Encoding\r\n", BadAnswer::Coding),
    ] {
        for method in [Method::Get, Method::Head] {
            assert_eq!(framing("HTTP/1.1 200 OK", fields, method), Err(why), "{fields:?}");
            // Of answers without a body, too: who comes behind may not know that they have none.
            assert_eq!(framing("HTTP/1.1 304 x", fields, method), Err(why), "{fields:?}");
        }
    }
    assert_eq!(framing("HTTP/1.0 200 OK", chunked, Method::Get), Err(BadAnswer::OldCoding));
}

#[test]
fn a_head_is_used_again() {
    let mut head = AnswerHead::default();
    parse_answer(b"HTTP/1.0 500 x\r\nServer: y\r\n\r\n", &mut head).expect("an answer");
    let room = head.fields.list.capacity();
    head.clear();
    assert_eq!(head, AnswerHead::default());
    assert_eq!(head.fields.list.capacity(), room);
    let bytes = b"HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(parse_answer(bytes, &mut head), Ok(Parsed::Complete));
    assert_eq!((head.status, head.fields.get(Name::Server)), (200, None));
}

/// Parses what comes in pieces.
fn in_pieces(bytes: &[u8], piece: usize) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    for len in (0..bytes.len()).step_by(piece).chain([bytes.len()]) {
        if parse_answer(&bytes[..len], &mut head)? == Parsed::Complete {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

#[test]
fn truncated_at_each_byte() {
    let bytes = b"HTTP/1.1 404 Not Found\r\nA: b\r\nHTTP/1.1 200\r\nContent-Length: 5\r\n\r\n";
    for len in 0..bytes.len() {
        assert_eq!(head(&bytes[..len]), Ok(None), "{len}");
    }
    assert_eq!(in_pieces(bytes, 1), head(bytes));
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        input in "HTTP/1.1 200 OK(\r\n|[a: \t\r]|\n|HTTP/|Content-Length: 5){0,20}\r\n\r\n",
        piece in 1usize..9,
    ) {
        prop_assert_eq!(in_pieces(input.as_bytes(), piece), head(input.as_bytes()));
    }

    /// What both take, both understand: they end it in the same place, and find the same fields.
    #[test]
    fn it_agrees_with_the_reader_for_clients(
        lines in prop::collection::vec("[a-zA-Z-]{1,9}:[ \t]{0,2}[a-z0-9,;=\" ]{0,20}", 0..9),
    ) {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        let (other, len) = parse_response(text.as_bytes()).expect("HTTP").expect("all of it");
        let head = whole(&text);
        prop_assert_eq!(head.fields.end, len);
        prop_assert_eq!(head.fields.list.len(), other.fields.len());
        for (field, (name, value)) in head.fields.list.iter().zip(&other.fields) {
            prop_assert_eq!(field.name.of(text.as_bytes()), name.as_bytes());
            prop_assert_eq!(field.value.of(text.as_bytes()), value.trim_ascii());
        }
    }

    #[test]
    fn nothing_panics(input: Vec<u8>) {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        bytes.extend(&input);
        for bytes in [&bytes, &input] {
            if let Ok(Some(head)) = head(bytes) {
                let _ = head.framing(Method::Get, bytes);
            }
        }
    }
}
