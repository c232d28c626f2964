//! Recordings as FLV: their heads, their index, and what a torn one still has.

use proptest::prelude::*;
use proto::flv::recording::{Description, Index, Sound, Totals, Walk, Walked, head, patch, tag};
use proto::flv::{AudioCodec, Reader, VideoCodec};
use proto::rtmp::amf::{Decoder, Value};

fn description() -> Description {
    let audio = Some(Sound { codec: AudioCodec::Aac, rate: 44_100, channels: 2 });
    Description { video: Some(VideoCodec::Avc), size: (640, 360), frame_rate: 25.0, audio }
}

/// A file of 25 frames a second, each tenth a key frame, with sound between.
fn file(frames: u32, capacity: usize) -> (Vec<u8>, Index) {
    let mut out = head(&description(), capacity);
    let mut index = Index::new(capacity);
    for number in 0..frames {
        let key = number % 10 == 0;
        if key {
            index.add(out.len() as u64, u64::from(number) * 40);
        }
        let first = if key { 0x17 } else { 0x27 };
        let payload = [&[first, 1, 0, 0, 0][..], &vec![7; number as usize * 3]].concat();
        assert!(tag(&mut out, 9, number * 40, &payload));
        assert!(tag(&mut out, 8, number * 40 + 1, &[0xAF, 1, 7]));
    }
    (out, index)
}

/// Goes through a file in pieces.
fn walk(file: &[u8], capacity: usize, piece: usize) -> Walked {
    let mut walk = Walk::new(capacity);
    let mut steps = 0;
    while let Some(at) = walk.wanted() {
        let rest = usize::try_from(at).ok().and_then(|at| file.get(at..)).unwrap_or_default();
        let now = &rest[..rest.len().min(piece)];
        walk.take(now, now.len() == rest.len());
        steps += 1;
        assert!(steps <= file.len() / 9 + 2, "it does not come further");
    }
    walk.found()
}

/// The members of `onMetaData`.
fn metadata(file: &[u8], check: impl FnOnce(&Value<'_>)) {
    let mut check = Some(check);
    let mut reader = Reader::new(1 << 24);
    let read = |tag: proto::flv::Tag<'_>| {
        let Some(check) = check.take() else { return };
        assert_eq!(tag.kind, 18);
        let mut decoder = Decoder::new(tag.payload);
        assert_eq!(decoder.next(), Ok(Some(Value::from("onMetaData"))));
        check(&decoder.next().unwrap().unwrap());
        assert!(decoder.next().unwrap().is_none());
    };
    reader.feed(file, read).unwrap();
}

#[test]
fn a_head_is_written_over_in_place() {
    let (mut file, index) = file(100, 20);
    let begun = head(&description(), 20);
    let totals = Totals { duration: 4_000, last: 3_961, size: file.len() as u64 };
    assert!(patch(&mut file[..begun.len()], totals, &index));
    metadata(&file, |value| {
        let number = |name| value.get(name).and_then(Value::as_f64);
        assert_eq!(number("duration"), Some(4.0));
        assert_eq!(number("lasttimestamp"), Some(3.961));
        assert_eq!(number("filesize"), Some(totals.size as f64));
        assert_eq!((number("width"), number("height")), (Some(640.0), Some(360.0)));
        assert_eq!((number("videocodecid"), number("audiocodecid")), (Some(7.0), Some(10.0)));
        assert_eq!(value.get("stereo").and_then(Value::as_bool), Some(true));
        let list = |name| match value.get("keyframes").and_then(|list| list.get(name)) {
            Some(Value::StrictArray(values)) => values.iter().filter_map(Value::as_f64).collect(),
            _ => Vec::new(),
        };
        assert_eq!(list("times"), [0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6]);
        for position in list("filepositions") {
            assert_eq!(file[position as usize], 9);
            assert_eq!(file[position as usize + 11], 0x17);
        }
    });
    // Again, with less, and back.
    assert!(patch(&mut file[..begun.len()], Totals::default(), &Index::new(0)));
    assert_eq!(file[..begun.len()], begun);
}

#[test]
fn an_index_that_is_too_long_is_thinned() {
    let mut index = Index::new(1000);
    (0..1000).for_each(|number| index.add(number, number));
    for capacity in [0, 1, 2, 10, 499, 500, 1500] {
        let mut begun = head(&description(), capacity);
        let len = begun.len();
        assert!(patch(&mut begun, Totals::default(), &index));
        metadata(&begun, |value| {
            let Some(Value::StrictArray(times)) = value.get("keyframes").unwrap().get("times")
            else {
                panic!("no times")
            };
            assert!(times.len() <= capacity && times.len() >= capacity.min(1000) / 2);
        });
        assert_eq!(begun.len(), len);
    }
}

#[test]
fn heads_of_others_are_left_alone() {
    let mut ours = head(&description(), 5);
    let changing = ours.windows(8).position(|name| name == b"hasVideo").unwrap() - 2;
    for end in 0..changing {
        let mut part = ours[..end].to_vec();
        assert!(!patch(&mut part, Totals::default(), &Index::new(9)), "{end}");
        assert_eq!(part, ours[..end]);
    }
    ours[44] ^= 1;
    let before = ours.clone();
    assert!(!patch(&mut ours, Totals { size: 9, ..Totals::default() }, &Index::new(9)));
    assert_eq!(ours, before);
}

#[test]
fn tags_that_there_must_not_be() {
    let mut out = Vec::new();
    assert!(!tag(&mut out, 9, 0, b"") && !tag(&mut out, 9, 0, &vec![0; 1 << 24]));
    assert!(out.is_empty());
    assert!(tag(&mut out, 8, 0x0102_0304, b"a"));
    assert_eq!(out, b"\x08\0\0\x01\x02\x03\x04\x01\0\0\0a\0\0\0\x0c");
}

#[test]
fn cut_at_any_byte() {
    let (whole, index) = file(40, 20);
    let begun = head(&description(), 20).len() as u64;
    let ends: Vec<u64> = {
        let mut ends = vec![begun];
        let mut at = begun as usize;
        while at < whole.len() {
            let length = u32::from_be_bytes([0, whole[at + 1], whole[at + 2], whole[at + 3]]);
            at += 15 + length as usize;
            ends.push(at as u64);
        }
        ends
    };
    for len in begun as usize..=whole.len() {
        let found = walk(&whole[..len], 20, 100);
        let end = ends.iter().rev().find(|end| **end <= len as u64);
        assert_eq!((Some(&found.end), found.head), (end, begun), "{len}");
        assert_eq!(
            found.index.entries().len(),
            index
                .entries()
                .iter()
                .filter(|entry| {
                    // It counts once it is whole.
                    let after = ends.iter().find(|end| **end > entry.0);
                    after.is_some_and(|after| *after <= len as u64)
                })
                .count()
        );
        // The space was there, the data not.
        let zeros = [&whole[..len], &[0; 500]].concat();
        assert_eq!(walk(&zeros, 20, 64).end, found.end, "{len} and zeros");
    }
    let found = walk(&whole, 20, whole.len());
    assert_eq!((found.last, found.index), (Some(39 * 40 + 1), index));
    assert_eq!(walk(&whole[..5], 20, 64).end, 0);
    assert_eq!(walk(b"\x89PNG", 20, 64).end, 0);
    assert_eq!(walk(&whole[..13], 20, 64).end, 13);
}

#[test]
fn sound_alone_has_an_index() {
    let audio = Some(Sound { codec: AudioCodec::Mp3, rate: 0, channels: 0 });
    let mut out = head(&Description { audio, ..Description::default() }, 9);
    (0..300).for_each(|number| assert!(tag(&mut out, 8, number * 26, &[0x2F, 1])));
    let times: Vec<_> = walk(&out, 9, 1000).index.entries().iter().map(|entry| entry.1).collect();
    assert_eq!(times, [0, 1014, 2028, 3042, 4056, 5070, 6084, 7098]);
}

proptest! {
    #[test]
    fn any_file(bytes: Vec<u8>, at in 0..2000usize, piece in 0..300usize) {
        let (mut whole, _) = file(10, 3);
        let at = at.min(whole.len());
        whole.splice(at.., bytes.clone());
        for input in [&whole, &bytes] {
            let mut steps = 0;
            let mut walk = Walk::new(3);
            while let Some(next) = walk.wanted() {
                let rest = input.get(next as usize..).unwrap_or_default();
                let now = &rest[..rest.len().min(piece)];
                walk.take(now, now.len() == rest.len());
                steps += 1;
                prop_assert!(steps < 1000);
            }
            let found = walk.found();
            prop_assert!(found.end <= input.len() as u64 && found.head <= found.end);
        }
        patch(&mut whole, Totals::default(), &Index::new(3));
    }
}
