//! What encoders are told to do, by ffmpeg as one: groups that are too long, tracks that begin far apart, pictures in another order,
//! other pictures in the middle. Each frame is there, at its time.

use std::path::Path;

use proto::flv;
use support::{Server, wait_for};

use crate::checker::{Checker, Playlist};
use crate::ffmpeg::{copied, decoded, ffmpeg};
use crate::film;
use crate::up;

const SETTINGS: &str = "hls_fragment 2s; hls_playlist_length 60s; publish_grace 0;";
const FORMATS: [&str; 3] = ["hls_format ts;", "hls_format fmp4;", "hls_part 500ms;"];

/// A film of its own, with these words for the encoder.
#[track_caller]
fn encoded(path: &Path, pictures: &str, words: &str) -> String {
    let path = path.to_string_lossy().into_owned();
    let sound = "-f lavfi -i sine=frequency=440:duration=24 -c:v libx264 -preset veryfast";
    let all = format!("-f lavfi -i {pictures} {sound} -pix_fmt yuv420p {words} -c:a aac -shortest");
    let words: Vec<&str> = all.split(' ').chain([path.as_str()]).collect();
    let output = ffmpeg(&words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

/// Publishes what these words say, and waits for its end; gives what there is to watch, whose rules were looked at.
#[track_caller]
fn publish(server: &Server, words: &[&str]) -> (Checker, Playlist) {
    let to = format!("rtmp://127.0.0.1:{}/live/s", server.port2());
    let output = ffmpeg(&[words, &["-c", "copy", "-f", "flv", &to]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("the end", || checker.look(server).is_some_and(|now| now.ended));
    let now = checker.look(server).expect("a playlist");
    (checker, now)
}

/// What a checker has seen, from a segment on, with what a decoder needs first, as a file.
fn joined(server: &Server, checker: &Checker, name: &str, which: impl Fn(&str) -> bool) -> String {
    let (mut bytes, mut init) = (Vec::new(), None);
    for (_, segment, media) in checker.all().filter(|it| !it.1.gap && which(&it.1.uri)) {
        if let (Some(map), None) = (&segment.map, &init) {
            bytes = checker.fetch(server, map).body;
            init = Some(map.clone());
        }
        bytes.extend_from_slice(media);
    }
    server.file(name, bytes).to_string_lossy().into_owned()
}

/// A key frame each two seconds, then none for sixteen: what was said of the longest segment stays, segments end without one, and
/// the log tells why. Pictures are shown in another order than they are decoded in, and each is there, at its time.
#[test]
fn groups_that_become_too_long() {
    let dir = support::Dir::new();
    let words =
        "-g 400 -keyint_min 400 -sc_threshold 0 -force_key_frames 0,2,4,6 -bf 3 -b_strategy 2";
    let pictures = "testsrc=size=320x180:rate=25:duration=24";
    let film = encoded(&dir.path("film.flv"), pictures, words);
    let (wanted, wanted_times) = (decoded(&film, "0:v"), copied(&film, "0:v"));
    assert!(wanted_times.windows(2).any(|pair| pair[1].1 < pair[0].1), "out of order");
    for format in FORMATS {
        let server = up(&format!("{SETTINGS} {format}"));
        let (_, now) = publish(&server, &["-i", &film]);
        assert_eq!((now.target, now.independent), (2, false), "{}", now.text);
        assert!(
            now.segments.iter().all(|it| it.duration < 2.5 && !it.discontinuity),
            "{}",
            now.text
        );
        assert!(server.error_log().contains("do not begin with key frames"));
        let url = server.url("/hls/s/index.m3u8");
        let got = decoded(&url, "0:v");
        assert!(got == wanted, "{format}: {} of {}", got.len(), wanted.len());
        let times = |all: &[(i64, i64, String)]| -> Vec<(i64, i64)> {
            all.iter().map(|(dts, pts, _)| (*dts, *pts)).collect()
        };
        assert_eq!(times(&copied(&url, "0:v")), times(&wanted_times), "{format}");
    }
}

/// Without a key frame for sixteen seconds from the beginning on, the longest that a segment may be is what is configured.
#[test]
fn groups_that_are_too_long_from_the_beginning() {
    let dir = support::Dir::new();
    let pictures = "testsrc=size=320x180:rate=25:duration=24";
    let film = encoded(&dir.path("film.flv"), pictures, "-g 400 -keyint_min 400 -sc_threshold 0");
    let server = up(&format!("{SETTINGS} hls_max_fragment 4s;"));
    let (_, now) = publish(&server, &["-i", &film]);
    assert_eq!((now.target, now.independent), (4, false), "{}", now.text);
    assert!(now.segments.len() >= 6 && now.segments.iter().all(|it| !it.discontinuity));
    assert!(decoded(&server.url("/hls/s/index.m3u8"), "0:v") == decoded(&film, "0:v"));
}

/// One track begins twenty seconds behind the other: pictures decide where segments end, and none waits for what does not come.
#[test]
fn tracks_that_begin_apart() {
    let film = film::path().to_string_lossy().into_owned();
    let (once, thrice) = (["-itsoffset", "20", "-i", &film], ["-stream_loop", "2", "-i", &film]);
    let pictures = copied(&film, "0:v").len();
    let hashes = |path: &str, track| -> Vec<String> {
        copied(path, track).into_iter().map(|(_, _, hash)| hash).collect()
    };
    let sound = hashes(&film, "0:a");
    let again = [&sound[..], &sound, &sound].concat();
    for (words, length) in [
        ([&thrice[..], &once, &["-map", "0:v", "-map", "1:a"]].concat(), 30),
        ([&thrice[..], &once, &["-map", "1:v", "-map", "0:a"]].concat(), 10),
    ] {
        for format in FORMATS {
            let server = up(&format!("{SETTINGS} {format}"));
            let (video, now) = publish(&server, &words);
            assert_eq!(now.segments.len(), length / 2, "{format} {}", now.text);
            assert!(
                now.independent && now.segments.iter().all(|it| !it.discontinuity),
                "{}",
                now.text
            );
            let file = joined(&server, &video, "video.mp4", |_| true);
            assert_eq!(copied(&file, "0:v").len(), pictures * length / 10, "{format}");
            if format.contains(" ts;") {
                continue;
            }
            let mut audio = Checker::new("/hls/s/audio.m3u8");
            let now = audio.look(&server).expect("a playlist");
            let gaps = now.segments.iter().filter(|it| it.gap).count();
            assert_eq!(gaps, (length - 10) / 2, "{}", now.text);
            // As much as there are pictures for; the film's sound is a little longer than they are.
            let got = hashes(&joined(&server, &audio, "audio.mp4", |_| true), "0:a");
            let is_there = again.windows(got.len()).any(|some| some == got);
            assert!(is_there && got.len() + 2 >= sound.len(), "{format} {}", got.len());
        }
    }
}

/// Other pictures in one connection: they have what a decoder needs of their own, behind a discontinuity.
#[test]
fn pictures_of_another_size() {
    let dir = support::Dir::new();
    let [one, other] = ["320x180", "160x120"].map(|size| {
        let pictures = format!("testsrc=size={size}:rate=25:duration=6");
        encoded(&dir.path(&format!("{size}.flv")), &pictures, "-g 50 -sc_threshold 0 -bf 2")
    });
    let both = dir.file("both.flv", one_after_the_other(&one, &other));
    for format in FORMATS {
        let server = up(&format!("{SETTINGS} {format}"));
        let (checker, now) = publish(&server, &["-i", &both.to_string_lossy()]);
        let breaks: Vec<usize> =
            (0..now.segments.len()).filter(|at| now.segments[*at].discontinuity).collect();
        let [at] = breaks[..] else { panic!("one discontinuity: {}", now.text) };
        let maps = [at - 1, at].map(|at| now.segments[at].map.clone());
        assert_eq!(maps[0] == maps[1], format.contains(" ts;"), "{}", now.text);
        let (before, behind) = now.segments.split_at(at);
        for (segments, film) in [(before, &one), (behind, &other)] {
            let is_in = |uri: &str| segments.iter().any(|segment| segment.uri == uri);
            let (got, wanted) = (
                decoded(&joined(&server, &checker, "some.mp4", is_in), "0:v"),
                decoded(film, "0:v"),
            );
            assert!(got == wanted, "{format} {film}: {} of {}", got.len(), wanted.len());
        }
        let master = server.get("/hls/s/index.m3u8").text();
        assert!(master.contains("RESOLUTION=160x120"), "what is there now: {master}");
    }
}

/// Two films as one file of FLV.
fn one_after_the_other(one: &str, other: &str) -> Vec<u8> {
    let (mut bytes, mut offset) = (flv::header(true, true).to_vec(), 0);
    for path in [one, other] {
        let film = std::fs::read(path).expect("a film");
        let (mut reader, mut end) = (flv::Reader::new(8 << 20), 0);
        let each = |tag: flv::Tag<'_>| {
            let (time, len) = (tag.timestamp + offset, tag.payload.len());
            end = end.max(time + 40);
            bytes.extend_from_slice(&flv::tag_header(tag.kind, len, time));
            bytes.extend_from_slice(tag.payload);
            bytes.extend_from_slice(&flv::previous_tag_size(len));
        };
        reader.feed(&film, each).expect("a film");
        offset = end;
    }
    bytes
}
