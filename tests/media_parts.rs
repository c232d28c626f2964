//! Parts of MP4 and FLV files, beside nginx and read by ffmpeg.

use std::path::Path;
use std::process::Command;

use support::{Server, Twin, http, process, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; root html;
        location / { mp4; }
        location /key/ { alias html/; mp4; mp4_start_key_frame on; }
        location /small/ { alias html/; mp4; mp4_max_buffer_size 1k; }
        location /flv/ { alias html/; flv; }
    }
"#;

fn ffmpeg(args: &[&str]) {
    let mut command = Command::new("ffmpeg");
    let output = process::run(command.args(["-v", "error", "-y"]).args(args));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Ten seconds, 25 frames in each, a key frame in each, with a tone.
fn make(server: &Server, name: &str, more: &[&str]) {
    let path = server.path("html").join(name);
    let mut args = vec![
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=160x120:rate=25:duration=10",
        "-f",
        "lavfi",
        "-i",
        "sine=duration=10",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-c:a",
        "aac",
    ];
    args.extend_from_slice(more);
    let path = path.to_str().expect("a path").to_owned();
    args.push(&path);
    ffmpeg(&args);
}

/// What ffprobe counts of a file: length in seconds, frames of video and of audio.
fn probe(path: &Path) -> (f64, usize, usize) {
    let run = |args: &[&str]| {
        let output =
            process::run(Command::new("ffprobe").args(["-v", "error"]).args(args).arg(path));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let length = run(&["-show_entries", "format=duration", "-of", "csv=p=0"]);
    let frames = |stream: &str| {
        let args = [
            "-count_packets",
            "-select_streams",
            stream,
            "-show_entries",
            "stream=nb_read_packets",
            "-of",
            "csv=p=0",
        ];
        run(&args).trim().trim_end_matches(',').parse().expect("a number")
    };
    (length.trim().parse().expect("a length"), frames("v"), frames("a"))
}

fn fetched(server: &Server, path: &str) -> std::path::PathBuf {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("Content-Length"), Some(answer.body.len().to_string().as_str()));
    server.file("part.mp4", &answer.body)
}

/// Every frame can be decoded.
fn plays(path: &Path) {
    ffmpeg(&["-xerror", "-i", path.to_str().expect("a path"), "-f", "null", "-"]);
}

#[test]
fn parts_of_mp4_files_are_files() {
    let server = start!(http(CONF));
    make(&server, "plain.mp4", &[]);
    make(&server, "fast.mp4", &["-movflags", "+faststart"]);
    // Frames in another order than they are shown, which an edit list sets right.
    make(&server, "reordered.mp4", &["-bf", "3", "-x264-params", "bframes=3:b-adapt=0"]);
    let twin = Twin::start(http(CONF), &server);
    for name in ["plain.mp4", "fast.mp4", "reordered.mp4"] {
        for (args, length, video) in [
            ("start=2", 8.0, 200),
            ("start=2&end=5", 3.0, 75),
            ("end=4.0", 4.0, 100),
            ("start=0&end=1.5", 1.5, 37),
            ("start=9", 1.0, 25),
        ] {
            let path = fetched(&server, &format!("/{name}?{args}"));
            let (seconds, frames, sounds) = probe(&path);
            assert!((seconds - length).abs() < 0.2, "{name}?{args}: {seconds}");
            assert!(frames.abs_diff(video) <= 3, "{name}?{args}: {frames} frames");
            assert!(
                (sounds as f64 - length * 44_100.0 / 1024.0).abs() < 4.0,
                "{name}?{args}: {sounds} sounds"
            );
            plays(&path);
            // nginx has as many, give or take one.
            let theirs = support::curl(&[&twin.url(&format!("/{name}?{args}"))]);
            let theirs = server.file("theirs.mp4", &theirs.body);
            let (_, their_frames, their_sounds) = probe(&theirs);
            assert!(
                frames.abs_diff(their_frames) <= 3 && sounds.abs_diff(their_sounds) <= 3,
                "{name}?{args}"
            );
        }
        // From the key frame before: the second begins at 2.0, so that half of it is left out.
        let path = fetched(&server, &format!("/key/{name}?start=2.5"));
        let (seconds, frames, _) = probe(&path);
        assert!(
            (195..=201).contains(&frames) && (seconds - 7.5).abs() < 0.2,
            "{name}: {frames} {seconds}"
        );
        plays(&path);
        // The whole is the file as it is.
        let whole = std::fs::read(server.path("html").join(name)).expect("the file");
        for args in ["", "?start=0", "?start=x", "?end=0", "?start=-1"] {
            assert_eq!(server.get(&format!("/{name}{args}")).body, whole, "{name}{args}");
        }
        // A part has ranges, as other files have.
        let part = server.get(&format!("/{name}?start=3")).body;
        let range = server.curl(&["-H", "Range: bytes=100-2099"], &format!("/{name}?start=3"));
        assert_eq!((range.status, &range.body[..]), (206, &part[100..2100]));
    }
}

#[test]
fn what_cannot_be_cut_is_said() {
    let server = start!(http(CONF));
    make(&server, "plain.mp4", &[]);
    make(&server, "fragmented.mp4", &["-movflags", "frag_keyframe+empty_moov"]);
    let plain = std::fs::read(server.path("html/plain.mp4")).expect("the file");
    server.file("html/short.mp4", &plain[..plain.len() / 2]);
    server.file("html/empty.mp4", "");
    server.file("html/text.mp4", "this is no movie at all");
    server.file("html/lies.mp4", [&b"\xff\xff\xff\xffftyp"[..], &plain[..1000]].concat());
    for (path, why) in [
        ("/fragmented.mp4?start=1", "fragmented mp4 files cannot be cut in \"/fragmented.mp4\""),
        ("/short.mp4?start=1", "mp4 \"file\" atom is damaged"),
        ("/text.mp4?start=1", "mp4 \"file\" atom is damaged"),
        ("/lies.mp4?start=1", "mp4 \"file\" atom is damaged"),
        ("/empty.mp4?start=1", "no mp4 \"moov\" atom was found"),
        ("/plain.mp4?start=11", "start time is out of the mp4 file"),
        ("/small/plain.mp4?start=1", "you may want to increase mp4_max_buffer_size"),
    ] {
        assert_eq!(server.get(path).status, 500, "{path}");
        assert!(server.error_log().contains(why), "{path}: {}", server.error_log());
    }
    // As a whole they are files like any other.
    assert_eq!(server.get("/fragmented.mp4").status, 200);
    assert_eq!(server.get("/none.mp4?start=1").status, 404);
}

#[test]
fn flv_files_from_the_middle_on() {
    let server = start!(http(CONF));
    server.file("html/a.flv", (0..200_000_u32).map(|byte| byte as u8).collect::<Vec<_>>());
    let twin = Twin::start(http(CONF), &server);
    for args in [
        "",
        "?start=100",
        "?start=199999",
        "?start=200000",
        "?start=0",
        "?start=x",
        "?start=-5",
        "?x=1&start=77",
    ] {
        let path = format!("/flv/a.flv{args}");
        let (ours, theirs) = (server.get(&path), support::curl(&[&twin.url(&path)]));
        assert_eq!((ours.status, &ours.body), (theirs.status, &theirs.body), "{args}");
        assert_eq!(ours.header("Content-Length"), theirs.header("Content-Length"), "{args}");
    }
}
