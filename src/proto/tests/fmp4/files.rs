//! Files of fragments: what is in them, where their ends are torn, and their index.

use super::tracks::*;
use mp4_atom::{Decode, Mfra};
use proptest::prelude::*;
use proto::fmp4::{
    Fragment, MOST_PARTS, Part, Sample, Scales, Walk, fragment, mfra, mfra_len, movie_init,
    picture, read_mfra, scales, sidx, splice,
};
use proto::media::VideoTrack;

/// Fragments of pictures and of sound in turn.
fn file(count: u32) -> (Vec<u8>, Vec<u64>) {
    let mut out = movie_init(Some(&avc()), Some(&aac())).unwrap();
    let mut ends = vec![out.len() as u64];
    for number in 0..count {
        let samples: Vec<_> = (0..number + 1)
            .map(|at| Sample { size: 9, duration: 3000 + at % 2, cts: 1, key: at == 0 })
            .collect();
        let data = vec![7; 9 * samples.len()];
        fragment(&mut out, number, 1 + number % 2, number.into(), &samples, &data, number % 3 == 0);
        ends.push(out.len() as u64);
    }
    (out, ends)
}

fn walk(file: &[u8]) -> (Vec<Fragment>, u64, u64) {
    let mut walk = Walk::new(file.len() as u64);
    let (mut fragments, mut steps) = (Vec::new(), 0);
    while let Some((at, len)) = walk.wanted() {
        let rest = &file[at.min(file.len() as u64) as usize..];
        fragments.extend(walk.take(&rest[..rest.len().min(len)]));
        steps += 1;
        assert!(steps <= file.len() / 4 + 2, "it does not come further");
    }
    (fragments, walk.end(), walk.head())
}

#[test]
fn cut_at_any_byte() {
    // The last ones are longer than the piece that is read at first.
    let (whole, ends) = file(250);
    let head = ends[0];
    for len in (0..whole.len()).step_by(97).chain(whole.len() - 5000..whole.len() + 1) {
        let (fragments, end, found) = walk(&whole[..len]);
        let expected = ends.iter().rev().find(|end| **end <= len as u64).copied().unwrap_or(0);
        assert_eq!((end, found), (expected, if expected == 0 { 0 } else { head }), "{len}");
        assert_eq!(fragments.len(), ends[1..].iter().filter(|end| **end <= len as u64).count());
    }
    let (fragments, ..) = walk(&whole);
    for (number, found) in fragments.iter().enumerate() {
        let count = number as u64 + 1;
        assert_eq!((found.sequence, found.base), (number as u32, number as u64));
        assert_eq!((found.track, found.key), (1 + number as u32 % 2, true));
        assert_eq!(found.duration, 3000 * count + count / 2);
        assert_eq!((whole[found.start as usize + 4], found.end), (b'm', ends[number + 1]));
        assert_eq!(&whole[found.start as usize + 4..][..4], b"moof");
    }
    let zeros = [&whole[..ends[20] as usize], &[0; 3000]].concat();
    assert_eq!(walk(&zeros).1, ends[20]);
    let finished = [&whole, &*mfra(&[(1, &[(0, head)])])].concat();
    assert_eq!(walk(&finished).1, ends[250]);
    assert_eq!(walk(b"").1, 0);
    assert_eq!(walk(b"\0\0\0\x08moof\0\0\0\x08mdat").1, 0);
}

#[test]
fn the_index() {
    let entries = [(0, 1000), (1 << 40, 1 << 50)];
    let bytes = mfra(&[(1, &entries), (2, &[])]);
    let index = Mfra::decode(&mut &*bytes).unwrap();
    assert_eq!(index.mfro.parent_size as usize, bytes.len());
    let found: Vec<_> = index.tfra[0].entries.iter().map(|e| (e.time, e.moof_offset)).collect();
    assert_eq!(
        (index.tfra[0].track_id, found, index.tfra[1].entries.len()),
        (1, entries.to_vec(), 0)
    );
}

#[test]
fn what_is_in_a_frame() {
    let data = |track: VideoTrack, frame: &[u8]| {
        let mut out = b"x".to_vec();
        assert_eq!(picture(&track, frame, &mut out) as usize, out.len() - 1);
        out[1..].to_vec()
    };
    let frame = b"\0\0\0\x01\x67\0\0\0\0\0\0\0\x02\x65a";
    assert_eq!(data(avc(), frame), b"\0\0\0\x01\x67\0\0\0\x02\x65a");
    assert_eq!(data(avc(), b"\0\0\0\x01\x67\0\0\0\x09\x65"), b"\0\0\0\x01\x67");
    assert_eq!(data(avc(), b"\xff\xff\xff\xff\x67"), b"");
    let frame = b"\0\0\0\x02\x40\x01\0\0\0\x02\x42\x01\0\0\0\x02\x44\x01\0\0\0\x02\x26\x01";
    assert_eq!(data(hevc(), frame), b"\0\0\0\x02\x26\x01");
    // A delimiter, a frame of two bytes, and one that lies.
    assert_eq!(data(av1(), b"\x12\0\x32\x02ab\x32\x7fc"), b"\x32\x02ab");
    assert_eq!(data(vp9(), b"any"), b"any");
}

proptest! {
    #[test]
    fn any_file(bytes: Vec<u8>, at in 0..3000usize, insert: bool) {
        let (mut whole, _) = file(9);
        let at = at.min(whole.len());
        let end = if insert { at } else { (at + bytes.len()).min(whole.len()) };
        whole.splice(at..end, bytes.clone());
        for input in [&whole, &bytes] {
            let (fragments, end, head) = walk(input);
            prop_assert!(head <= end && end <= input.len() as u64);
            prop_assert!(fragments.iter().all(|found| found.start < found.end && found.end <= end));
        }
        for track in [avc(), hevc(), av1()] {
            let mut out = Vec::new();
            prop_assert!(picture(&track, &bytes, &mut out) as usize <= bytes.len());
        }
    }
}

#[test]
fn what_a_file_ends_and_begins_with_is_read() {
    let entries = [(0, 900), (90_000, 70_000), (u64::MAX, u64::MAX)];
    let end = mfra(&[(1, &entries), (2, &[(5, 5)])]);
    assert_eq!(mfra_len(&end), Some(end.len() as u64));
    assert_eq!(read_mfra(&end).as_deref(), Some(&entries[..]));
    for len in 0..end.len() {
        assert_eq!(read_mfra(&end[..len]), None, "{len}");
        mfra_len(&end[..len]);
    }
    for (video, audio) in [(true, true), (true, false), (false, true)] {
        let (pictures, sound) = (avc(), aac());
        let head = movie_init(video.then_some(&pictures), audio.then_some(&sound)).unwrap();
        let expected = Scales { video, audio: audio.then(|| sound.timescale()) };
        assert_eq!(scales(&head), Some(expected));
        for len in 0..head.len() {
            assert_eq!(scales(&head[..len]), None, "{len}");
        }
    }
}

#[test]
fn an_index_at_the_beginning() {
    use mp4_atom::Sidx;
    let parts = [Part { size: 1000, duration: 90_000 }, Part { size: 7, duration: 3000 }];
    let bytes = sidx(1, 90_000, &parts);
    let found = Sidx::decode(&mut &bytes[..]).unwrap();
    assert_eq!((found.reference_id, found.timescale, found.first_offset), (1, 90_000, 0));
    let references: Vec<_> = found
        .references
        .iter()
        .map(|it| (it.referenced_size, it.subsegment_duration, it.starts_with_sap))
        .collect();
    assert_eq!(references, [(1000, 90_000, true), (7, 3000, true)]);
    let many = vec![parts[0]; MOST_PARTS + 5];
    assert_eq!(sidx(1, 90_000, &many).len(), 40 + 12 * MOST_PARTS);
}

#[test]
fn fragments_are_given_other_times() {
    let (whole, ends) = file(6);
    for pair in ends.windows(2) {
        let mut one = whole[pair[0] as usize..pair[1] as usize].to_vec();
        let styp = if one[4..8] == *b"styp" { 24 } else { 0 };
        let size = u32::from_be_bytes(*one[styp..].first_chunk().unwrap()) as usize;
        let before = one.clone();
        assert!(splice(&mut one[styp..styp + size], |_, track, base| (
            77,
            base + u64::from(track) * 1000
        )));
        let head = &whole[..ends[0] as usize];
        let (found, ..) = walk(&[head, &one].concat());
        let (known, ..) = walk(&[head, &before].concat());
        let base = known[0].base + u64::from(known[0].track) * 1000;
        assert_eq!(found, [Fragment { sequence: 77, base, ..known[0] }]);
        for len in 0..size {
            let mut torn = before[styp..styp + len].to_vec();
            // Behind the time there is nothing that would be missed.
            splice(&mut torn, |_, _, base| (77, base));
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_is_read_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        scales(&bytes);
        read_mfra(&bytes);
        mfra_len(&bytes);
        splice(&mut bytes, |number, _, base| (number, base));
    }
}
