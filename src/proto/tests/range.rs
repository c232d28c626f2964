//! Ranges: nginx's results, invariants, and the exact length of a multipart answer.

use proptest::prelude::*;
use proto::multipart::{Multipart, content_range, content_range_unsatisfied};
use proto::range::{Ranges, Span, parse};

fn show(value: &str, size: u64, max: Option<u32>) -> String {
    let text = |span: &Span| format!("{}-{}", span.start, span.end - 1);
    match parse(value.as_bytes(), size, max) {
        Ranges::Ignore => "200".into(),
        Ranges::Unsatisfiable => "416".into(),
        Ranges::One(span) => text(&span),
        Ranges::Many(spans) => spans.iter().map(text).collect::<Vec<_>>().join(","),
    }
}

#[test]
fn nginx_agrees() {
    let vectors = [
        ("bytes=0-1", "0-1"),
        ("BYTES=0-", "0-4"),
        ("bytes=4-4", "4-4"),
        ("bytes=1-99", "1-4"),
        ("bytes=-2", "3-4"),
        ("bytes=-99", "0-4"),
        ("bytes= 1 - 2 ", "1-2"),
        ("bytes=0-0,2-3", "0-0,2-3"),
        ("bytes=3-4,0-1", "3-4,0-1"),
        ("bytes=0-0,5-,9-9,3-1", "0-0"),
        ("bytes=0-9223372036854775807", "0-4"),
        ("bytes=", "200"),
        ("bytes", "200"),
        ("items=0-1", "200"),
        ("bytes =0-1", "200"),
        ("bytes=0-4,0-0", "200"),
        ("bytes=5-", "416"),
        ("bytes=-0", "416"),
        ("bytes=3-1", "416"),
        ("bytes=x", "416"),
        ("bytes=-", "416"),
        ("bytes=- 2", "416"),
        ("bytes=0-1,", "416"),
        ("bytes=,0-1", "416"),
        ("bytes=0-1;2", "416"),
        ("bytes=0-9223372036854775808", "416"),
        ("bytes=99999999999999999999-", "416"),
    ];
    for (value, expected) in vectors {
        assert_eq!(show(value, 5, None), expected, "{value}");
    }
    assert_eq!(show("bytes=0-", 0, None), "200");
    assert_eq!(show("bytes=-5", 0, None), "200");
    assert_eq!(show("bytes=1-2", 0, None), "416");
}

#[test]
fn many_ranges_are_limited() {
    assert_eq!(show("bytes=0-1,3-4", 9, Some(1)), "200");
    assert_eq!(show("bytes=0-1,3-4", 9, Some(2)), "0-1,3-4");
    assert_eq!(show("bytes=0-1", 9, Some(0)), "200");
    let tiny = |n| format!("bytes={}", vec!["0-0"; n].join(","));
    assert_ne!(show(&tiny(16), 100, None), "200");
    assert_eq!(show(&tiny(17), 100, None), "200");
    assert_ne!(show(&tiny(17), 100, Some(17)), "200");
}

#[test]
fn content_ranges() {
    let mut out = Vec::new();
    content_range(Span { start: 3, end: 5 }, 9, &mut out);
    assert_eq!(out, b"bytes 3-4/9");
    out.clear();
    content_range_unsatisfied(9, &mut out);
    assert_eq!(out, b"bytes */9");
}

#[test]
fn a_multipart_body() {
    let frame = Multipart { boundary: 7, content_type: Some(b"text/plain"), size: 5 };
    assert_eq!(frame.header_value(), "multipart/byteranges; boundary=00000000000000000007");
    let mut out = Vec::new();
    frame.part_head(Span { start: 0, end: 2 }, &mut out);
    out.extend_from_slice(b"he");
    frame.end(&mut out);
    let expected = "\r\n--00000000000000000007\r\nContent-Type: text/plain\r\n\
                    Content-Range: bytes 0-1/5\r\n\r\nhe\r\n--00000000000000000007--\r\n";
    assert_eq!(out, expected.as_bytes());
}

proptest! {
    #[test]
    fn spans_are_inside_the_file(
        value in "[bB]ytes=([0-9]{1,4}-[0-9]{0,4}|-[0-9]{1,3}|,|, ){1,9}",
        size in 0u64..5000,
        max in prop::option::of(0u32..5),
    ) {
        let spans = match parse(value.as_bytes(), size, max) {
            Ranges::One(span) => vec![span],
            Ranges::Many(spans) => spans,
            _ => vec![],
        };
        prop_assert!(spans.iter().all(|span| span.start < span.end && span.end <= size));
        prop_assert!(spans.iter().map(|span| span.len()).sum::<u64>() <= size);
        prop_assert!(max.is_none_or(|max| spans.len() <= max as usize));
    }

    #[test]
    fn one_range_is_cut_as_a_slice(start in 0u64..200, last in 0u64..200, size in 1u64..100) {
        let expected = if start >= size || start > last {
            Ranges::Unsatisfiable
        } else {
            Ranges::One(Span { start, end: size.min(last + 1) })
        };
        let value = format!("bytes={start}-{last}");
        prop_assert_eq!(parse(value.as_bytes(), size, None), expected);
    }

    #[test]
    fn the_length_is_exact(
        bounds in prop::collection::vec((0u64..50_000, 1u64..50), 1..8),
        typed: bool,
        boundary: u64,
    ) {
        let size = 1_000_000;
        let spans: Vec<Span> = bounds.iter().map(|&(start, len)| Span { start, end: start + len }).collect();
        let frame = Multipart { boundary, content_type: typed.then_some(b"a/b"), size };
        let mut body = Vec::new();
        for &span in &spans {
            frame.part_head(span, &mut body);
            body.resize(body.len() + span.len() as usize, b'x');
        }
        frame.end(&mut body);
        prop_assert_eq!(frame.content_length(&spans), body.len() as u64);
    }

    #[test]
    fn nothing_panics(value: Vec<u8>, size: u64, max: Option<u32>) {
        parse(&value, size, max);
        parse(&[b"bytes=", &value[..]].concat(), size, max);
    }
}
