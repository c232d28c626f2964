//! Arguments that make no sense, files that are cut at any byte, that have holes, that somebody else has made: each request gets a clear
//! answer, and no worker ends.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use support::{Server, process, wait_for};

use super::{FLV, FMP4, list, record};
use crate::film;
use crate::recorded::{names, path};
use crate::up;

const MP4: &str = "record all; record_format mp4; record_suffix -%s.mp4;";

/// The status of an answer, and its body.
#[track_caller]
fn ask(server: &Server, target: &str) -> (u16, Vec<u8>) {
    let answer = server.raw(format!("GET {target} HTTP/1.0\r\n\r\n"));
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer") + 4;
    let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
    (status, answer[end..].to_vec())
}

#[track_caller]
fn is_well(server: &Server, workers: &[u32]) {
    assert_eq!(server.workers(), workers);
    assert!(!server.error_log().contains("panic"), "{}", server.error_log());
}

/// Arguments that make no sense.
const REFUSED: &[&str] = &[
    "start=%ff",
    "start=%00",
    "start=1%00",
    "start=%c3%28",
    "start=%2d%2d1",
    "start=0x1",
    "start=1_000",
    "start=%d9%a1",
    "start=-",
    "start=-1e3",
    "start=-NaN",
    "start=-inf",
    "start=infinity",
    "duration=NaN",
    "duration=-0",
    "duration=0.0004",
    "duration=%ff",
    "duration=%2b1",
    "duration= 1",
    "duration=1,2",
    "duration=",
    "start=&duration=1",
    "start=2023-02-30T00:00:00Z",
    "start=2023-11-14T25:00:00Z",
    "start=-2023-11-14",
    "before=%ff",
    "before=-",
    "limit=%31%00",
    "limit=18446744073709551616",
    "limit=-0",
];

/// Those that do, and are nothing, or all, or twice.
const ODD: &[&str] = &[
    "start=0&duration=253402300799",
    "start=253402300799&duration=253402300799",
    "start=1&start=2",
    "duration=1&duration=NaN",
    "start=-0&duration=1",
    "start=-253402300799",
    "duration=0.001",
    "start=0.0000000000000000000000000001",
    "recorder=%ff",
    "recorder=%00",
    "recorder=..%2f",
    "&&&=&start",
    "start=1&%73tart=x",
    "file",
    "fmp4",
    "file&fmp4&limit=1",
];

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let server = up(FMP4);
    let file = record(&server, 3000);
    let workers = server.workers();
    let long = "9".repeat(3000);
    let long = format!("start={long}");
    for bad in REFUSED.iter().copied().chain([&*long]) {
        let bad = bad.replace(' ', "%20");
        for name in ["index.m3u8", "video.mp4", ""] {
            assert_eq!(ask(&server, &format!("/dvr/s/{name}?{bad}")).0, 400, "{name} {bad}");
        }
    }
    let long = format!("start=1&x={}", "y".repeat(3000));
    for odd in ODD.iter().copied().chain([&*long]) {
        for name in ["index.m3u8", "video.mp4", "", &file] {
            let (status, _) = ask(&server, &format!("/dvr/s/{name}?{odd}"));
            assert!([200, 302, 400, 404].contains(&status), "{name} {odd}: {status}");
        }
    }
    is_well(&server, &workers);
}

/// Each of the last 4096 lengths, of each form: what is whole is played, and nothing of what is not.
#[test]
fn a_file_may_end_at_any_byte() {
    const LAST: u64 = 4096;
    for settings in [FMP4, MP4, FLV] {
        let server = up(settings);
        let name = record(&server, 2000);
        let workers = server.workers();
        let file = File::options().write(true).open(path(&server, &name)).expect("the file");
        let len = file.metadata().expect("it").len();
        assert!(len > 2 * LAST);
        for cut in 1..=LAST {
            file.set_len(len - cut).expect("cut");
            let target = match cut % 4 {
                0 => "index.m3u8".to_owned(),
                1 => "video.mp4".to_owned(),
                2 => "".to_owned(),
                _ => name.clone(),
            };
            let (status, body) = ask(&server, &format!("/dvr/s/{target}"));
            match &target[..] {
                "" => assert_eq!(status, 200, "{settings} {cut}"),
                name if name.contains('-') => {
                    assert_eq!((status, body.len() as u64), (200, len - cut), "{settings} {cut}");
                }
                _ => assert!([200, 404].contains(&status), "{settings} {cut} {target}: {status}"),
            }
        }
        is_well(&server, &workers);
        assert_eq!(list(&server, "").len(), 1);
    }
}

/// Number of pictures and sounds that ffprobe finds.
fn packets(server: &Server, movie: &[u8]) -> usize {
    let file = server.file("some.mp4", movie);
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "quiet", "-show_entries", "packet=size", "-of", "csv=p=0"]);
    let output = process::run(ffprobe.arg(file));
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
}

/// Writes into a recording, which stays the same file.
fn write(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).expect("written");
}

/// Holes of many gigabytes, behind what was recorded, in it, and in its place.
#[test]
fn holes_are_not_read_to_their_ends() {
    const HOLE: u64 = 1 << 40;
    for settings in [FMP4, MP4, FLV] {
        let server = up(settings);
        let name = record(&server, 4000);
        let (workers, file) = (server.workers(), path(&server, &name));
        let bytes = std::fs::read(&file).expect("it");
        let all = packets(&server, &ask(&server, "/dvr/s/video.mp4").1);
        assert!(all > 200, "{all}");
        for (round, keep) in [bytes.len(), bytes.len() / 2, 5000, 40, 0].into_iter().enumerate() {
            write(&file, &bytes[..keep]);
            File::options()
                .write(true)
                .open(&file)
                .and_then(|it| it.set_len(HOLE))
                .expect("a hole");
            for target in ["", "index.m3u8", "video.mp4?duration=2", "video.mp4"] {
                let (status, body) = ask(&server, &format!("/dvr/s/{target}"));
                assert!([200, 404].contains(&status), "{settings} {round} {target}: {status}");
                assert!(body.len() <= 2 * bytes.len() + 4096, "{settings} {round}: {}", body.len());
            }
            write(&file, &[]);
        }
        // In the middle.
        let mut holed = bytes.clone();
        let half = holed.len() / 2;
        holed[half..half + 20_000].fill(0);
        write(&file, &holed);
        for target in ["", "index.m3u8", "video.mp4"] {
            let (status, _) = ask(&server, &format!("/dvr/s/{target}"));
            assert!([200, 404].contains(&status), "{settings} {target}: {status}");
        }
        is_well(&server, &workers);
    }
}

/// What other programs have made of it, in its place: it is played as far as it is understood, or it is not there.
#[test]
fn what_others_have_made_is_played_or_not_there() {
    let server = up("record all; record_suffix -%s.mp4; record_format fmp4;
        recorder f { record_format flv; record_suffix -f.flv; }");
    let mut publisher = film::Publisher::new(&server, "s");
    publisher.run(4000);
    publisher.end();
    wait_for("the ends", || {
        let list = list(&server, "");
        list.len() == 2 && list.iter().all(|it| it["grows"] == false)
    });
    let workers = server.workers();
    let source = film::path().display().to_string();
    for (number, how) in [
        "-movflags frag_keyframe+empty_moov -f mp4",
        "-movflags frag_keyframe+empty_moov+default_base_moof+separate_moof -f mp4",
        "-movflags frag_every_frame+empty_moov+negative_cts_offsets -f mp4",
        "-movflags cmaf+dash+global_sidx -f mp4",
        "-movflags faststart -f mp4",
        "-movflags rtphint -f mp4",
        "-f mov",
        "-f flv -flvflags add_keyframe_index",
        "-f flv -flvflags no_duration_filesize+no_metadata",
        "-f matroska",
        "-f mpegts",
        "-f rawvideo -map 0:v",
    ]
    .iter()
    .enumerate()
    {
        let out = server.path(&format!("other-{number}"));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i", &source, "-c", "copy"]).args(how.split(' '));
        assert!(process::run(ffmpeg.arg(&out)).status.success(), "{how}");
        let bytes = std::fs::read(&out).expect("it");
        for name in names(&server) {
            write(&path(&server, &name), &bytes);
        }
        for target in ["", "index.m3u8", "video.mp4", "video.mp4?duration=3"] {
            for recorder in ["", "f"] {
                let sign = if target.contains('?') { '&' } else { '?' };
                let (status, body) =
                    ask(&server, &format!("/dvr/s/{target}{sign}recorder={recorder}"));
                assert!([200, 404].contains(&status), "{how} {target} {recorder:?}: {status}");
                if status == 200 && target.starts_with("video") {
                    let count = packets(&server, &body);
                    assert!(count <= 250 + 435, "{how} {target} {recorder:?}: {count}");
                }
            }
        }
    }
    is_well(&server, &workers);
}
