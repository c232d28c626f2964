//! Codecs that FLV has no number for, published by Enhanced RTMP, and tracks that come late: each frame is in a file that says what
//! it is.

use std::path::Path;
use std::process::Command;

use proto::rtmp::message;
use support::{Server, process, wait_for};

use crate::client::Client;
use crate::coded::{AC3, AV1, Codec, Coded, EAC3, FLAC, HEVC, MP3, OPUS, VP9};
use crate::fragments::frames;
use crate::frames::{aac, aac_header, avc_header, data, inter, key, key_of};
use crate::recorded::{is_closed, is_sealed, names, path, tags, told};
use crate::up;

/// What is published, and what ffprobe is to say of its files.
const FILMS: &[(&[Codec], &str)] = &[
    (&[HEVC, EAC3], "hevc,320,180 eac3"),
    (&[AV1, OPUS], "av1,320,180 opus"),
    (&[VP9, FLAC], "vp9,320,180 flac"),
    (&[HEVC, MP3], "hevc,320,180 mp3"),
    (&[VP9, AC3], "vp9,320,180 ac3"),
    (&[OPUS], "opus"),
];

const FORMS: &str = "record all; publish_grace 0;
    recorder f { record_format fmp4; record_suffix -f.mp4; }
    recorder m { record_format mp4; record_suffix -m.mp4; }";

/// What is in a file, as ffprobe has it.
#[track_caller]
fn streams(file: &Path) -> String {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "quiet", "-show_entries", "stream=codec_name,width,height"]);
    let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
    assert!(output.status.success(), "{}", file.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|line| line.trim_end_matches(','));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Width and height as a file's head tells them (ISO 14496-12 §12.1.3.2): ffprobe looks at pictures, too.
#[track_caller]
fn size(bytes: &[u8], codec: &Codec) -> (u16, u16) {
    let name = codec.four.as_bytes();
    let at = bytes.windows(4).position(|four| four == name).expect("an entry");
    let number = |at: usize| u16::from_be_bytes(*bytes[at..].first_chunk().expect("a number"));
    (number(at + 28), number(at + 30))
}

#[track_caller]
fn wait_for_ends(server: &Server, wanted: &[&str]) {
    let ended =
        || names(server) == wanted && wanted.iter().all(|name| is_closed(&path(server, name)));
    if !support::comes(ended) {
        panic!("{:?} for {wanted:?}: {}", names(server), server.error_log());
    }
}

#[test]
fn each_is_what_was_published() {
    let server = up(FORMS);
    for (number, (tracks, wanted)) in FILMS.iter().enumerate() {
        let film = Coded::by(3, tracks);
        let name = format!("s{number}");
        drop(film.publish(&server, &name));
        let file = |end: &str| path(&server, &format!("{name}{end}"));
        let all = ["-f.mp4", "-m.mp4", ".flv"].map(file);
        wait_for("the ends", || all.iter().all(|file| is_closed(file)));
        for file in &all[..2] {
            assert_eq!(streams(file), *wanted, "{}", file.display());
            assert_eq!(frames(file), frames(Path::new(&film.path)), "{}", file.display());
            let bytes = std::fs::read(file).expect("the file");
            assert!(tracks.len() == 1 || size(&bytes, &tracks[0]) == (320, 180), "{wanted}");
        }
        // Each tag is a message that was sent.
        let found = tags(&all[2]).into_iter().filter(|tag| tag.kind != message::DATA);
        let found: Vec<_> = found.map(|tag| (tag.kind, tag.time, tag.payload)).collect();
        assert!(found == film.messages, "{wanted}: {} of {}", found.len(), film.messages.len());
        if wanted.contains("320,180") {
            assert_eq!((told(&all[2], "width"), told(&all[2], "height")), (320.0, 180.0));
        }
        // As fragments FLV says the same.
        let played = server.get(&format!("/dvr/{name}/{name}.flv.mp4?fmp4"));
        assert_eq!(played.status, 200, "{}", server.error_log());
        assert!(tracks.len() == 1 || size(&played.body, &tracks[0]) == (320, 180), "{wanted}");
        let played = server.file("played.mp4", played.body);
        assert_eq!(streams(&played), *wanted);
        assert_eq!(frames(&played), frames(Path::new(&film.path)), "{wanted}");
    }
}

/// The size of VP9 is told by a picture: who goes on with a file of which nothing is written yet knows it, too.
#[test]
fn a_dead_worker_takes_no_size_with_it() {
    let film = Coded::by(3, &[VP9, OPUS]);
    for count in [4, 20, 100] {
        let server = up("record all; record_format fmp4; publish_grace 2s;");
        let mut publisher = Client::publisher(&server, "s");
        for (kind, time, payload) in &film.messages[..count] {
            match *kind {
                message::VIDEO => publisher.video(*time, payload),
                _ => publisher.audio(*time, payload),
            }
        }
        publisher.sync();
        let worker = server.connected_worker();
        process::kill(&[worker]);
        drop(publisher);
        wait_for_ends(&server, &["s.mp4"]);
        let bytes = std::fs::read(path(&server, "s.mp4")).expect("the file");
        assert_eq!(size(&bytes, &VP9), (320, 180), "{count}");
        assert_eq!(streams(&path(&server, "s.mp4")), "vp9,320,180 opus", "{count}");
        assert_eq!(frames(&path(&server, "s.mp4")).len(), count - 2);
    }
}

/// Frames of MP3 tell that they are it, 44100 Hz and two channels.
fn mp3() -> Vec<u8> {
    [&[0x2F, 0xFF, 0xFB, 0x90, 0x64][..], &[0; 413]].concat()
}

/// A frame of Opus of 20 ms, and its header.
const OPUS_FRAME: &[u8] = b"\x91Opus\xFC\xFF\xFE";
const OPUS_HEADER: &[u8] = b"\x90OpusOpusHead\x01\x02\x38\x01\x80\xBB\0\0\0\0\0";

/// How many pictures and sounds a file has.
fn counts(file: &Path) -> (usize, usize) {
    let of = |track: &str| {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "quiet", "-select_streams", track, "-show_entries", "packet=size"]);
        let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
    };
    (of("v"), of("a"))
}

/// Nobody has spoken of sound, and the file has begun when it comes: no picture is lost for it, and with the next key frame it is in a
/// file that has a place for it.
#[test]
fn sound_that_comes_late_loses_no_picture() {
    let cases: [(&str, Vec<u8>, Vec<u8>); 3] = [
        ("aac", aac_header(1), aac(1)),
        ("mp3", Vec::new(), mp3()),
        ("opus", OPUS_HEADER.to_vec(), OPUS_FRAME.to_vec()),
    ];
    let forms = [("fmp4", "s.mp4", "s-1.mp4"), ("mp4; record_append on", "s.mp4", "s-1.mp4")];
    for ((codec, header, frame), (form, first, next)) in
        cases.iter().flat_map(|case| forms.map(|form| (case, form)))
    {
        let server = up(&format!("record all; record_format {form}; publish_grace 0;"));
        let mut publisher = Client::publisher(&server, "s");
        let members = [("width", 320.0.into()), ("videocodecid", 7.0.into())];
        publisher.data(0, &data(&["@setDataFrame", "onMetaData"], &members));
        publisher.video(0, &avc_header(1));
        let picture = |at: u32| if at.is_multiple_of(50) { key(20) } else { inter(20) };
        (0..60).for_each(|at| publisher.video(at * 40, &picture(at)));
        publisher.sync();
        wait_for("a file", || {
            std::fs::metadata(path(&server, first)).is_ok_and(|about| about.len() > 1000)
        });
        for at in 60..200 {
            publisher.video(at * 40, &picture(at));
            // Its header comes late, too.
            if at == 70 && !header.is_empty() {
                publisher.audio(at * 40, header);
            }
            publisher.audio(at * 40, frame);
        }
        publisher.sync();
        drop(publisher);
        wait_for_ends(&server, &[next, first]);
        let (one, two) = (path(&server, first), path(&server, next));
        assert_eq!((counts(&one), counts(&two)), ((100, 0), (100, 100)), "{codec} {form}");
        assert!(streams(&two).ends_with(codec), "{}", streams(&two));
    }
}

/// Sound whose frames alone are there when the file is to begin, and MP4 has no place for what they are of: pictures are waited
/// for, and are there from the first on.
#[test]
fn sound_without_its_header_keeps_no_picture_out() {
    let server = up("record all; record_format fmp4; publish_grace 0;");
    let mut publisher = Client::publisher(&server, "s");
    let members = [("audiocodecid", f64::from(u32::from_be_bytes(*b"Opus")).into())];
    publisher.data(0, &data(&["@setDataFrame", "onMetaData"], &members));
    (0..50).for_each(|at| publisher.audio(at * 20, OPUS_FRAME));
    publisher.sync();
    wait_for("a line", || server.error_log().contains("there is nothing that MP4 has a place for"));
    publisher.video(1000, &avc_header(1));
    for at in 0..200u32 {
        publisher.video(1000 + at * 40, &if at % 50 == 0 { key(20) } else { inter(20) });
        if at == 70 {
            publisher.audio(1000 + at * 40, OPUS_HEADER);
        }
        publisher.audio(1000 + at * 40, OPUS_FRAME);
    }
    publisher.sync();
    drop(publisher);
    wait_for_ends(&server, &["s-1.mp4", "s.mp4"]);
    assert_eq!(counts(&path(&server, "s.mp4")), (100, 0));
    assert_eq!(counts(&path(&server, "s-1.mp4")), (100, 100));
}

/// A track that changes over and over, faster than files are opened: each picture is in a file with its own header, and no file
/// takes the place of another.
#[test]
fn headers_that_change_at_once_are_files_of_their_own() {
    // The length of its key frames, which is before them, tells which header a picture is of.
    let len = |number: u32| 24 + 4 * number;
    for naming in ["", "record_unique on;", "record_append on;", "record_suffix -%Y.mp4;"] {
        let server = up(&format!("record all; record_format fmp4; publish_grace 0; {naming}"));
        let mut publisher = Client::publisher(&server, "s");
        for part in 0..6u32 {
            publisher.video(part * 1000, &avc_header(part % 2));
            if part == 0 {
                publisher.audio(0, &aac_header(1));
            }
            for at in 0..25 {
                let time = part * 1000 + at * 40;
                let len = len(part % 2);
                let picture = if at == 0 { key_of(len, len as usize) } else { inter(20) };
                publisher.video(time, &picture);
                publisher.audio(time, &aac(at));
            }
        }
        publisher.sync();
        drop(publisher);
        wait_for("six files", || {
            names(&server).len() == 6
                && names(&server).iter().all(|it| is_closed(&path(&server, it)))
        });
        let header = |number: u32| avc_header(number)[5..].to_vec();
        let picture = |number: u32| key_of(len(number), len(number) as usize)[9..].to_vec();
        for name in names(&server) {
            let bytes = std::fs::read(path(&server, &name)).expect("the file");
            let has = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
            let number = u32::from(has(&header(1)));
            assert!(has(&header(number)) && !has(&header(1 - number)), "{naming} {name}");
            assert!(has(&picture(number)) && !has(&picture(1 - number)), "{naming} {name}");
            assert_eq!(counts(&path(&server, &name)).0, 25, "{naming} {name}");
        }
    }
}

/// What one publication had the next one does not have by itself.
#[test]
fn a_track_of_the_publication_before_is_none_of_the_next() {
    let server = up("record all; record_format fmp4; publish_grace 0;
         recorder f { record_format flv; record_suffix .flv; }");
    for sounds in [true, false] {
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(0, &avc_header(1));
        if sounds {
            publisher.audio(0, &aac_header(1));
        }
        for at in 0..100 {
            publisher.video(at * 40, &if at % 25 == 0 { key(20) } else { inter(20) });
            if sounds {
                publisher.audio(at * 40, &aac(at));
            }
        }
        publisher.sync();
        drop(publisher);
        let wanted = if sounds { (100, 100) } else { (100, 0) };
        wait_for("the end", || {
            is_closed(&path(&server, "s.mp4")) && counts(&path(&server, "s.mp4")) == wanted
        });
        assert_eq!(streams(&path(&server, "s.mp4")).contains("aac"), sounds);
        wait_for("the end", || {
            let file = path(&server, "s.flv");
            let sounds_of =
                |file: &Path| tags(file).iter().filter(|it| it.kind == message::AUDIO).count();
            is_sealed(&file) && sounds_of(&file) == if sounds { 101 } else { 0 }
        });
    }
}
