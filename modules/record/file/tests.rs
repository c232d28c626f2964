//! Files that end anywhere are made whole.

use std::fs;
use std::path::{Path, PathBuf};

use proto::flv::VideoCodec;
use proto::flv::recording::{Description, head, tag};
use proto::fmp4::{Sample, fragment, movie_init};
use proto::media::VideoTrack;

use super::*;

/// Of H.264: profile and level, and no parameter sets.
const AVC: &[u8] = &[1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0];

/// Bytes of a file, where its head ends, and where the pieces behind it do.
struct Made {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

fn flv() -> Made {
    let description = Description { video: Some(VideoCodec::Avc), ..Description::default() };
    let mut bytes = head(&description, 20);
    let mut ends = vec![bytes.len()];
    for number in 0..40u8 {
        let payload =
            [&[if number % 10 == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0][..], &[number; 150]];
        tag(&mut bytes, 9, u32::from(number) * 40, &payload.concat());
        ends.push(bytes.len());
    }
    Made { bytes, ends }
}

fn fmp4() -> Made {
    let track = VideoTrack::of(VideoCodec::Avc, AVC).expect("a track");
    let mut bytes = movie_init(Some(&track), None).expect("a head");
    let mut ends = vec![bytes.len()];
    for number in 0..20u32 {
        let samples = [Sample { size: 200, duration: 3600, cts: 0, key: number % 5 == 0 }];
        let base = u64::from(number) * 3600;
        fragment(&mut bytes, number + 1, 1, base, &samples, &[number as u8; 200], false);
        ends.push(bytes.len());
    }
    Made { bytes, ends }
}

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("repair-{name}-{}", sys::process::pid()))
}

/// What a file ends with after the repair, of what it had: without its head, which is written over.
fn repaired(path: &Path, bytes: &[u8]) -> Vec<u8> {
    fs::write(path, bytes).expect("written");
    repair(path, 20, |_| true).expect("repaired");
    fs::read(path).expect("read")
}

#[test]
fn a_file_is_cut_behind_its_last_whole_piece_wherever_it_ends() {
    for (name, made) in [("flv", flv()), ("mp4", fmp4())] {
        let path = file(name);
        let Made { bytes, ends } = made;
        let head = ends[0];
        for len in bytes.len() - 4096..=bytes.len() {
            let whole = *ends.iter().rev().find(|end| **end <= len).expect("the head");
            for tail in [0, 100] {
                // Zeros, as a loss of power leaves them; in the middle of an `mdat` nothing tells that they are none of it.
                if tail > 0 && (name == "mp4" && whole < len || len % 16 > 0) {
                    continue;
                }
                let mut torn = bytes[..len].to_vec();
                torn.resize(len + tail, 0);
                let found = repaired(&path, &torn);
                assert_eq!(found[head..whole], bytes[head..whole], "{name} {len} {tail}");
                let end = if name == "mp4" { b"mfra".as_slice() } else { b"" };
                assert!(found[whole..].get(4..).unwrap_or_default().starts_with(end));
                assert!(name == "mp4" || found.len() == whole, "{name} {len} {tail}");
                if len % 16 == 0 {
                    // A second time there is nothing to be done.
                    assert_eq!(repaired(&path, &found), found, "{name} {len} {tail}");
                }
            }
        }
        fs::remove_file(path).expect("removed");
    }
}

#[test]
fn what_is_another_or_somebodys_stays() {
    let path = file("other");
    for bytes in [&b"text"[..], b"", b"FLV", b"\0\0\0\x08moof", &[0; 5000]] {
        assert_eq!(repaired(&path, bytes), bytes);
    }
    let torn = flv().bytes[..2000].to_vec();
    fs::write(&path, &torn).expect("written");
    repair(&path, 20, |_| false).expect("not ours");
    let writer = open(&path, Existing::Keep, true).expect("the file");
    assert!(repair(&path, 20, |_| true).expect_err("it is recorded").is_busy());
    drop(writer);
    assert_eq!(fs::read(&path).expect("read"), torn);
    fs::remove_file(&path).expect("removed");
    let gone = repair(&path, 20, |_| true).expect_err("it is gone");
    assert_eq!(gone.error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_file_goes_on_where_it_was_left() {
    for (name, made, form) in
        [("flv", flv(), Form::Flv(20)), ("mp4", fmp4(), Form::Fmp4(Vec::new()))]
    {
        let path = file(&format!("resume-{name}"));
        let Made { bytes, ends } = made;
        fs::write(&path, &bytes).expect("written");
        let offset = ends[12];
        let opened = begin(&path, How::Resume(offset as u64), true, &form).expect("opened");
        assert_eq!(opened.found.map(|found| found.end()), Some(offset as u64), "{name}");
        drop(opened.file);
        // What the one before has written behind it stays until the same is written again.
        assert_eq!(fs::read(&path).expect("read"), bytes);
        // In the middle of a piece nothing can go on, nor behind the end.
        for wrong in [offset - 1, offset + 1] {
            assert!(begin(&path, How::Resume(wrong as u64), true, &form).is_err(), "{name}");
        }
        fs::remove_file(path).expect("removed");
    }
}
