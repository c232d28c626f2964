//! RTMP's chunks: the forms of a header, odd encoders, bounds, pieces.

use proptest::prelude::*;
use proto::rtmp::chunk::{
    Error, LONGEST, MessageLimits, Reader, Uncut, continuation, cut, cut_len, delta, full,
    uncut_len, write_message,
};
use proto::rtmp::message;

const WIDE: MessageLimits = MessageLimits { message: LONGEST, streams: 64, memory: 1 << 25 };

/// Chunk stream, kind, stream, timestamp, payload.
type Seen = (u32, u8, u32, u32, Vec<u8>);

/// What a reader gives out, and what it leaves.
fn read_with(
    limits: MessageLimits,
    input: &[u8],
    piece: usize,
) -> Result<(Vec<Seen>, usize), Error> {
    let (mut reader, mut seen, mut kept) = (Reader::new(limits), Vec::new(), Vec::new());
    for part in input.chunks(piece) {
        kept.extend_from_slice(part);
        let mut at = 0;
        loop {
            let (used, message) = reader.read(&kept[at..])?;
            at += used;
            let Some(m) = message else { break };
            seen.push((m.csid, m.kind, m.stream, m.timestamp, m.payload.to_vec()));
        }
        kept.drain(..at);
        assert!(kept.len() <= 17, "{} bytes left", kept.len());
    }
    Ok((seen, kept.len()))
}

fn try_read(input: &[u8]) -> Result<Vec<Seen>, Error> {
    let whole = read_with(WIDE, input, input.len().max(1));
    for piece in [1, 2, 3, 5, 128, 129] {
        assert_eq!(read_with(WIDE, input, piece), whole, "in pieces of {piece}");
    }
    whole.map(|(seen, left)| {
        assert_eq!(left, 0);
        seen
    })
}

fn read(input: &[u8]) -> Vec<Seen> {
    try_read(input).unwrap()
}

/// The timestamps of what is read.
fn times(input: &[u8]) -> Vec<u32> {
    read(input).into_iter().map(|(_, _, _, timestamp, _)| timestamp).collect()
}

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn the_specifications_examples() {
    // §5.3.2.1: audio of 32 bytes each, 20 ms apart; formats 0, 2, 3, 3.
    let payload = [7; 32];
    let input = bytes(&[
        &[3, 0x00, 0x03, 0xE8, 0, 0, 32, 8, 0x39, 0x30, 0, 0],
        &payload,
        &[0x83, 0, 0, 20],
        &payload,
        &[0xC3],
        &payload,
        &[0xC3],
        &payload,
    ]);
    let expected: Vec<Seen> =
        (0..4).map(|n| (3, 8, 12345, 1000 + 20 * n, payload.to_vec())).collect();
    assert_eq!(read(&input), expected);

    // §5.3.2.2: video of 307 bytes in chunks of 128, 128 and 51.
    let payload: Vec<u8> = (0..307).map(|n| n as u8).collect();
    let mut out = Vec::new();
    write_message(&mut out, 128, 4, 9, 12346, 1000, &payload);
    let header = [4, 0x00, 0x03, 0xE8, 0x00, 0x01, 0x33, 9, 0x3A, 0x30, 0, 0];
    let expected =
        bytes(&[&header, &payload[..128], &[0xC4], &payload[128..256], &[0xC4], &payload[256..]]);
    assert_eq!(out, expected);
    assert_eq!(out.len(), 140 + 129 + 52);
    assert_eq!(read(&out), [(4, 9, 12346, 1000, payload)]);
}

#[test]
fn chunk_streams() {
    let mut input = Vec::new();
    let ids = [2, 3, 63, 64, 65, 319, 320, 321, 575, 576, 65598, 65599];
    for id in ids {
        write_message(&mut input, 128, id, 8, id, id, &[1; 300]);
    }
    let seen = read(&input);
    assert_eq!(seen.iter().map(|seen| seen.0).collect::<Vec<_>>(), ids);
    assert!(seen.iter().all(|seen| seen.2 == seen.0 && seen.3 == seen.0 && seen.4 == [1; 300]));
    let basic = |id| full(id, 8, 1, 0, 0).to_vec();
    assert_eq!(basic(63)[..1], [63]);
    assert_eq!(basic(64)[..2], [0, 0]);
    assert_eq!(basic(319)[..2], [0, 255]);
    assert_eq!(basic(320)[..3], [1, 0, 1]);
    assert_eq!(basic(65599)[..3], [1, 255, 255]);
    // Three bytes for what two could say.
    let same = bytes(&[&[0x41, 1, 0, 0, 0, 0, 0, 0, 1, 8], b"a", &[0xC0, 1], b"b"]);
    assert_eq!(read(&same).iter().map(|seen| seen.0).collect::<Vec<_>>(), [65, 65]);
}

#[test]
fn messages_alternate() {
    let (video, audio) = ([9; 300], [8; 20]);
    let input = bytes(&[
        &full(7, 9, 1, 40, 300),
        &video[..128],
        &full(6, 8, 1, 41, 20),
        &audio,
        &[0xC7],
        &video[..128],
        &full(2, 4, 0, 0, 6),
        &[0, 6, 0, 0, 0, 1],
        &[0xC7],
        &video[..44],
        &[0xC6],
        &audio,
    ]);
    let expected = [
        (6, 8, 1, 41, audio.to_vec()),
        (2, 4, 0, 0, vec![0, 6, 0, 0, 0, 1]),
        (7, 9, 1, 40, video.to_vec()),
        (6, 8, 1, 41, audio.to_vec()),
    ];
    assert_eq!(read(&input), expected);
}

#[test]
fn a_stream_may_begin_with_format_1() {
    assert_eq!(read(&bytes(&[&delta(5, 8, 30, 1), b"x"])), [(5, 8, 0, 30, b"x".to_vec())]);
    for format in [0x80, 0xC0] {
        assert_eq!(try_read(&[format | 5, 0, 0, 1, 2]), Err(Error::NoHeader));
    }
}

#[test]
fn format_3_repeats_the_delta() {
    let after = |header: &[u8]| times(&bytes(&[header, b"x", &[0xC5], b"x", &[0xC5], b"x"]));
    assert_eq!(after(&full(5, 8, 1, 1000, 1)), [1000, 1000, 1000]);
    assert_eq!(after(&delta(5, 8, 20, 1)), [20, 40, 60]);
    let input = bytes(&[&full(5, 8, 1, 1000, 1), b"x", &[0x85, 0, 0, 20], b"x", &[0xC5], b"x"]);
    assert_eq!(times(&input), [1000, 1020, 1040]);
    // An absolute header takes the delta back.
    let input = bytes(&[&delta(5, 8, 20, 1), b"x", &full(5, 8, 1, 7, 1), b"x", &[0xC5], b"x"]);
    assert_eq!(times(&input), [20, 7, 7]);
}

#[test]
fn timestamps_wrap() {
    let input =
        bytes(&[&full(5, 8, 1, u32::MAX - 9, 1), b"x", &[0x85, 0, 0, 20], b"x", &[0xC5], b"x"]);
    assert_eq!(times(&input), [u32::MAX - 9, 10, 30]);
    // Backwards: what an encoder that restarts sends.
    let input = bytes(&[&full(5, 8, 1, 9000, 1), b"x", &full(5, 8, 1, 0, 1), b"x"]);
    assert_eq!(times(&input), [9000, 0]);
}

#[test]
fn extended_timestamps() {
    for time in [0xFF_FFFE, 0xFF_FFFF, 0x100_0000, 0x1234_5678, u32::MAX] {
        let payload = [5; 300];
        let mut out = Vec::new();
        write_message(&mut out, 128, 5, 9, 1, time, &payload);
        let extended = if time < 0xFF_FFFF { 0 } else { 4 };
        assert_eq!(out.len(), 12 + 300 + 2 + 3 * extended);
        assert_eq!(read(&out), [(5, 9, 1, time, payload.to_vec())]);
        // Later chunks without it.
        let parts: Vec<_> = cut(&payload, 128, &[0xC5]).collect();
        let input = bytes(&[&full(5, 9, 1, time, 300), &parts.concat()]);
        assert_eq!(read(&input), [(5, 9, 1, time, payload.to_vec())]);
    }
    // Formats 1, 2 and 3, each with and without.
    let long = 0x0100_0005_u32;
    let be = long.to_be_bytes();
    for repeated in [&be[..], &[]] {
        let input = bytes(&[
            &delta(5, 9, long, 129),
            &[1; 128],
            &[0xC5],
            repeated,
            &[1],
            &[0x85, 0xFF, 0xFF, 0xFF],
            &be,
            &[2; 128],
            &[0xC5],
            repeated,
            &[2],
            &[0xC5],
            repeated,
            &[3; 128],
            &[0xC5],
            repeated,
            &[3],
            // Not extended any more: what looks like it is payload.
            &[0x85, 0, 0, 1],
            &[4; 128],
            &[0xC5, be[0]],
        ]);
        assert_eq!(times(&input), [long, 2 * long, 3 * long, 3 * long + 1]);
    }
}

/// Without the repeated timestamp, fewer than four bytes may follow: they are waited for only as long
/// as they look like it.
#[test]
fn a_short_end_without_the_extended_timestamp() {
    let time = 0x0100_0005_u32;
    let input = bytes(&[&full(5, 9, 1, time, 129), &[7; 128], &[0xC5, 7]]);
    assert_eq!(read(&input).len(), 1);
    let input = bytes(&[&full(5, 9, 1, time, 129), &[7; 128], &[0xC5, 1]]);
    assert_eq!(read_with(WIDE, &input, 1), Ok((vec![], 2)));
    let more = bytes(&[&input, &full(2, 4, 0, 0, 2), &[0, 9]]);
    assert_eq!(read(&more).len(), 2);
}

#[test]
fn a_new_header_drops_what_has_come() {
    for header in [&full(5, 8, 1, 9, 2)[..], &delta(5, 8, 9, 2)] {
        let input = bytes(&[&full(5, 9, 1, 0, 300), &[9; 128], header, b"ab"]);
        assert_eq!(read(&input), [(5, 8, 1, 9, b"ab".to_vec())]);
    }
    let input =
        bytes(&[&full(5, 9, 1, 0, 200), &[9; 128], &[0x85, 0, 0, 9], &[8; 128], &[0xC5], &[8; 72]]);
    assert_eq!(read(&input), [(5, 9, 1, 9, vec![8; 200])]);
    // And gives its memory back.
    let limits = MessageLimits { memory: 200, ..WIDE };
    let partial = bytes(&[&full(5, 9, 1, 0, 300), &[9; 128]]);
    let again = read_with(limits, &partial.repeat(50), 1000);
    assert_eq!(again, Ok((vec![], 0)));
}

#[test]
fn abort() {
    let abort = bytes(&[&full(2, message::ABORT, 0, 0, 4), &message::abort(5)]);
    let input = bytes(&[
        &full(5, 9, 1, 0, 300),
        &[9; 128],
        &abort,
        &[0xC5],
        &[1; 128],
        &[0xC5],
        &[2; 128],
        &[0xC5],
        &[3; 44],
    ]);
    let payload = bytes(&[&[1; 128], &[2; 128], &[3; 44]]);
    assert_eq!(read(&input), [(5, 9, 1, 0, payload)]);
    // Of nothing, of an unknown stream, and too short.
    let other = bytes(&[&full(2, message::ABORT, 0, 0, 4), &message::abort(77)]);
    let short = bytes(&[&full(2, message::ABORT, 0, 0, 2), &[0, 5]]);
    assert_eq!(read(&bytes(&[&other, &short, &delta(5, 8, 0, 1), b"x", &abort])).len(), 1);
}

#[test]
fn chunk_sizes() {
    let set = |size: u32| bytes(&[&full(2, message::SET_CHUNK_SIZE, 0, 0, 4), &size.to_be_bytes()]);
    for bad in [0, 0x8000_0000, u32::MAX] {
        assert_eq!(try_read(&set(bad)), Err(Error::ChunkSize), "{bad:#x}");
    }
    let short = bytes(&[&full(2, message::SET_CHUNK_SIZE, 0, 0, 3), &[0, 0, 1]]);
    assert_eq!(try_read(&short), Err(Error::ChunkSize));
    let payload: Vec<u8> = (0..5000).map(|n| n as u8).collect();
    for size in [1, 2, 127, 128, 4096, 65536, 0xFF_FFFF, 0x100_0000, 134_217_728, 0x7FFF_FFFF] {
        let mut input = set(size);
        write_message(&mut input, size as usize, 6, 9, 1, 5, &payload);
        assert_eq!(read_with(WIDE, &input, 777), Ok((vec![(6, 9, 1, 5, payload.clone())], 0)));
    }
    // In the middle of a message it is that of its next chunk.
    let input = bytes(&[
        &full(6, 9, 1, 5, 5000),
        &payload[..128],
        &set(4096),
        &[0xC6],
        &payload[128..4224],
        &[0xC6],
        &payload[4224..],
    ]);
    assert_eq!(read(&input), [(6, 9, 1, 5, payload)]);
}

#[test]
fn bounds() {
    let limits = MessageLimits { message: 1000, streams: 3, memory: 1500 };
    let read = |input: &[u8]| read_with(limits, input, 7).map(|(seen, _)| seen.len());
    let begin = |id, len: usize| bytes(&[&full(id, 9, 1, 0, len), &[1; 128]]);
    assert_eq!(read(&full(5, 9, 1, 0, 1001)), Err(Error::TooLong));
    assert_eq!(read(&delta(5, 9, 0, LONGEST)), Err(Error::TooLong));
    assert_eq!(read(&begin(5, 1000)), Ok(0));
    let four: Vec<u8> = (5..9).flat_map(|id| full(id, 9, 1, 0, 0).to_vec()).collect();
    assert_eq!(read(&four), Err(Error::TooManyStreams));
    assert_eq!(read(&four[..36]), Ok(3));
    assert_eq!(read(&four[..36].repeat(9)), Ok(27));
    let mut two = begin(5, 1000);
    for _ in 0..6 {
        two.extend_from_slice(&[0xC5]);
        two.extend_from_slice(&[1; 128]);
    }
    two.extend_from_slice(&begin(6, 1000));
    for _ in 0..3 {
        two.extend_from_slice(&[0xC6]);
        two.extend_from_slice(&[1; 128]);
    }
    assert_eq!(read(&two), Ok(0));
    assert_eq!(read(&bytes(&[&two, &[0xC6], &[1; 128]])), Err(Error::Memory));
    // What needs no copy counts as much.
    let more = bytes(&[&two, &full(7, 8, 1, 0, 100), &[1; 100]]);
    for piece in [7, more.len()] {
        assert_eq!(read_with(limits, &more, piece), Err(Error::Memory));
    }
}

#[test]
fn empty_messages() {
    let input = bytes(&[&full(5, 9, 1, 3, 0), &[0xC5], &delta(5, 8, 4, 0), &[0xC5]]);
    let expected: Vec<Seen> =
        [(9, 3), (9, 3), (8, 7), (8, 11)].map(|(kind, time)| (5, kind, 1, time, vec![])).into();
    assert_eq!(read(&input), expected);
    let mut out = Vec::new();
    write_message(&mut out, 128, 5, 9, 1, 3, &[]);
    assert_eq!(out, *full(5, 9, 1, 3, 0));
}

#[test]
fn a_message_in_one_piece_is_not_copied() {
    let mut input = Vec::new();
    write_message(&mut input, 128, 5, 9, 1, 3, &[1; 128]);
    let mut reader = Reader::new(WIDE);
    let (used, message) = reader.read(&input).unwrap();
    assert_eq!(used, input.len());
    assert!(input.as_ptr_range().contains(&message.unwrap().payload.as_ptr()));
}

#[test]
fn a_buffer_is_lent_while_a_message_is_unfinished() {
    let limits = MessageLimits { message: 1 << 20, streams: 8, memory: 1 << 20 };
    let mut reader = Reader::new(limits);
    let mut input = Vec::new();
    write_message(&mut input, 128, 4, 9, 1, 0, &[7; 1000]);
    reader.lend(Vec::with_capacity(4096));
    assert!(matches!(reader.read(&input[..500]), Ok((500, None))));
    assert_eq!(reader.reclaim().capacity(), 0, "the message has it");
    let payload = reader.read(&input[500..]).map(|(_, message)| message.map(|it| it.payload.len()));
    assert_eq!(payload, Ok(Some(1000)));
    let buffer = reader.reclaim();
    assert!(buffer.is_empty() && buffer.capacity() >= 4096);
}

fn some_message() -> impl Strategy<Value = Seen> {
    let csid = prop_oneof![2u32..10, 60u32..70, 318u32..322, Just(65599)];
    let time = prop_oneof![0u32..5000, 0xFF_FFF0u32..0x100_0010, any::<u32>()];
    let kind = prop_oneof![3u8..7, 8u8..23];
    (csid, kind, any::<u32>(), time, prop::collection::vec(any::<u8>(), 0..700))
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        messages in prop::collection::vec(some_message(), 0..8),
        size in 1u32..300,
        piece in 1usize..400,
    ) {
        let mut out = bytes(&[&full(2, 1, 0, 0, 4), &message::set_chunk_size(size)]);
        for (csid, kind, stream, time, payload) in &messages {
            write_message(&mut out, size as usize, *csid, *kind, *stream, *time, payload);
        }
        prop_assert_eq!(read_with(WIDE, &out, piece), Ok((messages, 0)));
    }

    #[test]
    fn what_is_cut_is_joined(payload: Vec<u8>, size in 1usize..40, piece in 1usize..50, skip in 0usize..200) {
        let header = continuation(6);
        let all = cut(&payload, size, &header).collect::<Vec<_>>().concat();
        prop_assert_eq!(all.len(), cut_len(payload.len(), size));
        prop_assert_eq!(uncut_len(all.len(), size), payload.len());
        let mut written = Vec::new();
        write_message(&mut written, size, 6, 9, 1, 0, &payload);
        prop_assert_eq!(&written[12..], &all[..]);
        let (mut uncut, mut joined) = (Uncut::new(size), Vec::new());
        all.chunks(piece).for_each(|part| uncut.feed(part, |piece| joined.extend_from_slice(piece)));
        prop_assert_eq!(&joined, &payload);
        // From anywhere.
        let skip = skip.min(all.len());
        joined.clear();
        Uncut::at(size, skip).feed(&all[skip..], |piece| joined.extend_from_slice(piece));
        prop_assert_eq!(&joined[..], &payload[uncut_len(skip, size)..]);
    }

    #[test]
    fn nothing_panics(input: Vec<u8>, piece in 1usize..50) {
        let limits = MessageLimits { message: 500, streams: 4, memory: 800 };
        let whole = read_with(limits, &input, input.len().max(1));
        prop_assert_eq!(read_with(limits, &input, piece).map(|read| read.0), whole.map(|read| read.0));
    }
}
