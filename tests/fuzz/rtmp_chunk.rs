//! RTMP's chunks.

use proto::rtmp::chunk::{
    Error, MessageLimits, Reader, Uncut, continuation, cut, cut_len, uncut_len, write_message,
};
use proto::rtmp::message::{UserControl, aggregate};

/// Small, so that inputs get there.
const LIMITS: MessageLimits = MessageLimits { message: 1000, streams: 4, memory: 1500 };

/// What is read does not depend on how it comes, and is within the limits; written again, it is read
/// as it was. What is cut is joined.
pub fn rtmp_chunk(data: &[u8]) {
    let whole = read(LIMITS, data, data.len().max(1));
    for piece in [1, 2, 13] {
        assert_eq!(read(LIMITS, data, piece), whole, "in pieces of {piece}");
    }
    let sizes = data.first().map_or(1, |byte| usize::from(*byte) + 1);
    let mut out = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
    out.extend_from_slice(&(sizes as u32).to_be_bytes());
    for (csid, kind, stream, timestamp, payload) in &whole.0 {
        assert!(payload.len() <= LIMITS.message && ![1, 2].contains(kind));
        write_message(&mut out, sizes, *csid, *kind, *stream, *timestamp, payload);
        let _ = UserControl::parse(payload);
        for part in aggregate(payload, *timestamp) {
            assert!(part.payload.len() < payload.len());
        }
    }
    // Setting the chunk size takes a chunk stream of its own.
    let wider = MessageLimits { streams: LIMITS.streams + 1, ..LIMITS };
    assert_eq!(read(wider, &out, 99), (whole.0, 0, None));
    joined(data, sizes);
}

/// Chunk stream, kind, stream, timestamp, payload.
type Seen = (u32, u8, u32, u32, Vec<u8>);

/// Messages, how much is left of a header, and why it ended.
fn read(limits: MessageLimits, data: &[u8], piece: usize) -> (Vec<Seen>, usize, Option<Error>) {
    let (mut reader, mut seen, mut kept) = (Reader::new(limits), Vec::new(), Vec::new());
    for part in data.chunks(piece) {
        kept.extend_from_slice(part);
        let mut at = 0;
        loop {
            match reader.read(&kept[at..]) {
                Ok((used, message)) => {
                    at += used;
                    let Some(m) = message else { break };
                    assert!(used > 0, "a message of nothing");
                    seen.push((m.csid, m.kind, m.stream, m.timestamp, m.payload.to_vec()));
                }
                Err(error) => return (seen, 0, Some(error)),
            }
        }
        kept.drain(..at);
        assert!(kept.len() <= 17, "{} bytes left", kept.len());
    }
    (seen, kept.len(), None)
}

fn joined(data: &[u8], size: usize) {
    let header = continuation(6);
    let all = cut(data, size, &header).collect::<Vec<_>>().concat();
    assert_eq!((all.len(), uncut_len(all.len(), size)), (cut_len(data.len(), size), data.len()));
    let (mut uncut, mut out) = (Uncut::new(size), Vec::new());
    all.chunks(13).for_each(|part| uncut.feed(part, |piece| out.extend_from_slice(piece)));
    assert_eq!(out, data);
    let from = all.len() / 3;
    out.clear();
    Uncut::at(size, from).feed(&all[from..], |piece| out.extend_from_slice(piece));
    assert_eq!(out, data[uncut_len(from, size)..]);
}
