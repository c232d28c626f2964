//! Heads of answers as a proxy reads them.

use proto::http1::{
    AnswerHead, BadAnswer, Framing, Method, Parsed, Range32, parse_answer, parse_response,
};

/// A head is the same whole and in pieces, its parts are where they should be, and whoever reads it for clients finds the same
/// end of it and of its body.
pub fn response_head(data: &[u8]) {
    let whole = read(data, data.len().max(1));
    for piece in [1, 2, 13] {
        assert_eq!(read(data, piece), whole, "in pieces of {piece}");
    }
    let Ok(Some(head)) = whole else { return };
    check(&head, data);
    assert!(head.version.is_some());
    let other = parse_response(data);
    if let Ok(Some((other, len))) = &other {
        assert_eq!((*len, other.status), (head.fields.end, head.status));
    }
    for (method, name) in [(Method::Get, "GET"), (Method::Head, "HEAD")] {
        let Ok(framing) = head.framing(method, data) else { continue };
        assert!(!(matches!(framing, Framing::Close) && head.keep_alive(&framing, data)));
        if let Ok(Some((other, _))) = &other {
            let theirs = other.framing(name).expect("what is certain is certain for them, too");
            assert_eq!(format!("{framing:?}"), format!("{theirs:?}"));
        }
    }
}

fn read(data: &[u8], piece: usize) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    for end in (0..data.len()).step_by(piece).chain([data.len()]) {
        if parse_answer(&data[..end], &mut head)? == Parsed::Complete {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// Everything lies within the head, one after the other, and has nothing in it that ends a line.
pub(crate) fn check(head: &AnswerHead, data: &[u8]) {
    assert!((100..=999).contains(&head.status), "{}", head.status);
    assert!(head.fields.end <= data.len());
    let clean = |range: Range32, name: bool| {
        assert!(range.start <= range.end && range.end as usize <= head.fields.end);
        let bad = |&byte: &u8| matches!(byte, b'\r' | b'\n' | 0) || name && byte <= b' ';
        assert!(!range.of(data).iter().any(bad));
    };
    clean(head.reason, false);
    let mut at = 0;
    for field in &head.fields.list {
        assert!(!field.name.is_empty() && at <= field.name.start);
        assert!(field.name.end <= field.value.start);
        clean(field.name, true);
        clean(field.value, false);
        let value = field.value.of(data);
        assert_eq!(value.trim_ascii().len(), value.trim_ascii_start().trim_ascii_end().len());
        assert!(!value.starts_with(b" ") && !value.ends_with(b"\t"));
        at = field.value.end;
    }
}
