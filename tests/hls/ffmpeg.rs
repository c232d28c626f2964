//! What ffmpeg publishes, ffmpeg watches: frame by frame.

use std::process::{Command, Output};

use support::{process, wait_for};

use crate::{film, up};

fn ffmpeg(args: &[&str]) -> Output {
    // It has its ways to wait for ever.
    let mut command = Command::new("timeout");
    process::run(
        command
            .args(["60", "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(args),
    )
}

/// Hashes of the decoded frames of a track.
#[track_caller]
pub fn decoded(input: &str, track: &str) -> Vec<String> {
    let (before, after): (&[&str], &[&str]) = match () {
        () if input.contains(".m3u8") => (&["-live_start_index", "0"], &[]),
        // It asks for ever for more of what has ended.
        () if input.contains(".mpd") => (&[], &["-t", "3"]),
        () => (&[], &[]),
    };
    let words = [before, &["-i", input, "-map", track], after, &["-f", "framemd5", "-"]];
    let output = ffmpeg(&words.concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{input}: {said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
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
