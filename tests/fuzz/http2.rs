//! What a client of HTTP/2 sends, through our limits; and the head of a request made of fields.

use proto::http1::{Head, HeadLimits, Listed, Parsed, parse};
use proto::http2::{PREFACE, Traffic};

/// Frames are counted the same whole and in pieces; a head reads as the text that it is written down as: no field has
/// become two, and none another.
pub fn http2(data: &[u8]) {
    let (mut whole, mut pieces) = (Traffic::new(4), Traffic::new(4));
    for traffic in [&mut whole, &mut pieces] {
        traffic.received(PREFACE, 1);
    }
    // Often enough to come to the limits.
    for _ in 0..20 {
        whole.received(data, 1);
        data.chunks(7).for_each(|piece| pieces.received(piece, 1));
    }
    assert_eq!(whole.offence(), pieces.offence());
    assert_eq!(whole.incomplete_since(), pieces.incomplete_since());
    head(data);
}

/// The first line is a path, the others are fields.
fn head(data: &[u8]) {
    let limits = HeadLimits { line: 200, total: 1000, headers: 20, ..HeadLimits::default() };
    let (mut head, mut text) = (Head::default(), Vec::new());
    let mut lines = data.split(|&byte| byte == b'|');
    let path = lines.next().unwrap_or_default();
    let Ok(mut listed) = Listed::new(&mut head, &mut text, &limits, b"GET", path) else { return };
    for line in lines {
        let at = line.iter().position(|&byte| byte == b'=').unwrap_or(line.len());
        let values = line[at..].get(1..).unwrap_or_default().split(|&byte| byte == b'=');
        if listed.field(&line[..at], values, b"; ").is_err() {
            return;
        }
    }
    listed.end();
    assert!(text.len() <= limits.total + 2);
    let protocol = head.protocol.start as usize..head.protocol.end as usize;
    let mut as_text = text.clone();
    as_text[protocol].copy_from_slice(b"HTTP/1.1");
    let mut read = Head::default();
    let generous = HeadLimits { line: 2000, total: 4000, ..limits };
    assert_eq!(parse(&as_text, &mut read, &generous), Ok(Parsed::Complete));
    assert_eq!((read.len, &read.fields, read.path), (text.len(), &head.fields, head.path));
    assert_eq!((read.dropped, read.args, read.method), (head.dropped, head.args, head.method));
}
