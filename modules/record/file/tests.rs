//! Files that end anywhere are made whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use proto::flv::VideoCodec;
use proto::flv::recording::{Description, head, tag};
use proto::fmp4::{Sample, fragment, has_room, movie_init};
use proto::media::VideoTrack;

use super::*;
use crate::file::fmp4::Head;

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

/// `room`: it becomes a movie.
fn fmp4(room: Option<u32>) -> Made {
    let track = VideoTrack::of(VideoCodec::Avc, AVC).expect("a track");
    let head = Head::of(movie_init(Some(&track), None).expect("a head"), room);
    let mut bytes = head.bytes;
    bytes.resize(bytes.len() + head.room, 0);
    let mut ends = vec![bytes.len()];
    for number in 0..20u32 {
        let samples = [Sample { size: 200, duration: 3600, cts: 0, key: number % 5 == 0 }];
        let base = u64::from(number) * 3600;
        fragment(&mut bytes, number + 1, 1, base, &samples, &[number as u8; 200], false);
        ends.push(bytes.len());
    }
    Made { bytes, ends }
}

/// The names of a file's boxes.
fn boxes(file: &[u8]) -> String {
    let (mut names, mut at) = (Vec::new(), 0);
    while at < file.len() {
        let head = proto::mp4::head(&file[at..]).expect("a box");
        names.push(String::from_utf8_lossy(&head.name).into_owned());
        at += head.size.expect("its size") as usize;
    }
    assert_eq!(at, file.len());
    names.join(" ")
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
    let _alone = crate::file::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, made) in
        [("flv", flv()), ("mp4", fmp4(None)), ("mp4", fmp4(Some(8))), ("mp4", fmp4(Some(3000)))]
    {
        let path = file(name);
        let Made { bytes, ends } = made;
        let head = ends[0];
        // A movie is synced each time.
        let step = if has_room(&bytes) { 37 } else { 1 };
        for len in (bytes.len() - 4096..=bytes.len()).step_by(step) {
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
                // Behind it is what tells where samples are, if there was no room, and the index.
                let end = &found[whole..];
                assert!(name == "flv" || end.windows(4).filter(|it| it == b"mfra").count() == 1);
                if has_room(&found) {
                    let names = if head > 3000 {
                        "ftyp free moov free mdat mfra"
                    } else {
                        "ftyp mdat moov mfra"
                    };
                    assert!(whole == head || boxes(&found) == names, "{len} {}", boxes(&found));
                }
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
    let _alone = crate::file::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
    let _alone = crate::file::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, made, form) in [
        ("flv", flv(), Form::Flv(20)),
        ("mp4", fmp4(None), Form::Fmp4(Vec::new())),
        ("mp4", fmp4(Some(3000)), Form::Fmp4(Vec::new())),
    ] {
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

/// At each step the disk is full: what is read-only stands for it.
#[test]
fn a_movie_that_cannot_be_made_stays_fragments() {
    let _alone = crate::file::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for room in [8, 3000] {
        let path = file(&format!("full-{room}"));
        let Made { bytes, ends } = fmp4(Some(room));
        fs::write(&path, &bytes).expect("written");
        let read_only = fs::File::open(&path).expect("the file");
        assert!(finish(&read_only, b"index", false).is_err());
        assert_eq!(fs::read(&path).expect("read"), bytes);
        let file = open(&path, Existing::Require, true).expect("the file");
        let len = finish(&file, b"", true).expect("finished");
        assert_eq!(fs::metadata(&path).expect("it").len(), len);
        let whole = fs::read(&path).expect("read");
        assert_ne!(whole, bytes);
        // It goes on as what it was.
        let end = ends.len() - 1;
        assert_eq!(fragments(&file, len).expect("read").end, ends[end] as u64);
        reopen(&file).expect("opened");
        file.set_len(bytes.len() as u64).expect("cut");
        let again = fs::read(&path).expect("read");
        assert_eq!(again[ends[0]..], bytes[ends[0]..]);
        assert_eq!(
            again[..ends[0] - 3000.min(room as usize)],
            bytes[..ends[0] - 3000.min(room as usize)]
        );
        fs::remove_file(path).expect("removed");
    }
}

/// Whoever loses a recording while it opens the file takes that away again: nothing that was there before, and nothing that has something
/// in it.
#[test]
fn only_what_was_made_for_nothing_goes() {
    let dir = file("abandoned");
    fs::create_dir(&dir).expect("a directory");
    let form = Form::Flv(0);
    let open = |name: &str| begin(&dir.join(name), How::New, true, &form).expect("a file");
    let made = open("made");
    assert!(made.is_made);
    abandon(&made.file, &made.path);
    assert!(!made.path.exists());
    fs::write(dir.join("empty"), "").expect("a file of somebody else");
    assert!(!open("empty").is_made);
    fs::write(dir.join("full"), "of somebody else").expect("a file");
    let beside = open("full");
    assert!(beside.is_made && beside.path == dir.join("full-1"), "{}", beside.path.display());
    beside.file.write_all_at(b"FLV", 0).expect("room");
    abandon(&beside.file, &beside.path);
    assert!(beside.path.exists(), "it has something in it");
    let moved = open("moved");
    fs::rename(&moved.path, dir.join("elsewhere")).expect("another name");
    fs::write(&moved.path, "").expect("a file in its place");
    abandon(&moved.file, &moved.path);
    assert!(moved.path.exists(), "it is another one");
    fs::remove_dir_all(&dir).expect("it goes");
}
