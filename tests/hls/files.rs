//! `hls_path`: the same as files.

use std::fs;

use support::{start, wait_for};

use crate::checker::Checker;
use crate::ffmpeg::decoded;
use crate::film::Publisher;
use crate::ts::Stream;
use crate::{conf, film, up};

const FILES: &str = "hls_path files/hls; hls_fragment 1s; hls_playlist_length 5s;";

#[test]
fn files_are_what_is_watched() {
    for (more, path) in [("", "/files/hls/s.m3u8"), ("hls_nested on;", "/files/hls/s/index.m3u8")] {
        let server = up(&format!("{FILES} {more}"));
        let mut publisher = Publisher::new(&server, "s");
        let mut checker = Checker::new(path);
        let mut pictures = 0;
        for round in 1..20 {
            pictures += publisher.run(1000);
            let there = |checker: &mut Checker| {
                checker.look(&server).map_or(0, |now| now.end() - now.sequence)
            };
            wait_for("files", || round < 3 || there(&mut checker) >= 3.min(round - 2));
        }
        publisher.end();
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        checker.has_no_gap();
        let mut stream = Stream::default();
        checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
        assert_eq!(stream.pictures.len(), pictures);
        let directory = server.path(path.trim_start_matches('/'));
        let directory = directory.parent().expect("a directory");
        let files = fs::read_dir(directory).expect("a directory").count();
        assert!(files < 16, "old ones are removed: {files}");
    }
}

#[test]
fn names_that_lead_elsewhere_get_no_files() {
    let server = start!(conf(FILES).replace("live on;", "live on; idle_streams on;"));
    for name in ["..", ".hidden", "a/b", "../../escape"] {
        let mut publisher = Publisher::new(&server, name);
        publisher.run(2500);
        publisher.end();
    }
    server.wait_for("a line", || server.error_log().matches("none can have its name").count() >= 3);
    let mut good = Publisher::new(&server, "good");
    good.run(2500);
    wait_for("a file", || server.path("files/hls/good.m3u8").exists());
    let names: Vec<String> = fs::read_dir(server.path("files/hls"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().all(|name| name.starts_with("good")), "{names:?}");
    assert!(!server.path("escape.m3u8").exists() && !server.path("files/escape.m3u8").exists());
}

/// What stands in the way is somebody's: it is not taken away, the stream goes on, and files come when they can.
#[test]
fn what_is_in_the_way_stays() {
    let server = up(FILES);
    fs::remove_dir(server.path("files/hls")).expect("it was made, and is empty");
    fs::write(server.path("files/hls"), "mine").expect("a file");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    server.wait_for("a line", || server.error_log().contains("files of the stream \"live/s\""));
    assert_eq!(fs::read_to_string(server.path("files/hls")).expect("still a file"), "mine");
    assert_eq!(server.get("/hls/s/video.m3u8").status, 200, "in memory it is there");
}

/// Whatever is asked for, ffmpeg finds the film in the files.
#[test]
fn ffmpeg_watches_the_files() {
    let whole = decoded(&film::path().to_string_lossy(), "0:v");
    for (more, path) in [
        ("hls_format fmp4;", "/files/hls/s_low.m3u8"),
        ("hls_keys on; hls_key_path files/keys; hls_key_url ../keys/;", "/files/hls/s_low.m3u8"),
        ("hls_nested on; hls_keys on; hls_fragments_per_key 2;", "/files/hls/s_low/index.m3u8"),
        ("hls_fragment_naming system; hls_type event;", "/files/hls/s_low.m3u8"),
        ("hls_variant _low; hls_variant _high;", "/files/hls/s.m3u8"),
        ("hls_nested on; hls_variant _low;", "/files/hls/s/index.m3u8"),
        ("dash on; dash_path files/dash; dash_fragment 1s;", "/files/dash/s_low.mpd"),
        ("dash on; dash_nested on; dash_path files/dash;", "/files/dash/s_low/index.mpd"),
    ] {
        let server =
            up(&format!("hls_path files/hls; hls_fragment 1s; hls_playlist_length 60s; {more}"));
        let mut publisher = Publisher::new(&server, "s_low");
        publisher.run(4500);
        publisher.end();
        let list = |name: &str| server.get(name).text();
        let ended = || match path.ends_with(".mpd") {
            true => list(path).contains("mediaPresentationDuration"),
            false => {
                let own = if more.contains("nested") {
                    "/files/hls/s_low/index.m3u8"
                } else {
                    "/files/hls/s_low.m3u8"
                };
                list(own).contains("#EXT-X-ENDLIST")
            }
        };
        wait_for(&format!("the end: {more}"), ended);
        wait_for("the list", || server.get(path).status == 200);
        let got = decoded(&server.url(path), "0:v");
        assert!(
            got.len() > 70 && whole.starts_with(&got[..got.len() - 1]),
            "{more}: {}",
            got.len()
        );
        if more.contains("hls_type event") {
            assert!(list(path).contains("#EXT-X-PLAYLIST-TYPE:EVENT"));
        }
        for key in fs::read_dir(server.path("files/keys")).into_iter().flatten().flatten() {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(key.metadata().expect("a key").permissions().mode() & 0o777, 0o600);
        }
    }
}
