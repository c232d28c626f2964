//! Heads of scripts: what nginx makes of them, arrival in pieces, arbitrary bytes.

use proptest::prelude::*;
use proto::cgi::{StatusLine, field_variable, parse};
use proto::http1::{AnswerHead, BadAnswer, Framing, Method, Name, Parsed};

fn head(bytes: &[u8], status_line: StatusLine) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    let parsed = parse(bytes, &mut head, status_line)?;
    Ok((parsed == Parsed::Complete).then_some(head))
}

/// Status and reason as FastCGI and as SCGI.
fn both(text: &str) -> [Result<(u16, String), BadAnswer>; 2] {
    [StatusLine::Skipped, StatusLine::Read].map(|status_line| {
        let bytes = format!("{text}\r\n\r\nbody");
        let head = head(bytes.as_bytes(), status_line)?.expect("all of it");
        assert_eq!(&bytes[head.fields.end..], "body");
        assert_eq!(head.version, None);
        let reason = head.reason.of(bytes.as_bytes());
        Ok((head.status, String::from_utf8_lossy(reason).into_owned()))
    })
}

#[test]
fn where_the_status_comes_from() {
    for (text, status, reason) in [
        ("Content-Type: text/html", 200, ""),
        ("Status: 404 Not Found", 404, "Not Found"),
        ("status:404", 404, ""),
        ("Status: 404 ", 404, ""),
        ("STATUS: 403.1 x", 403, ".1 x"),
        ("Location: /x", 302, ""),
        ("Location: /x\nStatus: 301 Moved", 301, "Moved"),
        ("Status: 201\r\nLocation: /x", 201, ""),
        // The first one, as of other fields that may stand there once.
        ("Status: 500 a\nStatus: 404 b", 500, "a"),
        ("Status: 100 Continue", 100, "Continue"),
        ("Status: 999", 999, ""),
    ] {
        let told = Ok((status, reason.to_owned()));
        assert_eq!(both(text), [told.clone(), told], "{text:?}");
    }
    // No field at all.
    assert_eq!(
        head(b"\r\n", StatusLine::Skipped).map(|head| head.map(|h| h.status)),
        Ok(Some(200))
    );
    assert_eq!(head(b"\n", StatusLine::Read).map(|head| head.map(|h| h.status)), Ok(Some(200)));
    for text in ["Status: OK", "Status:", "Status", "Status: 20", "Status: 4040", "Status: 404Not"]
    {
        assert_eq!(both(text), [Err(BadAnswer::Status), Err(BadAnswer::Status)], "{text:?}");
    }
    for text in ["Status: 099 x", "Status: +20 x", "Status: 000"] {
        assert_eq!(both(text), [Err(BadAnswer::Status), Err(BadAnswer::Status)], "{text:?}");
    }
}

#[test]
fn a_status_line() {
    let told = |status: u16, reason: &str| Ok((status, reason.to_owned()));
    // uWSGI repeats the version of the client.
    for version in ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/3.0", "HTTP/1.10"] {
        let text = format!("{version} 404 Not Found\r\nA: b");
        assert_eq!(both(&text), [told(200, ""), told(404, "Not Found")], "{text:?}");
    }
    for (text, skipped, read) in [
        ("HTTP/1.1 204\nStatus: 500 x", told(500, "x"), told(204, "")),
        ("HTTP/1.1 200 OK\nLocation: /", told(302, ""), told(200, "OK")),
        // Not in front, or none: nginx passes over it.
        ("A: b\nHTTP/1.1 404 x", told(200, ""), told(200, "")),
        ("HTTP/1.1 x", told(200, ""), told(200, "")),
        ("HTTP/1.1 4040 x", told(200, ""), told(200, "")),
        ("HTTP/1.1", told(200, ""), told(200, "")),
        ("HTTP/.1 404 x", told(200, ""), told(200, "")),
        ("HTTP/1. 404 x", told(200, ""), told(200, "")),
        ("HTTP/1.1404 x", told(200, ""), told(200, "")),
        ("HTTP: 1", told(200, ""), told(200, "")),
    ] {
        assert_eq!(both(text), [skipped, read], "{text:?}");
    }
    for bad in ["HTTP 200 OK", "http/1.1 200 OK", "hello world", " A: b", "A: b\0", "\r"] {
        assert_eq!(both(bad), [Err(BadAnswer::Field), Err(BadAnswer::Field)], "{bad:?}");
    }
}

/// The body ends with its length or the connection.
#[test]
fn a_script_knows_no_chunks() {
    let of = |text: &str, method| {
        let bytes = format!("{text}\r\n\r\n");
        let head = head(bytes.as_bytes(), StatusLine::Read).expect("a head").expect("all of it");
        head.framing(method, bytes.as_bytes())
    };
    assert!(matches!(of("Content-Length: 5", Method::Get), Ok(Framing::Length(5))));
    assert!(matches!(of("Content-Length: 5", Method::Head), Ok(Framing::None)));
    assert!(matches!(of("Status: 304", Method::Get), Ok(Framing::None)));
    assert!(matches!(of("A: b", Method::Get), Ok(Framing::Close)));
    assert!(matches!(of("Transfer-Encoding: chunked", Method::Get), Ok(Framing::Close)));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked";
    assert!(matches!(of(chunked, Method::Get), Ok(Framing::Close)));
    let both = "Transfer-Encoding: chunked\r\nContent-Length: 5";
    assert_eq!(of(both, Method::Get).err(), Some(BadAnswer::Both));
    assert_eq!(of("Content-Length: x", Method::Get).err(), Some(BadAnswer::Length));
    assert_eq!(of("Transfer-Encoding: gzip", Method::Get).err(), Some(BadAnswer::Coding));
}

#[test]
fn a_script_keeps_no_connection() {
    let bytes = b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\n";
    let head = head(bytes, StatusLine::Skipped).expect("a head").expect("all of it");
    assert!(!head.keep_alive(&Framing::Length(5), bytes));
}

fn in_pieces(
    bytes: &[u8],
    line: StatusLine,
    piece: usize,
) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    for len in (0..bytes.len()).step_by(piece).chain([bytes.len()]) {
        if parse(&bytes[..len], &mut head, line)? == Parsed::Complete {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

#[test]
fn truncated_at_each_byte() {
    let bytes = b"HTTP/1.1 404 Not Found\r\nStatus: 500 x\r\nX-Powered-By: PHP\r\n\r\n";
    for line in [StatusLine::Skipped, StatusLine::Read] {
        for len in 0..bytes.len() {
            assert_eq!(head(&bytes[..len], line), Ok(None), "{len}");
        }
        assert_eq!(in_pieces(bytes, line, 1), head(bytes, line));
    }
    let head = head(bytes, StatusLine::Read).expect("a head").expect("all of it");
    assert_eq!(head.fields.value(Name::Status, bytes), Some(&b"500 x"[..]));
}

/// RFC 3875 §4.1.18.
#[test]
fn fields_are_variables() {
    let of = |name: &str| {
        let mut out = b"x".to_vec();
        field_variable(name.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(of("Accept-Language"), "xHTTP_ACCEPT_LANGUAGE");
    assert_eq!(of("x_y.z0"), "xHTTP_X_Y.Z0");
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        input in "(HTTP/1.1 |Status: |Location:|404|[a: \t\r]|\n|\r\n){0,20}\n\n",
        piece in 1usize..9,
    ) {
        for line in [StatusLine::Skipped, StatusLine::Read] {
            prop_assert_eq!(in_pieces(input.as_bytes(), line, piece), head(input.as_bytes(), line));
        }
    }

    #[test]
    fn nothing_panics(input: Vec<u8>) {
        for line in [StatusLine::Skipped, StatusLine::Read] {
            if let Ok(Some(head)) = head(&input, line) {
                prop_assert!((100..1000).contains(&head.status));
                let _ = head.framing(Method::Get, &input);
            }
        }
    }
}
