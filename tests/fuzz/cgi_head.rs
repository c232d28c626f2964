//! Heads of scripts.

use crate::response_head::check;
use proto::cgi::{StatusLine, parse};
use proto::http1::{AnswerHead, BadAnswer, Framing, Method, Parsed};

/// A head is the same whole and in pieces, and has a status; where its body ends does not depend on whether a status line is
/// read.
pub fn cgi_head(data: &[u8]) {
    let [skipped, taken] = [StatusLine::Skipped, StatusLine::Read].map(|status_line| {
        let whole = read(data, status_line, data.len().max(1));
        for piece in [1, 2, 13] {
            assert_eq!(read(data, status_line, piece), whole, "in pieces of {piece}");
        }
        let head = whole.ok().flatten()?;
        check(&head, data);
        assert_eq!(head.version, None);
        if let Ok(framing) = head.framing(Method::Get, data) {
            assert!(!matches!(framing, Framing::Chunked(_)));
            assert!(!head.keep_alive(&framing, data));
        }
        Some(head)
    });
    if let (Some(skipped), Some(taken)) = (skipped, taken) {
        assert_eq!(skipped.fields, taken.fields);
    }
}

fn read(
    data: &[u8],
    status_line: StatusLine,
    piece: usize,
) -> Result<Option<AnswerHead>, BadAnswer> {
    let mut head = AnswerHead::default();
    for end in (0..data.len()).step_by(piece).chain([data.len()]) {
        if parse(&data[..end], &mut head, status_line)? == Parsed::Complete {
            return Ok(Some(head));
        }
    }
    Ok(None)
}
