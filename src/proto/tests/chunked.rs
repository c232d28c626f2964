//! Chunked bodies, whole and in pieces.

use proptest::prelude::*;
use proto::http1::{BadAnswer, Chunked, FieldSection, Name, Parsed};

/// The decoded body and the number of bytes it took; `None` while it has not ended.
fn decode(input: &[u8], piece: usize) -> Result<Option<(Vec<u8>, usize)>, u16> {
    let (mut decoder, mut body, mut at) = (Chunked::new(), Vec::new(), 0);
    while at < input.len() {
        let part = &input[at..input.len().min(at.saturating_add(piece))];
        let step = decoder.decode(part).map_err(|reject| reject.status)?;
        assert!(step.consumed > 0, "no progress");
        body.extend_from_slice(step.data.map_or(&[][..], |data| &part[data]));
        at += step.consumed;
        if step.done {
            assert!(decoder.is_done());
            return Ok(Some((body, at)));
        }
    }
    Ok(None)
}

#[test]
fn vectors() {
    let good = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("0005;a=b;c=\"d\"\r\nhello\r\n1 \r\n!\r\n000;x\r\nTrailer: y\r\n\r\n", "hello!"),
        ("a\t;x\r\n0123456789\r\n0\r\nA\r\nB: c\r\n\r\n", "0123456789"),
        ("A\r\n0123456789\r\n0\r\n\r\nGET /", "0123456789"),
    ];
    for (input, body) in good {
        let (found, len) = decode(input.as_bytes(), usize::MAX).unwrap().unwrap();
        assert_eq!(found, body.as_bytes());
        assert!(input[len..].is_empty() || &input[len..] == "GET /");
    }
    let bad = [
        "\r\n",
        " 5\r\n",
        "x\r\n",
        "5\n",
        "5\rx",
        "5;a\nb\r\n",
        "5\r\nhellox",
        "5\r\nhello\n",
        "5\r\nhello\rx",
        "-1\r\n",
        "0x5\r\n",
        "ffffffffffffffff\r\n",
        "8000000000000000\r\n",
        "0\r\n\n",
        "0\r\nA\n",
        "0\r\nA\rB",
        "0\r\n\rx",
        "5,5\r\n",
        "+1\r\nx\r\n",
        "5_0\r\n",
        "5;a\rb\r\n",
        "5\r\r\nhello\r\n",
        "\u{661}\r\n",
        "5\r\nhello\r\n\r\n",
        "0\r\nA: b\r\r\n\r\n",
    ];
    for input in bad {
        assert_eq!(decode(input.as_bytes(), usize::MAX), Err(400), "{input:?}");
    }
    assert_eq!(decode(b"7fffffffffffffff\r\n", 1), Err(400));
    assert_eq!(decode(b"7ffffffffffffff0\r\n", 1), Ok(None));
}

#[test]
fn what_is_skipped_is_counted() {
    let skipped = |input: &str| {
        let (mut decoder, mut rest) = (Chunked::new(), input.as_bytes());
        while !decoder.is_done() {
            let part = &rest[..rest.len().min(100)];
            rest = &rest[decoder.decode(part).expect("well-formed").consumed..];
        }
        decoder.skipped()
    };
    assert_eq!(skipped("1\r\nx\r\n0\r\n\r\n"), 0);
    // As nginx: of any length.
    assert_eq!(skipped(&format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(100_000))), 100_000);
    assert_eq!(skipped(&format!("0\r\n{}\r\n", "T: x\r\n".repeat(30_000))), 120_000);
}

/// What is behind a body whose decoder leaves the trailers: these, and how much they take. `None`: not all there.
fn trailers(input: &[u8]) -> Result<Option<(FieldSection, usize)>, BadAnswer> {
    let (mut decoder, mut at) = (Chunked::new().leave_trailers(), 0);
    while !decoder.is_done() {
        at += decoder.decode(&input[at..]).expect("well-formed").consumed;
    }
    let mut section = FieldSection::default();
    let parsed = section.parse_trailers(&input[at..])?;
    Ok((parsed == Parsed::Complete).then(|| {
        let end = at + section.end;
        (section, end)
    }))
}

/// RFC 9112 §7.1.2.
#[test]
fn trailers_are_left_to_who_wants_them() {
    let body = b"5\r\nhello\r\n0;x\r\n";
    let sent = b"Grpc-Status: 0\r\nX: a\r\nx:\t b\r\n\r\n";
    let input = [&body[..], sent, b"HTTP/1.1"].concat();
    let (section, end) = trailers(&input).expect("fields").expect("all of them");
    assert_eq!(&input[end..], b"HTTP/1.1");
    let values: Vec<_> = section.named(b"X", sent).collect();
    assert_eq!((section.list.len(), values), (3, vec![&b"a"[..], b"b"]));
    assert_eq!(section.list[0].name.of(sent), b"Grpc-Status");
    assert!(section.get(Name::ContentLength).is_none());
    let none = trailers(b"0\r\n\r\n").expect("fields").expect("all of them");
    assert_eq!((none.0.list.len(), none.1), (0, 5));
    for len in body.len()..body.len() + sent.len() {
        assert_eq!(trailers(&input[..len]), Ok(None), "{len}");
    }
}

#[test]
fn trailers_end_their_lines_as_chunks_do() {
    let long = "a: b\r\n".repeat(1001);
    for bad in [
        "A: b\n\r\n",
        "A: b\r\n\n",
        "A: b\r\r\n\r\n",
        "\r\r\n",
        "A : b\r\n\r\n",
        " A: b\r\n\r\n",
        "A: b\r\n c\r\n\r\n",
        "A: b\0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        ": b\r\n\r\n",
    ] {
        let found = trailers(format!("0\r\n{bad}").as_bytes());
        assert_eq!(found, Err(BadAnswer::Field), "{bad:?}");
    }
    let found = trailers(format!("0\r\n{long}").as_bytes());
    assert_eq!(found, Err(BadAnswer::TooManyFields));
}

proptest! {
    /// Whoever takes trailers and whoever skips them find the same end.
    #[test]
    fn trailers_end_where_they_are_skipped(input in "0\r\n([aA:\r\n ]|\r\n){0,20}\r\n\r\n") {
        if let Ok(Some((_, end))) = trailers(input.as_bytes()) {
            prop_assert_eq!(decode(input.as_bytes(), usize::MAX), Ok(Some((Vec::new(), end))));
        }
    }

    #[test]
    fn round_trip(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..6),
        piece in 1usize..400,
    ) {
        let mut input = Vec::new();
        for chunk in &chunks {
            input.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            input.extend(chunk);
            input.extend(b"\r\n");
        }
        input.extend(b"0\r\n\r\n");
        let len = input.len();
        input.extend(b"next");
        prop_assert_eq!(decode(&input, piece), Ok(Some((chunks.concat(), len))));
    }

    #[test]
    fn pieces_do_not_matter(input in "([0-9a-f]{1,2}|[;\r\n xyz]|\r\n|\r\n\r\n|0\r\n){0,30}", piece in 1usize..5) {
        prop_assert_eq!(decode(input.as_bytes(), piece), decode(input.as_bytes(), usize::MAX));
    }

    #[test]
    fn nothing_panics(input: Vec<u8>) {
        let _ = decode(&input, 7);
    }
}
