//! Spans of time as playlists and as movies: the frames are the source's, each once, wherever a file ends.

use std::path::Path;
use std::process::Command;

use support::{Server, process, wait_for};

use super::{FMP4, list, move_to, number, record};
use crate::film::{self, Publisher};
use crate::recorded::path;
use crate::up;

/// Some moment, in milliseconds of Unix time.
pub(super) const THEN: u64 = 1_700_000_000_000;

/// Number and hash of each frame of a track, and what ffmpeg has to say.
#[track_caller]
pub(super) fn frames(input: &str, track: &str) -> Vec<String> {
    let mut ffmpeg = Command::new("timeout");
    ffmpeg.args(["60", "ffmpeg", "-v", "error", "-nostdin"]);
    if input.contains(".m3u8") {
        ffmpeg.args(["-live_start_index", "0"]);
    }
    if input.starts_with("https") {
        ffmpeg.args(["-tls_verify", "0"]);
    }
    ffmpeg.args(["-i", input, "-map", track, "-c", "copy", "-f", "framemd5", "-"]);
    let output = process::run(&mut ffmpeg);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{input}: {said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
}

/// Those of so many milliseconds of the film.
pub(super) fn source(server: &Server, ms: u32, track: &str) -> Vec<String> {
    let out = server.path(&format!("cut-{ms}.flv"));
    let mut bytes = proto::flv::header(true, true).to_vec();
    for message in film::messages().iter().filter(|message| message.time < ms) {
        proto::flv::recording::tag(&mut bytes, message.kind, message.time, &message.payload);
    }
    std::fs::write(&out, bytes).expect("written");
    frames(&out.to_string_lossy(), track)
}

/// The times of a track's packets.
pub(super) fn times(input: &Path, track: &str) -> Vec<f64> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", track, "-show_entries", "packet=dts_time"]);
    let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(input));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect()
}

/// A movie, which ffmpeg takes without a word.
#[track_caller]
pub(super) fn movie(server: &Server, args: &str) -> std::path::PathBuf {
    let answer = server.get(&format!("/dvr/s/video.mp4{args}"));
    assert_eq!((answer.status, answer.complete), (200, true), "{}", server.error_log());
    assert_eq!(answer.header("Content-Length"), Some(&*answer.body.len().to_string()));
    assert_eq!(answer.header("Content-Type"), Some("video/mp4"));
    server.file("movie.mp4", answer.body)
}

pub(super) fn durations(playlist: &str) -> Vec<f64> {
    let lines = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    lines.map(|line| line.trim_end_matches(',').parse().expect("a number")).collect()
}

#[test]
fn one_recording_is_played_as_it_was_published() {
    let server = up(FMP4);
    let file = record(&server, 9000);
    for url in [server.url("/dvr/s/index.m3u8"), movie(&server, "").to_string_lossy().into_owned()]
    {
        for track in ["0:v", "0:a"] {
            let (got, wanted) = (frames(&url, track), source(&server, 9000, track));
            assert!(got == wanted, "{url} {track}: {} of {}", got.len(), wanted.len());
        }
    }
    wait_for("the end of what may follow", || {
        server.get("/dvr/s/index.m3u8").text().contains("#EXT-X-ENDLIST")
    });
    let answer = server.get("/dvr/s/index.m3u8");
    assert_eq!(answer.header("Content-Type"), Some("application/vnd.apple.mpegurl"));
    let text = answer.text();
    assert!(
        text.contains("#EXT-X-PLAYLIST-TYPE:VOD") && text.contains("#EXT-X-TARGETDURATION:10\n"),
        "{text}"
    );
    assert!(text.contains(&format!("#EXT-X-MAP:URI=\"{file}\",BYTERANGE=\"")), "{text}");
    assert_eq!(durations(&text)[..2], [4.0, 4.0], "{text}");
    // The whole file is in it: head, segments.
    let size = std::fs::metadata(path(&server, &file)).expect("it").len();
    let last = text.lines().rfind(|line| line.starts_with("#EXT-X-BYTERANGE:")).expect("a range");
    let (len, from) =
        last.trim_start_matches("#EXT-X-BYTERANGE:").split_once('@').expect("a range");
    let end = len.parse::<u64>().expect("a number") + from.parse::<u64>().expect("a number");
    assert!(end < size && end + 1000 > size, "all but the index: {end} of {size}");
    let wall = proto::date::iso_8601(
        (number(&list(&server, "")[0], "begin_unix") * 1000.0).round() as u64,
    );
    assert!(text.contains(&format!("#EXT-X-PROGRAM-DATE-TIME:{wall}")), "{text}");
}

#[test]
fn a_movie_is_the_same_from_any_byte_on() {
    let server = up(FMP4);
    record(&server, 9000);
    wait_for("a whole", || {
        server.curl(&["-I"], "/dvr/s/video.mp4").header("Accept-Ranges").is_some()
    });
    let whole = server.get("/dvr/s/video.mp4");
    let etag = whole.header("ETag").expect("a tag").to_owned();
    let len = whole.body.len();
    let starts = (0..len).step_by(len / 40 + 1).chain([1, 2000, len - 1]);
    for start in starts {
        let range = format!("Range: bytes={start}-{}", start + 70_000);
        let part =
            server.curl(&["-H", &range, "-H", &format!("If-Range: {etag}")], "/dvr/s/video.mp4");
        let end = len.min(start + 70_001);
        let told = format!("bytes {start}-{}/{len}", end - 1);
        assert_eq!((part.status, part.header("Content-Range")), (206, Some(&*told)));
        assert!(part.body == whole.body[start..end], "from {start}");
    }
    assert_eq!(server.curl(&["-H", "Range: bytes=99999999-"], "/dvr/s/video.mp4").status, 416);
    let other = ["-H", "Range: bytes=0-9", "-H", "If-Range: \"another\""];
    assert_eq!(server.curl(&other, "/dvr/s/video.mp4").status, 200);
    let same = server.curl(&["-H", &format!("If-None-Match: {etag}")], "/dvr/s/video.mp4");
    assert_eq!(same.status, 304);
}

#[test]
fn files_follow_each_other_over_a_gap() {
    let server = up("record all; record_format fmp4; record_unique on;");
    let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let first = record(&server, 5000);
    let second = now();
    wait_for("another second", || now() > second);
    let next = record(&server, 8000);
    move_to(&server, &first, THEN);
    move_to(&server, &next, THEN + 60_000);
    let url = server.url("/dvr/s/index.m3u8");
    wait_for("an end", || server.get("/dvr/s/index.m3u8").text().contains("#EXT-X-ENDLIST"));
    let text = server.get("/dvr/s/index.m3u8").text();
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    assert_eq!(text.matches("#EXT-X-MAP").count(), 2, "{text}");
    assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z"), "{text}");
    assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:20.000Z"), "{text}");
    let all = movie(&server, "");
    for track in ["0:v", "0:a"] {
        let wanted = [source(&server, 5000, track), source(&server, 8000, track)].concat();
        assert!(frames(&all.to_string_lossy(), track) == wanted, "{track}");
        // ffmpeg makes other frames of what has another head: hashes are compared of the data alone.
        assert_eq!(frames(&url, track).len(), wanted.len(), "{track}");
        // Time runs on: no step is longer than a frame, or goes back.
        let times = times(&all, &track[2..]);
        let steps = times.windows(2).map(|two| two[1] - two[0]);
        let bad: Vec<f64> = steps.filter(|step| !(0.0..0.1).contains(step)).collect();
        assert!(bad.is_empty() && times.len() == wanted.len(), "{track}: {bad:?}");
    }
    // From the third second of the first to the second second of the next: 2 s, and 2 s.
    let some = movie(&server, "?start=1700000003.2&duration=58.8");
    let pictures = frames(&some.to_string_lossy(), "0:v");
    let (one, other) = (source(&server, 5000, "0:v"), source(&server, 8000, "0:v"));
    assert_eq!(pictures, [&one[75..], &other[..50]].concat());
    assert!(times(&some, "v")[0].abs() < 0.1);
    // In the gap there is nothing; before it the first, behind it nothing.
    assert_eq!(server.get("/dvr/s/video.mp4?start=1700000010&duration=20").status, 404);
    assert_eq!(server.get("/dvr/s/index.m3u8?start=1700000010&duration=20").status, 404);
    assert_eq!(server.get("/dvr/s/video.mp4?start=1800000000").status, 404);
    let text = server.get("/dvr/s/index.m3u8?start=1600000000").text();
    assert_eq!(text.matches("#EXT-X-MAP").count(), 2);
    let text = server.get("/dvr/s/index.m3u8?start=2023-11-14T22:14:25Z").text();
    assert_eq!(durations(&text).len(), 1, "{text}");
    let text = server.get("/dvr/s/index.m3u8?start=1700000000&duration=1.5").text();
    assert!(durations(&text).iter().sum::<f64>() <= 2.0, "{text}");
}

/// What still grows is a playlist that only becomes longer.
#[test]
fn a_growing_recording_is_a_playlist_that_grows() {
    let server = up(FMP4);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(14_000);
    let get = || server.get("/dvr/s/index.m3u8").text();
    wait_for("segments", || get().matches("#EXTINF").count() >= 2);
    let first = get();
    assert!(first.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !first.contains("ENDLIST"), "{first}");
    publisher.run(10_000);
    wait_for("more", || get().matches("#EXTINF").count() >= 4);
    assert!(get().starts_with(&first), "{first} {}", get());
    let relative = server.get("/dvr/s/index.m3u8?start=-3600&duration=100000");
    assert_eq!(relative.status, 302);
    let location = relative.header("Location").expect("a location").to_owned();
    assert!(
        location.contains("/dvr/s/index.m3u8?start=1") && location.ends_with("&duration=100000"),
        "{location}"
    );
    publisher.end();
    wait_for("its end", || get().contains("#EXT-X-ENDLIST"));
    let last = get();
    assert!(last.contains("#EXT-X-PLAYLIST-TYPE:VOD"), "{last}");
    let total: f64 = durations(&last).iter().sum();
    assert!((23.9..24.2).contains(&total), "{total}");
    let (got, wanted) = (frames(&server.url("/dvr/s/index.m3u8"), "0:v"), 24 * 25);
    assert_eq!(got.len(), wanted);
}

/// A file that is cut, damaged or taken away, before and while it is read.
#[test]
fn what_is_cut_is_given_as_far_as_it_goes() {
    let server = up(FMP4);
    let file = path(&server, &record(&server, 8000));
    let bytes = std::fs::read(&file).expect("it");
    let write = |bytes: &[u8]| std::fs::write(&file, bytes).expect("written");
    for len in [bytes.len() - 10, bytes.len() / 2, 3000, 900, 700, 8, 0] {
        write(&bytes[..len]);
        let answer = server.get("/dvr/s/video.mp4");
        assert!([200, 404].contains(&answer.status) && answer.complete, "{len}: {}", answer.status);
        let list = server.get("/dvr/s/");
        assert_eq!(list.status, 200);
        let playlist = server.get("/dvr/s/index.m3u8");
        assert!([200, 404].contains(&playlist.status), "{len}");
    }
    write(&bytes);
    assert_eq!(server.get("/dvr/s/video.mp4").status, 200);
    // Of zeros, of noise, of an index that lies.
    let mut noise = bytes.clone();
    noise[2000..].iter_mut().enumerate().for_each(|(at, byte)| *byte ^= (at * 31 + at / 7) as u8);
    write(&noise);
    let answer = server.get("/dvr/s/video.mp4");
    assert!(!answer.complete || [200, 404].contains(&answer.status));
    let mut lies = bytes.clone();
    let at = lies.windows(4).rposition(|name| name == b"tfra").expect("an index");
    lies[at + 20..].iter_mut().step_by(5).for_each(|byte| *byte = 0xFF);
    write(&lies);
    assert!([200, 404].contains(&server.get("/dvr/s/video.mp4").status));
    assert_eq!(server.workers().len(), 2);
    // While it is read.
    write(&bytes);
    wait_for("it", || server.get("/dvr/s/video.mp4").complete);
    let mut wire = server.wire();
    wire.send("GET /dvr/s/video.mp4 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::fs::remove_file(&file).expect("removed");
    write(&bytes[..5000]);
    assert_eq!(server.get("/dvr/s/").text().trim(), "[\n]");
    drop(wire);
    assert_eq!(server.get("/dvr/s/video.mp4").status, 404);
}

/// What can be asked for is limited.
#[test]
fn a_span_is_no_longer_than_it_may_be() {
    let server = crate::up_with(crate::with("record_play_longest 3s;", FMP4));
    record(&server, 9000);
    wait_for("an end", || server.get("/dvr/s/index.m3u8").text().contains("#EXT-X-ENDLIST"));
    let pictures = frames(&movie(&server, "").to_string_lossy(), "0:v");
    assert_eq!(pictures, source(&server, 3000, "0:v"));
    let text = server.get("/dvr/s/index.m3u8?duration=999999").text();
    assert!(durations(&text).iter().sum::<f64>() < 3.1, "{text}");
    for bad in [
        "start=1e999",
        "start=NaN",
        "start=",
        "start=99999999999999",
        "duration=-5",
        "duration=0",
        "duration=1e9",
        "start=2023-13-01T00:00:00Z",
    ] {
        for name in ["index.m3u8", "video.mp4", ""] {
            assert_eq!(server.get(&format!("/dvr/s/{name}?{bad}")).status, 400, "{name} {bad}");
        }
    }
    assert_eq!(server.get("/dvr/s/video.mp4?duration=253402300799").status, 200);
}
