//! Answers of other servers.

use proto::http1::{Framing, parse_response};

/// A head is found at the same place however much follows it, no beginning of it is one, and its framing is decided.
pub fn response(data: &[u8]) {
    let Ok(Some((head, len))) = parse_response(data) else { return };
    assert!(len <= data.len() && (100..=599).contains(&head.status));
    assert_eq!(parse_response(&data[..len]), Ok(Some((head.clone(), len))));
    for cut in (0..len).step_by(1 + len / 16) {
        assert!(!matches!(parse_response(&data[..cut]), Ok(Some(_))), "cut at {cut}");
    }
    for method in ["GET", "HEAD"] {
        if let Ok(framing) = head.framing(method) {
            assert!(method != "HEAD" || matches!(framing, Framing::None));
            assert!(!(matches!(framing, Framing::Close) && head.keep_alive(&framing)));
        }
    }
}
