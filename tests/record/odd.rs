//! What publishers send that is not as usual: codecs, tracks that say nothing, headers over and over.

use std::path::Path;
use std::process::Command;

use proto::rtmp::message;
use support::{Server, process, wait_for};

use crate::client::Client;
use crate::frames::{aac, aac_header, avc_header, inter, key};
use crate::recorded::{is_closed, is_sealed, media, names, path, probe, tags, told};
use crate::{about_to, conf, up};

const FORMS: &str = "record all;
    recorder f { record_format fmp4; record_suffix -f.mp4; }
    recorder m { record_format mp4; record_suffix -m.mp4; }";

#[track_caller]
fn wait_for_ends(server: &Server, count: usize) {
    wait_for("the ends", || {
        names(server).len() == count && names(server).iter().all(|it| is_closed(&path(server, it)))
    });
}

/// Packets of a track, as ffprobe counts them.
fn packets(file: &Path, track: &str) -> usize {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "quiet", "-select_streams", track, "-show_entries", "packet=size"]);
    let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
}

/// A track that is announced and never heard, and one that falls silent: no file is longer or shorter for it, and none is missing.
#[test]
fn a_track_that_is_silent_stretches_nothing() {
    for sounds in [0u32, 25] {
        let server = up(FORMS);
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(0, &avc_header(1));
        publisher.audio(0, &aac_header(1));
        for at in 0..150u32 {
            publisher.video(at * 40, &if at % 25 == 0 { key(20) } else { inter(20) });
            if at < sounds {
                publisher.audio(at * 40, &aac(at));
            }
        }
        publisher.sync();
        publisher.reset();
        wait_for_ends(&server, 3);
        assert!((5.9..6.1).contains(&told(&path(&server, "s.flv"), "duration")));
        for name in ["s-f.mp4", "s-m.mp4"] {
            let file = path(&server, name);
            assert_eq!(
                (packets(&file, "v"), packets(&file, "a")),
                (150, sounds as usize),
                "{name}"
            );
            let bytes = std::fs::read(&file).expect("it");
            let ms = proto::fmp4::duration(&bytes[..bytes.len().min(4096)]).expect("a duration");
            assert!((5900..6100).contains(&ms), "{name}: {ms}");
        }
    }
}

/// Sound alone, in each form: its last frame is as long as the others.
#[test]
fn sound_alone_is_as_long_as_its_frames() {
    let server = up(FORMS);
    let source = server.path("source.flv");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-v",
        "error",
        "-nostdin",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:duration=3.3",
    ]);
    assert!(process::run(ffmpeg.args(["-c:a", "aac"]).arg(&source)).status.success());
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(&source);
    let url = format!("rtmp://127.0.0.1:{}/live/s", server.port2());
    assert!(process::run(ffmpeg.args(["-c", "copy", "-f", "flv", &url])).status.success());
    wait_for_ends(&server, 3);
    let count = packets(&source, "a");
    for name in names(&server) {
        let file = path(&server, &name);
        assert_eq!(packets(&file, "a"), count, "{name}");
        let duration = probe(&file);
        assert!((duration - count as f64 * 1024.0 / 44_100.0).abs() < 0.05, "{name}: {duration}");
    }
}

/// Some encoders send their headers with each key frame: in the file they are once.
#[test]
fn headers_that_come_over_and_over_are_there_once() {
    let server = up(FORMS);
    let mut publisher = Client::publisher(&server, "s");
    for at in 0..100u32 {
        if at % 25 == 0 {
            publisher.video(at * 40, &avc_header(1));
            publisher.audio(at * 40, &aac_header(1));
        }
        publisher.video(at * 40, &if at % 25 == 0 { key(20) } else { inter(20) });
        publisher.audio(at * 40, &aac(at));
    }
    publisher.sync();
    publisher.reset();
    wait_for_ends(&server, 3);
    let file = path(&server, "s.flv");
    let count = |kind| tags(&file).iter().filter(|it| it.kind == kind && it.is_header()).count();
    assert_eq!((count(message::VIDEO), count(message::AUDIO)), (1, 1));
    assert_eq!(media(&file).len(), 200);
    assert_eq!(packets(&path(&server, "s-m.mp4"), "v"), 100);
}

/// H.265, as it is sent today and as it was before there was a name for it: key frames are known, and files begin with them.
#[test]
fn files_of_h265_follow_each_other() {
    let heads: [[&[u8]; 3]; 2] = [
        [b"\x90hvc1", b"\x91hvc1\0\0\0", b"\xA1hvc1\0\0\0"],
        [b"\x1C\0\0\0\0", b"\x1C\x01\0\0\0", b"\x2C\x01\0\0\0"],
    ];
    for [header, key, inter] in heads {
        let server = up("record all; record_interval 2s; record_unique on;");
        let mut publisher = Client::publisher(&server, "s");
        // Profile, level, lengths of four bytes; no parameter sets.
        let config = [
            &[1, 1, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93, 0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8][..],
            &[0, 0, 0x0F, 0],
        ]
        .concat();
        publisher.video(0, &[header, &config].concat());
        for at in 0..250u32 {
            let head = if at % 25 == 0 { key } else { inter };
            publisher.video(at * 40, &[head, &20u32.to_be_bytes(), &[2; 20]].concat());
        }
        publisher.sync();
        publisher.reset();
        wait_for("five files", || names(&server).len() == 5);
        for name in names(&server) {
            let file = path(&server, &name);
            wait_for("its end", || is_sealed(&file));
            let is = |it: &crate::film::Message| {
                it.kind == message::VIDEO && !it.payload.starts_with(header)
            };
            let found: Vec<_> = tags(&file).into_iter().filter(is).collect();
            assert!(found.len() == 50 && found[0].payload.starts_with(key), "{}", found.len());
        }
    }
}

/// Names have the time of where the server is.
#[test]
fn names_are_in_local_time() {
    let conf = format!("env TZ; {}", conf("record all; record_suffix -%H_%z.flv;"));
    let server = about_to(conf).env("TZ", "XYZ-05:30").start();
    let hour = || {
        let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        (now + 5 * 3600 + 1800) / 3600 % 24
    };
    let before = hour();
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    (0..50).for_each(|at| publisher.video(at * 40, &key(20)));
    publisher.sync();
    publisher.reset();
    wait_for("a file", || names(&server).len() == 1);
    let name = names(&server).remove(0);
    let is = |hour: u64| name == format!("s-{hour:02}_+0530.flv");
    assert!(is(before) || is(hour()), "{name}");
}
