//! `hls_path`: the same as files.

use std::fs;

use support::{start, wait_for};

use crate::checker::Checker;
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
    let _ = film::LENGTH;
}
