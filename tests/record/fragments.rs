//! Fragmented MP4: the same frames, and the same promises.

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, process, wait_for};

use crate::film::{self, Publisher};
use crate::recorded::{names, path, probe};
use crate::up;

const SETTINGS: &str = "record all; record_format fmp4; publish_grace 2s;";

/// The frames of a file: of each track its number and hash. Times are those of the file's own scale.
#[track_caller]
pub fn frames(path: &Path) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(path);
    // Of H.264 the bytes are those of another form in one of the files.
    ffmpeg.args(["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "framemd5", "-"]);
    let output = process::run(&mut ffmpeg);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let frame = |line: &str| {
        let words: Vec<&str> = line.split(',').map(str::trim).collect();
        format!("{} {} {}", words[0], words[4], words[5])
    };
    let mut frames: Vec<String> = lines.map(frame).collect();
    // Two tracks may be woven together in more than one way.
    frames.sort_by_key(|frame| frame[..1].to_owned());
    frames
}

/// So many milliseconds of the film, as a file.
#[track_caller]
pub fn cut(server: &Server, ms: u32) -> PathBuf {
    let out = server.path("cut.flv");
    let mut bytes = proto::flv::header(true, true).to_vec();
    for message in film::messages().iter().filter(|message| message.time < ms) {
        proto::flv::recording::tag(&mut bytes, message.kind, message.time, &message.payload);
    }
    std::fs::write(&out, bytes).expect("written");
    out
}

/// It ends with an index.
#[track_caller]
fn wait_for_end(path: &Path) {
    wait_for("a complete file", || {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.len() > 12 && &bytes[bytes.len() - 12..bytes.len() - 8] == b"mfro".as_slice()
            || bytes.len() > 16 && bytes[bytes.len() - 16..].starts_with(b"\0\0\0\x10mfro")
    });
}

#[test]
fn what_is_published_is_in_the_file_frame_by_frame() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(6300);
    publisher.end();
    let file = path(&server, "s.mp4");
    wait_for_end(&file);
    assert_eq!(frames(&file), frames(&cut(&server, 6300)));
    let duration = probe(&file);
    assert!((6.2..6.5).contains(&duration), "{duration}");
}

/// The server is stopped in the middle, with the publisher there: what it has taken is in the file, which is whole at once.
#[test]
fn what_a_server_that_ends_has_taken_is_in_the_file() {
    for (signal, leaves) in [("TERM", false), ("QUIT", true), ("INT", false)] {
        for ms in [300, 3300] {
            let mut server = up("record all; record_format fmp4;");
            let mut publisher = Publisher::new(&server, "s");
            publisher.run(ms);
            server.signal(signal);
            if leaves {
                publisher.break_off();
            }
            let _ = server.wait_for_exit();
            let (file, wanted) = (path(&server, "s.mp4"), frames(&cut(&server, ms)));
            assert_eq!(frames(&file), wanted, "{signal} {ms}");
            let duration = probe(&file);
            assert!((duration * 1000.0 - f64::from(ms)).abs() < 150.0, "{signal}: {duration}");
            server.start_again().expect("it starts");
            wait_for_end(&file);
            assert_eq!(frames(&file), wanted, "{signal} {ms}");
        }
    }
}

#[test]
fn what_a_dead_worker_has_not_written_its_successor_writes() {
    for ms in [300, 2500, 7300] {
        let server = up(SETTINGS);
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(ms);
        let worker = server.connected_worker();
        process::kill(&[worker]);
        publisher.break_off();
        let (file, wanted) = (path(&server, "s.mp4"), frames(&cut(&server, ms)));
        let is_there = || {
            let len = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.len());
            len(&file) > 0 && crate::recorded::is_closed(&file)
        };
        wait_for("a file", || {
            is_there() && {
                let output = std::panic::catch_unwind(|| frames(&file));
                output.is_ok_and(|found| found.len() >= wanted.len())
            }
        });
        assert_eq!(frames(&file), wanted);
    }
}

#[test]
fn files_follow_each_other_and_go_on() {
    let server = up("record all; record_format fmp4; record_append on;
         recorder i { record_interval 2s; record_append off; record_suffix -%s.mp4; }");
    for round in 1..3 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3000);
        publisher.end();
        let file = path(&server, "s.mp4");
        let wanted = round * frames(&cut(&server, 3000)).len();
        wait_for("all of it", || {
            crate::recorded::is_closed(&file)
                && std::panic::catch_unwind(|| frames(&file)).is_ok_and(|it| it.len() == wanted)
        });
        probe(&file);
    }
    for name in names(&server) {
        wait_for_end(&path(&server, &name));
        probe(&path(&server, &name));
    }
}

/// Pictures of another size are in another file.
#[test]
fn another_header_is_another_file() {
    use crate::client::Client;
    use crate::frames::{aac, aac_header, avc_header, inter, key};
    let server = up("record all; record_format fmp4; record_unique on;");
    let mut publisher = Client::publisher(&server, "s");
    let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    for part in 0..2 {
        publisher.video(part * 2000, &avc_header(part));
        publisher.audio(part * 2000, &aac_header(1));
        for at in 0..50 {
            let time = part * 2000 + at * 40;
            publisher.video(time, &if at % 25 == 0 { key(at) } else { inter(at) });
            publisher.audio(time, &aac(at));
        }
        publisher.sync();
        let second = now();
        wait_for("another second", || now() > second);
    }
    publisher.reset();
    wait_for("two files", || names(&server).len() == 2);
    for name in names(&server) {
        wait_for("its end", || crate::recorded::is_closed(&path(&server, &name)));
    }
}
