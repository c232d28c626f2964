//! A body in chunks.

use proto::http1::Chunked;

/// A body that comes in pieces is what it is as a whole.
pub fn chunked(data: &[u8]) {
    let whole = decode(data, data.len());
    for piece in [1, 2, 13] {
        assert_eq!(decode(data, piece), whole, "in pieces of {piece}");
    }
}

/// The data, and how it ends: with the body, at this offset; not yet; or with a refusal.
type Outcome = (Vec<u8>, Result<Option<usize>, u16>);

fn decode(data: &[u8], piece: usize) -> Outcome {
    let (mut decoder, mut body, mut at) = (Chunked::new(), Vec::new(), 0usize);
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
