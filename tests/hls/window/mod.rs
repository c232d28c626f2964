//! `hls_window`: what has left memory goes on in files, in the same playlist.
//!
//! Who would break it: a reader that comes late, or to another worker; a worker that dies, all of them, the whole server; a
//! disk that is full, or in the way; what others have put into the directory, and what they have done to our files.

mod trouble;

use std::fs;
use std::path::{Path, PathBuf};

use support::{process, wait_for};

use crate::checker::Checker;
use crate::ffmpeg::decoded;
use crate::film::{self, Publisher};
use crate::low_latency::check_deltas;
use crate::ts::Stream;
use crate::{conf, up};

const WINDOW: &str =
    "hls_window 10m; hls_window_path files/window; hls_fragment 1s; hls_playlist_length 3s;";

/// The files with this extension, the oldest first.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
}

/// Segments that indexes have.
fn indexed(directory: &Path) -> usize {
    let lens = files(directory, "index").into_iter().map(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        let len = |at| {
            bytes.get(at..at + 4).map_or(0, |it| u32::from_le_bytes(it.try_into().expect("4")))
        };
        bytes.len().saturating_sub(40 + len(32) as usize + len(36) as usize) / 80
    });
    lens.sum()
}

/// Everything is in the playlist, in each worker's, and names keep their bytes while they leave memory.
#[test]
fn players_go_back_behind_what_is_in_memory() {
    for more in ["hls_format ts;", "hls_format fmp4;", "hls_part 300ms;", "hls_path files/hls;"] {
        let server = up(&format!("{WINDOW} {more}"));
        let directory = server.path("files/window/s");
        let mut publisher = Publisher::new(&server, "s");
        let mut checkers = ["video", "audio"].map(|it| Checker::new(&format!("/hls/s/{it}.m3u8")));
        let is_ts = more.contains("ts;") || more.contains("hls_path");
        let checkers = if is_ts { &mut checkers[..1] } else { &mut checkers[..] };
        let (mut pictures, mut left_out) = (0, 0);
        for round in 0..20 {
            pictures += publisher.run(1500);
            for (checker, track) in checkers.iter_mut().zip(["video", "audio"]) {
                if let Some(now) = checker.look(&server).filter(|_| round % 6 == 5) {
                    left_out += check_deltas(&server, &format!("/hls/s/{track}.m3u8"), &now);
                }
            }
        }
        assert!(left_out > 0, "all of it is told again and again");
        publisher.end();
        for checker in checkers {
            wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
            let now = checker.look(&server).expect("a playlist");
            assert!(now.segments.len() >= 29, "{}", now.text);
            checker.has_no_gap();
            assert!(checker.all().all(|(_, segment, _)| !segment.gap));
            // Whoever comes late, to whichever worker.
            for _ in 0..8 {
                let late = checker.look(&server).expect("a playlist");
                assert_eq!(late.segments.len(), now.segments.len(), "{}", late.text);
            }
            let (_, first, bytes) = checker.all().next().expect("a segment");
            let address = format!("/hls/s/{}", first.uri);
            let part = server.curl(&["-r", "100-199"], &address);
            assert_eq!((part.status, &part.body[..]), (206, &bytes[100..200]));
            assert_eq!(
                server.curl(&["-I"], &address).header("Content-Length"),
                Some(&*bytes.len().to_string())
            );
            let cache = server.get(&address).header("Cache-Control").map(str::to_owned);
            assert_eq!(cache.as_deref(), Some("max-age=86400, immutable"));
            let other =
                first.uri.replace(".m4s", ".ts#").replace(".ts", ".m4s").replace(".m4s#", ".ts");
            assert_eq!(server.get(&format!("/hls/s/{other}")).status, 404, "{other}");
            if is_ts {
                let mut stream = Stream::default();
                checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
                assert_eq!(stream.pictures.len(), pictures);
            }
        }
        wait_for("all to be written", || indexed(&directory) >= 29);
        // Players of files play them, too.
        let file = files(&directory, if is_ts { "ts" } else { "mp4" }).remove(0);
        let got = decoded(&file.to_string_lossy(), "0:v");
        let film = decoded(&film::path().to_string_lossy(), "0:v");
        assert!(got.len() > 700 && got.starts_with(&film[..film.len() - 1]), "{}", got.len());
    }
}

/// DASH has the same window.
#[test]
fn dash_goes_back_as_far() {
    let server = up(&format!("{WINDOW} dash on;"));
    let mut publisher = Publisher::new(&server, "s");
    let (mut known, mut text) = (Vec::new(), String::new());
    for round in 0..20 {
        publisher.run(1000);
        wait_for("a description", || round < 3 || server.get("/dash/s/index.mpd").status == 200);
        text = server.get("/dash/s/index.mpd").text();
        if let Some(media) = text.split("media=\"").nth(1).and_then(|rest| rest.split('"').next())
            && let Some(first) = text.split(" t=\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            let name = media.replace("$Time$", first);
            let answer = server.get(&format!("/dash/s/{name}"));
            assert_eq!(answer.status, 200, "{name}");
            known.push((name, answer.body));
        }
    }
    assert!(known.len() > 15);
    assert!(known.windows(2).all(|pair| pair[0] == pair[1]), "the first segment stays: {text}");
    assert!(text.contains("timeShiftBufferDepth=\"PT10M\"") || text.contains("PT600"), "{text}");
}

/// Workers die, one is replaced, the configuration is read again: the playlist goes on.
#[test]
fn nothing_is_missing_whatever_becomes_of_workers() {
    let settings = format!("{WINDOW} publish_grace 20s;");
    let server = up(&settings);
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    for round in 0..6 {
        publisher.run(5000);
        wait_for("a playlist", || checker.look(&server).is_some());
        let pid = server.workers()[round % 2];
        process::kill(&[pid]);
        // The one that had the publisher in the round before may still have it, too.
        wait_for("two that serve", || server.workers().len() >= 2);
        checker.look(&server);
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        server.set_conf(conf(&format!("{settings} merge_write {round}ms;")));
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "{}", server.error_log());
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let now = checker.look(&server).expect("a playlist");
    assert_eq!(now.segments.len(), checker.known.len(), "all of it is in the playlist");
    assert!(now.segments.iter().all(|segment| !segment.gap), "{}", now.text);
}

/// The whole server is killed: who publishes again goes on with the playlist, behind a few gaps, and no name has other bytes.
#[test]
fn the_playlist_goes_on_after_a_cold_start() {
    let mut server = up(WINDOW);
    let directory = server.path("files/window/s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    for round in 1..=3 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(8500);
        wait_for("segments", || {
            checker.look(&server).is_some_and(|now| now.segments.len() >= 8 * round)
        });
        wait_for("files", || indexed(&directory) >= 8 * round);
        server.kill_everything();
        server.start_again().expect("it starts");
        wait_for("the workers", || server.workers().len() == 2);
    }
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    wait_for("a playlist", || {
        let text = server.get("/hls/s/video.m3u8").text();
        text.matches("EXT-X-DISCONTINUITY\n").count() == 3 && text.matches("EXT-X-GAP").count() > 16
    });
    let now = checker.look(&server).expect("a playlist");
    let gaps = now.segments.iter().filter(|segment| segment.gap).count();
    assert!((3..=48).contains(&gaps), "{}", now.text);
    assert_eq!(
        now.segments.iter().filter(|segment| segment.discontinuity).count(),
        3,
        "{}",
        now.text
    );
}

/// Nor has it another target duration, though longer segments are asked for: players were told.
#[test]
fn a_cold_start_with_longer_segments_keeps_what_was_told() {
    let mut server = up(WINDOW);
    let directory = server.path("files/window/s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    Publisher::new(&server, "s").run(6500);
    wait_for("files", || checker.look(&server).is_some() && indexed(&directory) >= 4);
    let told = checker.look(&server).expect("a playlist").target;
    server.kill_everything();
    server.set_conf(conf(&WINDOW.replace("hls_fragment 1s", "hls_fragment 4s")));
    server.start_again().expect("it starts");
    wait_for("the workers", || server.workers().len() == 2);
    Publisher::new(&server, "s").run(8500);
    wait_for("both", || {
        checker.look(&server).is_some_and(|now| {
            let gaps = now.segments.iter().filter(|segment| segment.gap).count();
            now.segments.len() >= gaps + 10
        })
    });
    assert_eq!(checker.look(&server).expect("a playlist").target, told);
}

/// A stream that has ended before the server did goes on without a gap.
#[test]
fn an_end_leaves_no_gap() {
    let mut server = up(WINDOW);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let next = server.path("files/window/s/next");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8500);
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let end = checker.look(&server).expect("a playlist").end();
    wait_for("it to be noted", || {
        fs::read_to_string(&next).is_ok_and(|text| text.trim() == end.to_string())
    });
    server.stop();
    server.start_again().expect("it starts");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    wait_for("more", || {
        server.get("/hls/s/video.m3u8").status == 200
            && checker.look(&server).is_some_and(|now| now.end() > end + 2)
    });
    let now = checker.look(&server).expect("a playlist");
    assert!(now.segments.iter().all(|segment| !segment.gap), "{}", now.text);
    checker.has_no_gap();
}

/// What is older than the window is removed, and the disk has no more of it than that and two files.
#[test]
fn the_window_slides() {
    let server = up(
        "hls_window 40s; hls_window_path files/window; hls_fragment 5s; hls_playlist_length 15s;",
    );
    let directory = server.path("files/window/s");
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut first = None;
    // Numbers must not run far ahead of time: fifty segments.
    for round in 1..=25 {
        publisher.run(10_000);
        wait_for("a playlist", || checker.look(&server).is_some());
        let end = checker.look(&server).expect("a playlist").end();
        let noted = || fs::read_to_string(directory.join("next")).unwrap_or_default();
        wait_for("files", || noted().trim().parse::<u64>().is_ok_and(|next| next > end));
        wait_for("an index", || round < 3 || !files(&directory, "index").is_empty());
        first = first.or_else(|| files(&directory, "ts").first().cloned());
    }
    let now = checker.look(&server).expect("a playlist");
    assert!((8..=10).contains(&now.segments.len()), "{}", now.text);
    wait_for("old ones to go", || files(&directory, "ts").len() <= 4);
    assert!(!first.expect("a file").exists());
    wait_for("their indexes to go", || {
        files(&directory, "ts").len() == files(&directory, "index").len()
    });
    checker.has_no_gap();
}

/// `hls_continuous off` shows nothing of what was before, in whichever worker.
#[test]
fn another_stream_begins_with_nothing() {
    let server = up(&format!("{WINDOW} hls_continuous off;"));
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(12_500);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 12));
    publisher.end();
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8500);
    wait_for("new ones alone", || {
        (0..8).all(|_| {
            let count = server.get("/hls/s/video.m3u8").text().matches("#EXTINF").count();
            (7..=9).contains(&count)
        })
    });
}

/// An event is whole, and memory has the end of it alone.
#[test]
fn an_event_is_whole() {
    let server = up(&format!("{WINDOW} hls_type event;"));
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut publisher = Publisher::new(&server, "s");
    for _ in 0..10 {
        publisher.run(4000);
        wait_for("a playlist", || checker.look(&server).is_some());
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let now = checker.look(&server).expect("a playlist");
    assert!(now.segments.len() >= 39 && now.text.contains("PLAYLIST-TYPE:EVENT"), "{}", now.text);
}
