//! What ffmpeg publishes, ffmpeg watches: frame by frame.

use std::process::{Command, Output};

use support::{process, wait_for};

use crate::{film, up};

pub fn ffmpeg(args: &[&str]) -> Output {
    // It has its ways to wait for ever.
    let mut command = Command::new("timeout");
    process::run(
        command
            .args(["60", "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(args),
    )
}

/// What `framemd5` tells of a track, taken `how`.
#[track_caller]
fn told(input: &str, track: &str, how: &[&str]) -> String {
    let (before, after): (&[&str], &[&str]) = match () {
        () if input.contains(".m3u8") => {
            (&["-live_start_index", "0", "-allowed_extensions", "ALL"], &[])
        }
        // It asks for ever for more of what has ended.
        () if input.contains(".mpd") => (&[], &["-t", "3"]),
        () => (&[], &[]),
    };
    let words = [before, &["-i", input, "-map", track], how, after, &["-f", "framemd5", "-"]];
    let output = ffmpeg(&words.concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{input}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Hashes of the decoded frames of a track.
#[track_caller]
pub fn decoded(input: &str, track: &str) -> Vec<String> {
    let text = told(input, track, &[]);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
}

/// Frames of a track as they are coded: when they are decoded and shown, in milliseconds since the first one's decoding, and
/// their hashes.
#[track_caller]
pub fn copied(input: &str, track: &str) -> Vec<(i64, i64, String)> {
    let text = told(input, track, &["-c", "copy"]);
    let base = text.lines().find_map(|line| line.strip_prefix("#tb 0: 1/")).expect("a time base");
    let base: i64 = base.parse().expect("a number");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<Vec<&str>> =
        lines.map(|line| line.split(',').map(str::trim).collect()).collect();
    let time = |word: &str| word.parse::<i64>().expect("a time");
    let first = lines.first().map_or(0, |line| time(line[1]));
    let ms = |word: &str| ((time(word) - first) * 1000 + base / 2).div_euclid(base);
    lines.iter().map(|line| (ms(line[1]), ms(line[2]), line[5].to_owned())).collect()
}

#[test]
fn every_frame_is_there() {
    let film = film::path().to_string_lossy().into_owned();
    for settings in ["hls_format ts;", "hls_format fmp4;", "hls_part 500ms;"] {
        let server = up(&format!("{settings} hls_fragment 2s; hls_playlist_length 60s;"));
        let to = format!("rtmp://127.0.0.1:{}/live/film", server.port2());
        let output = ffmpeg(&["-i", &film, "-c", "copy", "-f", "flv", &to]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let playlist = || server.get("/hls/film/video.m3u8").text();
        wait_for("the end", || playlist().contains("#EXT-X-ENDLIST"));
        assert_eq!(playlist().matches("#EXTINF").count(), 5, "{}", playlist());
        let url = server.url("/hls/film/index.m3u8");
        for track in ["0:v", "0:a"] {
            let (got, wanted) = (decoded(&url, track), decoded(&film, track));
            assert!(got == wanted, "{settings} {track}: {} of {}", got.len(), wanted.len());
        }
        let master = server.get("/hls/film/index.m3u8");
        assert_eq!(master.header("Content-Type"), Some("application/vnd.apple.mpegurl"));
        let text = master.text();
        for wanted in ["RESOLUTION=320x180", "FRAME-RATE=25.000", "mp4a.40.2", "avc1.4d400c"] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }
}
