//! A connection that sends requests: their heads, and what is made of these.

use proto::http1::{
    Body, Head, HeadLimits, Name, Parsed, Version, framing, host, keep_alive, parse,
};
use proto::uri::{is_plain, normalize, split_args, unescape};

/// A head that comes in pieces is what it is as a whole; what it says makes sense.
pub fn request(data: &[u8]) {
    let tight = HeadLimits { line: 64, headers: 4, total: 200, ..HeadLimits::default() };
    let lenient = HeadLimits { underscores: true, ignore_invalid: false, ..HeadLimits::default() };
    for limits in [HeadLimits::default(), tight, lenient] {
        let whole = arrive(data, data.len(), &limits);
        for piece in [1, 7, 30] {
            let pieces = arrive(data, piece, &limits);
            assert_eq!(pieces, whole, "in pieces of {piece} under {limits:?}");
        }
        if let Outcome::Complete(head) = whole {
            inside(&head, data, &limits);
            meaning(&head, data);
            uri(head.path.of(data));
            again(head, data, &limits);
        }
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Complete(Head),
    Partial,
    Refused,
}

/// Parses what has come, each time that `piece` bytes more are there.
fn arrive(data: &[u8], piece: usize, limits: &HeadLimits) -> Outcome {
    let mut head = Head::default();
    let mut end = 0usize;
    loop {
        end = data.len().min(end.saturating_add(piece));
        match parse(&data[..end], &mut head, limits) {
            Ok(Parsed::Complete) => return Outcome::Complete(head),
            Ok(Parsed::Partial) if end < data.len() => {}
            Ok(Parsed::Partial) => return Outcome::Partial,
            Err(reject) => {
                assert!([400, 414, 494, 505].contains(&reject.status), "{reject:?}");
                return Outcome::Refused;
            }
        }
    }
}

/// The offsets are in order and inside the head, which is inside its limits.
fn inside(head: &Head, data: &[u8], limits: &HeadLimits) {
    assert!(head.len <= data.len() && head.len <= limits.total);
    assert!(head.fields.len() <= limits.headers);
    let line = [head.method_name, head.target, head.protocol];
    let parts = [head.uri, head.path, head.args, head.host_in_target.unwrap_or_default()];
    assert!(line.is_sorted_by_key(|range| range.start), "{line:?}");
    for range in line.iter().chain(&parts) {
        assert!(range.start <= range.end && range.end <= head.request_line.end, "{range:?}");
    }
    let mut before = head.request_line.end;
    for field in &head.fields {
        assert!(before < field.name.start && field.name.end <= field.value.start, "{field:?}");
        assert!(field.value.start <= field.value.end && field.value.end as usize <= head.len);
        before = field.value.end;
    }
    assert!(before as usize <= head.len);
}

/// What others could read differently must not be there.
fn meaning(head: &Head, data: &[u8]) {
    for field in &head.fields {
        let (name, value) = (field.name.of(data), field.value.of(data));
        assert!(!name.is_empty() && name.iter().all(|&byte| byte > b' ' && byte != b':'));
        assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)), "{}", value.escape_ascii());
        assert!(![value.first(), value.last()].contains(&Some(&b' ')), "a space is left");
        assert_eq!(field.id == Name::Other, Name::of(name) == Name::Other);
    }
    let count = |id| head.values(id, data).count();
    let framed = (count(Name::ContentLength), count(Name::TransferEncoding));
    match framing(head, data) {
        Ok(Body::None) => assert_eq!(framed, (0, 0)),
        Ok(Body::Length(length)) => {
            assert_eq!(framed, (1, 0));
            assert!(length <= i64::MAX as u64);
        }
        Ok(Body::Chunked) => {
            assert_eq!(framed, (0, 1));
            assert_eq!(head.version, Version::V11);
        }
        Err(reject) => assert!([400, 501].contains(&reject.status), "{reject:?}"),
    }
    assert!(count(Name::Host) <= 1);
    let in_target = head.host_in_target.map(|range| range.of(data));
    for value in head.value(Name::Host, data).into_iter().chain(in_target) {
        if let Ok(found) = host(value) {
            assert!(!found.host.is_empty() && !found.host.iter().any(u8::is_ascii_uppercase));
            assert!(!found.host.iter().any(|&byte| byte <= b' ' || byte == b'/'));
        }
    }
    if count(Name::Connection) == 0 {
        assert_eq!(keep_alive(head, data), head.version == Version::V11);
    }
}

/// A path leads nowhere but into the root; one that is plain stays as it is.
fn uri(path: &[u8]) {
    let mut out = Vec::new();
    for merge in [true, false] {
        let plain = is_plain(path, merge);
        if normalize(path, merge, &mut out).is_err() {
            assert!(!plain, "{} is plain and bad", path.escape_ascii());
            continue;
        }
        assert!(!plain || out == path, "{} is plain and changed", path.escape_ascii());
        assert!(out.first() == Some(&b'/') && out.len() <= path.len() && !out.contains(&0));
        let up = |segment: &[u8]| segment == b"." || segment == b"..";
        assert!(!out.split(|&byte| byte == b'/').any(up), "{}", out.escape_ascii());
        assert!(!merge || !out.windows(2).any(|pair| pair == b"//"), "{}", out.escape_ascii());
    }
    out.clear();
    unescape(path, &mut out);
    assert!(out.len() <= path.len());
    assert_eq!(split_args(path), (path, None), "a path ends before its arguments");
}

/// The memory of a head can be used for the next request, which is what follows.
fn again(mut head: Head, data: &[u8], limits: &HeadLimits) {
    let next = &data[head.len..];
    head.clear();
    let mut fresh = Head::default();
    assert_eq!(parse(next, &mut head, limits), parse(next, &mut fresh, limits));
    assert_eq!(head, fresh);
}
