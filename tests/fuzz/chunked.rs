//! A body in chunks.

use proto::http1::{Chunked, FieldSection, Parsed};

/// A body that comes in pieces is what it is as a whole; whoever takes its trailers finds the end where it is without them.
pub fn chunked(data: &[u8]) {
    let whole = decode(Chunked::new(), data, data.len());
    for piece in [1, 2, 13] {
        assert_eq!(decode(Chunked::new(), data, piece), whole, "in pieces of {piece}");
    }
    let left = decode(Chunked::new().leave_trailers(), data, data.len());
    assert_eq!(left.0, whole.0);
    if let Ok(Some(start)) = left.1 {
        let mut trailers = FieldSection::default();
        if trailers.parse_trailers(&data[start..]) == Ok(Parsed::Complete) {
            assert_eq!(whole.1, Ok(Some(start + trailers.end)));
        }
    }
}

/// The data, and how it ends: with the body, at this offset; not yet; or with a refusal.
type Outcome = (Vec<u8>, Result<Option<usize>, u16>);

fn decode(mut decoder: Chunked, data: &[u8], piece: usize) -> Outcome {
    let (mut body, mut at) = (Vec::new(), 0usize);
    while at < data.len() {
        let part = &data[at..data.len().min(at.saturating_add(piece))];
        let step = match decoder.decode(part) {
            Ok(step) => step,
            Err(reject) => return (body, Err(reject.status)),
        };
        // Each step is at least a byte long, so the loop ends.
        assert!(0 < step.consumed && step.consumed <= part.len(), "{step:?}");
        assert_eq!(step.done, decoder.is_done());
        if let Some(range) = step.data {
            assert!(!range.is_empty() && range.end == step.consumed, "{range:?}");
            body.extend_from_slice(&part[range]);
        } else {
            assert!(step.done || step.consumed == part.len(), "stopped without a reason");
        }
        at += step.consumed;
        if step.done {
            let more = decoder.decode(&data[at..]).expect("nothing is left to refuse");
            assert_eq!((more.consumed, more.data, more.done), (0, None, true));
            return (body, Ok(Some(at)));
        }
    }
    (body, Ok(None))
}
