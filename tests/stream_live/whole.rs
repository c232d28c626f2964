//! What is published is in every form: frame by frame, wherever a viewer begins.

use std::process::Command;

use support::{Server, process, wait_for};

use crate::copies::{Viewer, coded, decoded, ffmpeg, publish, text};
use crate::film::{self, Publisher};
use crate::up;

fn clients(server: &Server) -> usize {
    server.get("/stat").text().matches("<client>").count()
}

/// A file of two seconds, coded as these words say.
#[track_caller]
fn source(server: &Server, coding: &str) -> std::path::PathBuf {
    let path = server.path("source.flv");
    let file = text(&path);
    let inputs = "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -f lavfi -i sine=duration=2";
    let words = format!("{inputs} -pix_fmt yuv420p -preset ultrafast {coding} {file}");
    let output = ffmpeg(&words.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{coding}: {}", String::from_utf8_lossy(&output.stderr));
    path
}

#[test]
fn viewers_that_wait_for_the_stream_get_all_of_it() {
    for (coding, tracks) in [
        ("-c:v libx264 -g 25 -bf 3 -c:a aac", &["0:v", "0:a"][..]),
        ("-an -c:v libx264 -g 10 -bf 0", &["0:v"]),
        ("-vn -c:a aac", &["0:a"]),
        ("-c:v libx264 -g 50 -c:a libmp3lame -ar 44100", &["0:v", "0:a"]),
    ] {
        let server = up("live_window 60s; publish_grace 0;");
        let file = source(&server, coding);
        let viewers = ["s.ts", "s.mp4", "s"].map(|address| Viewer::of(&server, address));
        wait_for("the viewers", || clients(&server) == 3);
        publish(&server, &file, "s");
        for viewer in viewers {
            let got = text(&viewer.ended());
            for track in tracks {
                let (got, wanted) = (decoded(&got, track), decoded(&text(&file), track));
                assert!(got == wanted, "{coding} {track}: {} of {}", got.len(), wanted.len());
            }
        }
    }
}

/// B-frames have negative and positive distances: each is shown when it is to be shown.
#[test]
fn a_movie_has_the_times_of_the_stream() {
    let server = up("live_window 60s; publish_grace 0;");
    let file = film::path();
    let viewer = Viewer::of(&server, "s.mp4");
    wait_for("the viewer", || clients(&server) == 1);
    publish(&server, &file, "s");
    let got = text(&viewer.ended());
    assert_eq!(coded(&got, "0:v"), coded(&text(&file), "0:v"));
    let (got, wanted) = (coded(&got, "0:a"), coded(&text(&file), "0:a"));
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(&wanted) {
        assert_eq!((&got.2, &got.3), (&wanted.2, &wanted.3));
        assert!((got.0 - wanted.0).abs() <= 1, "{got:?} {wanted:?}");
    }
}

#[test]
fn who_comes_late_begins_with_the_newest_key_frame() {
    let server = up("publish_grace 0;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    let viewers = ["s.ts", "s.mp4"].map(|address| Viewer::of(&server, address));
    // What there is comes at once: nobody waits for the next picture.
    wait_for("their bytes", || viewers.iter().all(|viewer| viewer.len() > 10_000));
    publisher.run(3000);
    publisher.end();
    let whole = decoded(&text(&film::path()), "0:v");
    for viewer in viewers {
        let got = decoded(&text(&viewer.ended()), "0:v");
        assert!(got.len() > 75 && got.len() <= 90, "{}", got.len());
        assert_eq!(got[..], whole[75..75 + got.len()]);
    }
}

#[test]
fn playlists_and_descriptions_are_relative_to_the_address() {
    for settings in ["hls_part 200ms;", "hls_format ts;"] {
        let server = up(&format!(
            "hls on; dash {}; hls_fragment 1s; hls_playlist_length 60s; publish_grace 0; {settings}",
            if settings.contains("ts") { "off" } else { "on" }
        ));
        let mut publisher = Publisher::new(&server, "a b");
        publisher.run(film::LENGTH);
        publisher.end();
        let playlist = || server.get("/live/a%20b/video.m3u8").text();
        wait_for("the end", || playlist().contains("#EXT-X-ENDLIST"));
        let wanted = decoded(&text(&film::path()), "0:v");
        let url = server.url("/live/a%20b.m3u8");
        let mut command = Command::new("timeout");
        command.args(["60", "ffmpeg", "-v", "error", "-nostdin", "-live_start_index", "0", "-i"]);
        let output = process::run(command.args([&url, "-map", "0:v", "-f", "framemd5", "-"]));
        let got = String::from_utf8_lossy(&output.stdout).into_owned();
        let got = got.lines().filter(|line| !line.starts_with('#'));
        let got: Vec<_> = got.filter_map(|line| line.rsplit(", ").next()).collect();
        assert_eq!(got, wanted, "{settings}: {}", String::from_utf8_lossy(&output.stderr));
        if settings.contains("part") {
            let text = server.get("/live/a%20b.mpd").text();
            let init = text.split("initialization=\"").nth(1).and_then(|it| it.split('"').next());
            let init = init.expect("an initialization");
            assert!(init.starts_with("a%20b/video-init-"), "{init}");
            assert_eq!(server.get(&format!("/live/{init}")).status, 200);
        } else {
            assert_eq!(server.get("/live/a%20b.mpd").status, 404, "it is off");
        }
    }
}
