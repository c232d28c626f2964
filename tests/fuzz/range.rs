//! Ranges and the answer with several of them.

use proto::multipart::Multipart;
use proto::range::{Ranges, Span, parse};

/// The value of a Range field, for files of several sizes: the spans are parts of the file, no more
/// than allowed, and a multipart answer has the length that is announced.
pub fn range(data: &[u8]) {
    for size in [0, 1, 5, 1000, 65536, i64::MAX as u64] {
        for max in [None, Some(0), Some(1), Some(3)] {
            let spans = match parse(data, size, max) {
                Ranges::One(span) => vec![span],
                Ranges::Many(spans) => {
                    assert!(spans.len() > 1);
                    multipart(&spans, size);
                    spans
                }
                Ranges::Ignore | Ranges::Unsatisfiable => continue,
            };
            assert!(max.is_none_or(|max| spans.len() <= max as usize), "{spans:?} of {max:?}");
            for span in &spans {
                assert!(span.start < span.end && span.end <= size, "{span:?} of {size}");
            }
            let total: u128 = spans.iter().map(|span| u128::from(span.len())).sum();
            assert!(total <= size.into(), "{total} bytes of {size}");
        }
    }
}

fn multipart(spans: &[Span], size: u64) {
    for content_type in [None, Some(&b"text/html"[..])] {
        let frame = Multipart { boundary: size, content_type, size };
        // The data is only counted, since a file may be huge.
        let (mut rendered, mut data) = (Vec::new(), 0);
        for &span in spans {
            frame.part_head(span, &mut rendered);
            data += span.len();
        }
        frame.end(&mut rendered);
        assert_eq!(frame.content_length(spans), rendered.len() as u64 + data);
    }
}
