//! A small movie made here, cut, and read again.

use super::boxes::{Boxes, put, write};
use super::track::Track;
use super::*;

/// A movie of one track: 20 samples of 100 units (1000 in a second) and `size` bytes, five in a chunk, every fourth a key.
fn movie(size: u32, long: bool, edit: Option<(u32, u32)>, chunk_at: u64) -> Vec<u8> {
    let full = |out: &mut Vec<u8>, words: &[u32]| words.iter().for_each(|word| put(out, *word));
    let mut moov = Vec::new();
    write(&mut moov, b"mvhd", |out| full(out, &[0, 0, 0, 600, 1200, 0, 0]));
    write(&mut moov, b"trak", |out| {
        write(out, b"tkhd", |out| full(out, &[0, 0, 0, 1, 0, 1200, 0, 0]));
        if let Some((pause, skipped)) = edit {
            write(out, b"edts", |out| {
                write(out, b"elst", |out| {
                    full(out, &[0, 2, pause, u32::MAX, 0x1_0000, 1200, skipped, 0x1_0000]);
                });
            });
        }
        write(out, b"mdia", |out| {
            write(out, b"mdhd", |out| full(out, &[0, 0, 0, 1000, 2000, 0]));
            write(out, b"minf", |out| {
                write(out, b"stbl", |out| {
                    write(out, b"stsd", |out| out.extend_from_slice(b"as it is"));
                    write(out, b"stts", |out| full(out, &[0, 2, 5, 100, 15, 100]));
                    write(out, b"stss", |out| full(out, &[0, 5, 1, 5, 9, 13, 17]));
                    write(out, b"stsc", |out| full(out, &[0, 1, 1, 5, 1]));
                    write(out, b"stsz", |out| full(out, &[0, size, 20]));
                    write(out, if long { b"co64" } else { b"stco" }, |out| {
                        full(out, &[0, 4]);
                        for chunk in 0..4 {
                            let at = chunk_at + chunk * 1000;
                            match long {
                                true => out.extend_from_slice(&at.to_be_bytes()),
                                false => put(out, at as u32),
                            }
                        }
                    });
                });
            });
        });
    });
    moov
}

fn part(start: u64, end: Option<u64>, from_key_frame: bool) -> Part {
    Part { start, end, from_key_frame }
}

/// The `moov` of a head, and where its `mdat` begins.
fn inside(head: &[u8]) -> (&[u8], usize) {
    let (name, moov) = Boxes::of(head, "file").next().expect("a box").expect("whole");
    assert_eq!(&name, b"moov");
    (moov, moov.len() + 8)
}

fn track(moov: &[u8]) -> Track<'_> {
    let mut boxes = Boxes::of(moov, "moov").flatten();
    let (_, trak) = boxes.find(|(name, _)| name == b"trak").expect("a track");
    Track::read(trak).expect("read")
}

#[test]
fn a_part_has_its_samples() {
    for long in [false, true] {
        let moov = movie(10, long, None, 500);
        let cut = cut(b"", &moov, part(750, Some(1250), false), 10_000).expect("cut");
        // Samples 7 to 12: the last three of the second chunk, the first three of the third.
        assert_eq!(cut.window, (1520, 2530 - 1520));
        let (moov, mdat) = inside(&cut.head);
        let again = track(moov);
        let whole = again.cut(part(0, None, false), 600).expect("cut");
        let data = mdat as u64 + 8;
        let places: Vec<_> = whole.bytes().collect();
        assert_eq!(places, [(data, data + 30), (data + 980, data + 980 + 30)]);
        assert_eq!(whole.shown, 330, "of 600 samples 50 are left of the first");
    }
}

#[test]
fn it_may_begin_with_the_key_frame_before() {
    let moov = movie(10, false, None, 500);
    let cut = cut(b"", &moov, part(750, None, true), 10_000).expect("cut");
    assert_eq!(cut.window.0, 500 + 40);
    let (moov, _) = inside(&cut.head);
    // The edit leaves out what is too early: 400 to 750.
    let position = moov.windows(4).position(|name| name == b"elst").expect("an edit");
    assert_eq!(&moov[position + 16..position + 20], &350_u32.to_be_bytes());
}

#[test]
fn edits_say_what_time_is_meant() {
    // 600 of the movie's are a second of pause; of the track 200 are not shown.
    let moov = movie(10, false, Some((600, 200)), 500);
    let window =
        |start, end| cut(b"", &moov, part(start, end, false), 10_000).map(|cut| cut.window);
    assert_eq!(window(0, None).expect("all").0, 520);
    // A second in: what was shown first.
    assert_eq!(window(1000, None).expect("a part").0, 520);
    assert_eq!(window(1300, None).expect("a part").0, 1500);
    assert_eq!(window(0, Some(900)), Err(Mp4Error::StartIsOut));
}

#[test]
fn places_beyond_four_gigabytes_are_kept() {
    let at = 5 << 32;
    let moov = movie(10, true, None, at);
    let cut = cut(b"", &moov, part(500, None, false), at + 10_000).expect("cut");
    assert_eq!(cut.window.0, at + 1000);
}

/// The same with an empty box of that name behind the first, the sizes of all around it set right.
fn double(content: &[u8], name: &[u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    for (known, inner) in Boxes::of(content, "moov").flatten() {
        let is_around = matches!(&known, b"trak" | b"mdia" | b"minf" | b"stbl");
        let inner = if is_around { double(inner, name) } else { inner.to_vec() };
        write(&mut out, &known, |out| out.extend_from_slice(&inner));
        if &known == name {
            write(&mut out, name, |out| out.extend_from_slice(&[0; 16]));
        }
    }
    out
}

#[test]
fn boxes_that_lie_are_refused() {
    let moov = movie(10, false, None, 500);
    let all = part(100, None, false);
    assert_eq!(cut(b"", &moov, all, 3000), Err(Mp4Error::Damaged("stco")));
    assert_eq!(cut(b"", &moov, part(2000, None, false), 10_000), Err(Mp4Error::StartIsOut));
    assert_eq!(cut(b"", &moov, part(u64::MAX, None, true), 10_000), Err(Mp4Error::StartIsOut));
    assert_eq!(cut(b"", b"", all, 10_000), Err(Mp4Error::Missing("mvhd")));
    let mut fragmented = moov.clone();
    write(&mut fragmented, b"mvex", |_| {});
    assert_eq!(cut(b"", &fragmented, all, 10_000), Err(Mp4Error::Fragmented));
    // A table twice, and a box around tables twice: each copy would be as long as the whole.
    for (name, twice) in
        [(b"stco", "stbl"), (b"stts", "stbl"), (b"stbl", "minf"), (b"mdia", "trak")]
    {
        let doubled = double(&moov, name);
        assert_eq!(cut(b"", &doubled, all, 10_000), Err(Mp4Error::Duplicate(twice)), "{name:?}");
    }
    // Any byte another, or nothing after it: an answer or an error, and no panic.
    for at in 0..moov.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut broken = moov.clone();
            broken[at] = value;
            let _ = cut(b"", &broken, all, 10_000);
        }
        let _ = cut(b"", &moov[..at], all, 10_000);
    }
    // Boxes in boxes in boxes.
    let mut nested = Vec::new();
    for _ in 0..20_000 {
        nested = [&((nested.len() + 8) as u32).to_be_bytes(), &b"mdia"[..], &nested].concat();
    }
    assert!(cut(b"", &nested, all, 10_000).is_err());
}
