//! RTMP's control messages and aggregates.

use proptest::prelude::*;
use proto::rtmp::message::{
    Part, PeerLimit, UserControl, abort, acknowledgement, aggregate, number, peer_bandwidth,
    set_chunk_size, window_ack_size,
};

#[test]
fn payloads() {
    assert_eq!(set_chunk_size(4096), [0, 0, 0x10, 0]);
    assert_eq!(set_chunk_size(0), [0, 0, 0, 1]);
    assert_eq!(set_chunk_size(u32::MAX), [0x7F, 0xFF, 0xFF, 0xFF]);
    assert_eq!(abort(6), [0, 0, 0, 6]);
    assert_eq!(acknowledgement(u32::MAX), [0xFF; 4]);
    assert_eq!(window_ack_size(5_000_000), [0, 0x4C, 0x4B, 0x40]);
    assert_eq!(peer_bandwidth(5_000_000, PeerLimit::Dynamic), [0, 0x4C, 0x4B, 0x40, 2]);
    assert_eq!(number(&peer_bandwidth(5_000_000, PeerLimit::Hard)), Some(5_000_000));
    assert_eq!(number(&[0, 0, 1]), None);
}

#[test]
fn user_control() {
    use UserControl::*;
    let events = [
        (StreamBegin(1), &[0, 0, 0, 0, 0, 1][..]),
        (StreamEof(1), &[0, 1, 0, 0, 0, 1]),
        (StreamDry(1), &[0, 2, 0, 0, 0, 1]),
        (SetBufferLength { stream: 1, ms: Some(3000) }, &[0, 3, 0, 0, 0, 1, 0, 0, 0x0B, 0xB8]),
        (SetBufferLength { stream: 1, ms: None }, &[0, 3, 0, 0, 0, 1]),
        (StreamIsRecorded(1), &[0, 4, 0, 0, 0, 1]),
        (Ping(0x0102_0304), &[0, 6, 1, 2, 3, 4]),
        (Pong(0x0102_0304), &[0, 7, 1, 2, 3, 4]),
        (Unknown(26), &[0, 26]),
    ];
    for (event, payload) in events {
        let mut out = Vec::new();
        event.write(&mut out);
        assert_eq!(out, payload);
        assert_eq!(UserControl::parse(payload), Some(event));
        out.push(0);
        assert_eq!(UserControl::parse(&out), Some(event), "with more behind it");
    }
    for short in [&[][..], &[0], &[0, 0], &[0, 3, 0, 0, 0], &[0, 6], &[0, 7, 1, 2, 3]] {
        assert_eq!(UserControl::parse(short), None, "{short:?}");
    }
    assert_eq!(UserControl::parse(&[1, 0]), Some(Unknown(256)));
}

/// An aggregate of these kinds, timestamps and payloads.
fn written(parts: &[(u8, u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, timestamp, payload) in parts {
        out.extend_from_slice(&proto::flv::tag_header(*kind, payload.len(), *timestamp));
        out.extend_from_slice(payload);
        out.extend_from_slice(&proto::flv::previous_tag_size(payload.len()));
    }
    out
}

#[test]
fn aggregates() {
    let payload = written(&[(8, 500, b"a".to_vec()), (9, 520, b"vv".to_vec()), (8, 490, vec![])]);
    let part = |kind, timestamp, payload| Part { kind, timestamp, payload };
    let expected = [part(8, 90_000, &b"a"[..]), part(9, 90_020, b"vv"), part(8, 89_990, b"")];
    assert_eq!(aggregate(&payload, 90_000).collect::<Vec<_>>(), expected);
    // The last one's size may be missing.
    assert_eq!(aggregate(&payload[..payload.len() - 4], 90_000).count(), 3);
    assert_eq!(aggregate(&payload[..payload.len() - 5], 90_000).count(), 2);
    assert_eq!(aggregate(b"", 0).count(), 0);
    let far = written(&[(8, 0xFFFF_FFF0, vec![]), (8, 16, vec![])]);
    let times: Vec<_> = aggregate(&far, u32::MAX).map(|part| part.timestamp).collect();
    assert_eq!(times, [u32::MAX, 31]);
}

proptest! {
    #[test]
    fn an_aggregate_cut_short_has_the_first(
        parts in prop::collection::vec((any::<u8>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..6),
        outer: u32,
        cut: prop::sample::Index,
    ) {
        let payload = written(&parts);
        let whole: Vec<_> = aggregate(&payload, outer).collect();
        prop_assert_eq!(whole.len(), parts.len());
        for (part, (kind, timestamp, payload)) in whole.iter().zip(&parts) {
            prop_assert_eq!((part.kind, part.payload), (*kind, &payload[..]));
            prop_assert_eq!(part.timestamp.wrapping_sub(outer), timestamp.wrapping_sub(parts[0].1));
        }
        let some: Vec<_> = aggregate(&payload[..cut.index(payload.len() + 1)], outer).collect();
        prop_assert_eq!(&some[..], &whole[..some.len()]);
    }

    #[test]
    fn nothing_panics(input: Vec<u8>, outer: u32) {
        let _ = (UserControl::parse(&input), aggregate(&input, outer).count(), number(&input));
    }
}
