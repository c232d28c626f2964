//! `hls_path`: the same as files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Small, start, wait_for};

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
    assert!(names.iter().all(|name| name.trim_start_matches('.').starts_with("good")), "{names:?}");
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
    wait_for("what is in memory", || server.get("/hls/s/video.m3u8").status == 200);
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
        ("hls_nested on; hls_nested_index_filename live;", "/files/hls/s_low/live.m3u8"),
        (
            "hls_nested on; hls_nested_index_filename \"a b\"; hls_variant _low;",
            "/files/hls/s/a%20b.m3u8",
        ),
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
                let own = match path.rsplit_once("/s/") {
                    Some((_, index)) => format!("/files/hls/s_low/{index}"),
                    None => path.replace("/s.m3u8", "/s_low.m3u8"),
                };
                list(&own).contains("#EXT-X-ENDLIST")
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
            assert_eq!(key.metadata().expect("a key").permissions().mode() & 0o777, 0o600);
        }
    }
}

/// Whatever the process's mask is, and whoever makes it: the directory of all at the start, that of a stream later.
#[test]
fn directories_are_for_whom_they_are_said_to_be() {
    let rights = [
        ("", 0o755),
        ("hls_dir_access group:rw all:r;", 0o775),
        ("hls_dir_access user:rw;", 0o700),
    ];
    for (access, mode) in rights {
        let server = up(&format!("{FILES} hls_nested on; {access}"));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(2500);
        wait_for("the list", || server.path("files/hls/s/index.m3u8").exists());
        for directory in ["files/hls", "files/hls/s"] {
            let about = fs::metadata(server.path(directory)).expect("a directory");
            assert_eq!(about.permissions().mode() & 0o777, mode, "{directory}: {access}");
        }
    }
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.collect()
}

/// The whole server is killed. What nobody goes on with is removed when it starts again, what somebody goes on with when it
/// has left the playlist; what others have put beside it stays.
#[test]
fn a_crash_leaves_nothing() {
    for more in ["", "hls_nested on;", "dash on; dash_path files/hls; hls_keys off;"] {
        let mut server = up(&format!("{FILES} {more}"));
        let root = server.path("files/hls");
        let directory =
            |name: &str| if more.contains("nested") { root.join(name) } else { root.clone() };
        for name in ["gone", "s"] {
            let mut publisher = Publisher::new(&server, name);
            let nested = more.contains("nested");
            let kind = if nested { ".m3u8".to_owned() } else { format!(".{name}-m3u8") };
            let own = |file: &&String| nested || file.starts_with(name);
            for (ms, count) in [(4500, 4), (5000, 8)] {
                publisher.run(ms);
                wait_for("files", || {
                    directory(name).join(&kind).exists()
                        && names(&directory(name)).iter().filter(own).count() >= count
                });
            }
            let foreign = directory(name).join(format!("{name}-17.ts"));
            fs::write(foreign, "mine").expect("a file");
            // A journal that somebody has added a line to reaches nothing elsewhere.
            fs::write(server.path("files/precious"), "mine").expect("a file");
            let kind =
                if more.contains("nested") { ".m3u8".to_owned() } else { format!(".{name}-m3u8") };
            let journal = directory(name).join(kind);
            // The server may be writing to it.
            let mut journal = fs::File::options().append(true).open(&journal).expect("a journal");
            std::io::Write::write_all(&mut journal, b"../precious\n../../precious\n..\n\n")
                .expect("a line");
        }
        let before = names(&directory("s"));
        server.kill_everything();
        server.start_again().expect("it starts");
        wait_for("what nobody goes on with to go", || {
            let left = names(&directory("gone"));
            let left = left.iter().filter(|name| name.contains("gone") || more.contains("nested"));
            left.collect::<Vec<_>>() == ["gone-17.ts"]
        });
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(4500);
        wait_for("what was before to go", || {
            publisher.run(1000);
            let now = names(&directory("s"));
            // Numbers are the time of day: what begins in the same second begins with the same one.
            let is_old = |name: &&String| {
                now.contains(name)
                    && !name.contains("m3u8")
                    && !name.contains("mpd")
                    && !name.contains("init")
                    && !name.starts_with("gone")
            };
            let left: Vec<&String> = before.iter().filter(is_old).collect();
            left == ["s-17.ts"]
        });
        assert!(server.path("files/precious").exists());
    }
}

/// The disk is full: memory serves all the same, and files come when there is room; what is half there is not listed.
#[test]
fn a_full_disk_loses_nothing_that_is_in_memory() {
    let server = up("hls_path small; hls_fragment 1s; hls_playlist_length 5s;");
    let Some(small) = Small::at(server.path("small")) else { return };
    let mut rest = fs::File::create(server.path("small/rest")).expect("a file");
    while std::io::Write::write_all(&mut rest, &[1; 4096]).is_ok() {}
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    for _ in 0..8 {
        publisher.run(1000);
        checker.look(&server);
    }
    server.wait_for("a line", || server.error_log().contains("files of the stream \"live/s\""));
    wait_for("all of it", || checker.look(&server).is_some_and(|now| now.segments.len() >= 5));
    checker.has_no_gap();
    let there = |file: &str| names(&small.0).iter().any(|name| name.contains(file));
    assert!(!there(".rserve"), "{:?}", names(&small.0));
    small.grow();
    // As fast as segments are made of it.
    let mut end = 0;
    wait_for("files", || {
        let now = checker.look(&server).map_or(0, |now| now.end());
        if now > end {
            end = now;
            publisher.run(2000);
        }
        names(&small.0).iter().any(|name| name == "s.m3u8")
    });
    let text = fs::read_to_string(server.path("small/s.m3u8")).expect("a playlist");
    for name in text.lines().filter(|line| !line.starts_with('#')) {
        let len = fs::metadata(small.0.join(name)).expect("a segment").len();
        assert!(len > 0 && len.is_multiple_of(188), "{name}: {len}");
    }
}
