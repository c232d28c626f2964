//! Codecs that FLV has no number for, published by Enhanced RTMP: they are in the forms that have a place for them.

use std::process::Command;

use support::{Server, process, wait_for};

use crate::client::Client;
use crate::copies::{Viewer, coded, decoded, text};
use crate::up;

/// What ffmpeg has made: a sequence header, and frames with their times in milliseconds.
struct Coded {
    path: String,
    four: &'static [u8; 4],
    header: Vec<u8>,
    frames: Vec<(u32, i32, bool, Vec<u8>)>,
}

impl Coded {
    /// By this encoder; the header is the content of the box with this name.
    #[track_caller]
    fn by(server: &Server, encoder: &str, four: &'static [u8; 4], name: &[u8; 4]) -> Coded {
        let path = text(&server.path(&format!("{encoder}.mp4")));
        let words = format!(
            "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -pix_fmt yuv420p -c:v {encoder} \
             -g 25 -x265-params log-level=none:keyint=25 -svtav1-params keyint=25 {path}"
        );
        let words: Vec<&str> = words.split_whitespace().collect();
        let output = process::run(Command::new("ffmpeg").args(["-v", "fatal", "-y"]).args(words));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(&path).expect("a file");
        let at = bytes.windows(4).position(|four| four == name).expect("a configuration");
        let size = u32::from_be_bytes(bytes[at - 4..at].try_into().expect("a size")) as usize;
        let header = bytes[at + 4..at - 4 + size].to_vec();
        let entries = "packet=pts_time,dts_time,size,pos,flags";
        let args = ["-v", "error", "-show_entries", entries, "-of", "csv=p=0", &path];
        let output = process::run(Command::new("ffprobe").args(args));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = text.lines().next().and_then(|line| line.split(',').nth(1)).expect("a time");
        let first: f64 = first.parse().expect("a time");
        let frames = text.lines().map(|line| {
            let words: Vec<&str> = line.split(',').collect();
            let ms = |word: &str| {
                ((word.parse::<f64>().expect("a time") - first) * 1000.0).round() as i32
            };
            let (pts, dts) = (ms(words[0]), ms(words[1]));
            let (size, at): (usize, usize) =
                (words[2].parse().expect("a size"), words[3].parse().expect("a place"));
            (dts as u32, pts - dts, words[4].starts_with('K'), bytes[at..at + size].to_vec())
        });
        let frames = frames.collect();
        Coded { path, four, header, frames }
    }

    fn publish(&self, server: &Server, name: &str) -> Client {
        let mut client = Client::publisher(server, name);
        client.video(0, &[&[0x90][..], self.four, &self.header].concat());
        for (time, cts, key, data) in &self.frames {
            let first = [if *key { 0x91 } else { 0xA1 }];
            let cts = if self.four == b"hvc1" { &cts.to_be_bytes()[1..] } else { &[] };
            client.video(*time, &[&first[..], self.four, cts, data].concat());
        }
        client.sync();
        client
    }
}

#[test]
fn hevc_and_av1_are_in_movies() {
    let settings = "live_window 60s; publish_grace 0;";
    let server = up(settings);
    for coded_by in [
        Coded::by(&server, "libx265", b"hvc1", b"hvcC"),
        Coded::by(&server, "libsvtav1", b"av01", b"av1C"),
    ] {
        let name = String::from_utf8_lossy(coded_by.four).into_owned();
        let viewer = Viewer::of(&server, &format!("{name}.mp4"));
        wait_for("the viewer", || server.get("/stat").text().contains("http-mp4"));
        drop(coded_by.publish(&server, &name));
        let got = text(&viewer.ended());
        assert_eq!(coded(&got, "0:v"), coded(&coded_by.path, "0:v"), "{name}");
    }
}

#[test]
fn transport_streams_have_hevc_and_say_what_they_do_not_have() {
    let server = up("hls on; live_window 60s; publish_grace 0;");
    let hevc = Coded::by(&server, "libx265", b"hvc1", b"hvcC");
    let viewer = Viewer::of(&server, "h.ts");
    wait_for("the viewer", || server.get("/stat").text().contains("http-ts"));
    drop(hevc.publish(&server, "h"));
    let got = text(&viewer.ended());
    assert_eq!(decoded(&got, "0:v"), decoded(&hevc.path, "0:v"));

    // One that waits learns it when the stream comes, one that comes later at once.
    let early = Viewer::of(&server, "a.ts");
    wait_for("the viewer", || server.get("/stat").text().contains("http-ts"));
    let av1 = Coded::by(&server, "libsvtav1", b"av01", b"av1C");
    let publisher = av1.publish(&server, "a");
    assert_eq!(std::fs::read(early.ended()).unwrap_or_default(), b"");
    let why = "an MPEG transport stream has no place for AV1";
    assert!(server.error_log().contains(&format!("is sent away: {why}")));
    assert_eq!(server.get("/live/a.ts").status, 404);
    assert!(server.error_log().contains(&format!("there is no such file: {why}")));
    let asked = |accept: &str| server.curl(&["-I", "-H", &format!("Accept: {accept}")], "/live/a");
    assert_eq!(asked("video/mp2t").status, 406);
    let other = asked("video/mp2t, video/mp4;q=0.1");
    assert_eq!(other.header("Content-Type"), Some("video/mp4"));
    drop(publisher);
}
