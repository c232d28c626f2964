//! Encoders and players that people use: what goes in comes out, frame by frame.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use support::{Server, process, start, wait_for};

use crate::{conf, up};

fn run(command: &mut Command) -> Output {
    process::run(command)
}

fn ffmpeg(args: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]).args(args);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes a file of two seconds, coded as these words say.
#[track_caller]
fn source(server: &Server, coding: &str) -> PathBuf {
    let path = server.path("source.flv");
    let mut command = ffmpeg(&["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=2"]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-preset", "ultrafast"]);
    command.args(coding.split(' ')).arg(&path);
    let output = run(&mut command);
    assert!(output.status.success(), "{coding}: {}", said(&output));
    path
}

/// The frames of a file, or of what is at an address: stream, both times since the first, size, hash.
fn frames(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut first = None;
    let mut frames: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split(',').map(str::trim).collect();
            let [stream, dts, pts, _, size, hash] = words[..] else { panic!("{line}") };
            let (dts, pts): (i64, i64) = (dts.parse().expect("dts"), pts.parse().expect("pts"));
            let first = *first.get_or_insert(dts);
            format!("{stream} {} {} {size} {hash}", dts - first, pts - first)
        })
        .collect();
    // Two streams may be woven together in more than one way.
    frames.sort();
    frames
}

fn hashes(input: &str) -> Command {
    ffmpeg(&["-copyts", "-i", input, "-map", "0", "-c", "copy", "-f", "framemd5", "-"])
}

fn address(server: &Server, rest: &str) -> String {
    format!("rtmp://127.0.0.1:{}/live/{rest}", server.port2())
}

fn clients(server: &Server) -> usize {
    server.get("/stat").text().matches("<client>").count()
}

/// Runs it beside us.
fn beside(mut command: Command) -> JoinHandle<Output> {
    std::thread::spawn(move || process::run(&mut command))
}

/// Publishes a file with these words before the input, and gives what ffmpeg says.
fn publish(file: &Path, before: &str, to: &str) -> Output {
    let mut command = ffmpeg(&[]);
    command.args(before.split_ascii_whitespace()).arg("-i").arg(file);
    run(command.args(["-map", "0", "-c", "copy", "-f", "flv", to]))
}

const CODINGS: &[&str] = &[
    "-c:v libx264 -g 25 -bf 3 -c:a aac",
    "-an -c:v libx264 -g 10 -bf 0",
    "-vn -c:a aac",
    "-c:v libx264 -g 50 -c:a libmp3lame -ar 44100",
    "-c:v flv -c:a libmp3lame -ar 22050",
];

#[test]
fn what_ffmpeg_publishes_ffmpeg_and_rtmpdump_play_frame_by_frame() {
    for coding in CODINGS {
        // What tells a player of the end is the notice.
        let server = up("publish_notify on;");
        let file = source(&server, coding);
        let wanted = frames(&run(&mut hashes(&file.to_string_lossy())));
        assert!(wanted.len() > 40, "{coding}");
        let url = address(&server, "s");
        let copy = server.path("copy.flv");
        let mut rtmpdump = Command::new("rtmpdump");
        rtmpdump.args(["-q", "-v", "-r", &url, "-o"]).arg(&copy).stdin(Stdio::null());
        let mut curl = Command::new("curl");
        curl.args(["-s", "--max-time", "20", "-o"]).arg(server.path("http.flv"));
        curl.arg(server.url("/live/s.flv"));
        let players = [beside(hashes(&url)), beside(hashes(&url)), beside(rtmpdump)];
        let curl = beside(curl);
        wait_for("the players", || clients(&server) == 4);
        let output = publish(&file, "", &url);
        assert!(output.status.success(), "{coding}: {}", said(&output));
        let [one, two, dump] = players.map(|player| player.join().expect("a thread"));
        assert_eq!(frames(&one), wanted, "{coding}: {}", said(&one));
        assert_eq!(frames(&two), wanted, "{coding}: {}", said(&two));
        let dumped = run(&mut hashes(&copy.to_string_lossy()));
        assert_eq!(frames(&dumped), wanted, "{coding}: {} {}", said(&dump), said(&dumped));
        // HTTP's players wait for the next publisher: an operator ends this one.
        server.get("/control/drop/subscriber?app=live&name=s");
        curl.join().expect("a thread");
        let file = server.path("http.flv").to_string_lossy().into_owned();
        let by_http = run(&mut hashes(&file));
        assert_eq!(frames(&by_http), wanted, "{coding}: {}", said(&by_http));
    }
}

/// A clock that began hours ago, or days (FLV's has 31 bits), sound and pictures that begin apart.
#[test]
fn clocks_of_any_time_come_out_from_zero() {
    let server = up("publish_notify on;");
    let file = source(&server, "-c:v libx264 -g 25 -bf 2 -c:a aac");
    let wanted = frames(&run(&mut hashes(&file.to_string_lossy())));
    for (n, seconds) in [16_776, 20_000, 2_147_482].into_iter().enumerate() {
        let url = address(&server, &format!("s{n}"));
        let player = beside(hashes(&url));
        wait_for("the player", || clients(&server) == 1);
        let mut command = ffmpeg(&["-i"]);
        command.arg(&file).args(["-map", "0", "-c", "copy", "-output_ts_offset"]);
        let output = run(command.args([&seconds.to_string(), "-f", "flv", &url]));
        assert!(output.status.success(), "{}", said(&output));
        let output = player.join().expect("a thread");
        let first = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = first.lines().find(|line| !line.starts_with('#')).expect("a frame").to_owned();
        assert!(
            first.starts_with("0,          0,") || first.starts_with("1,          0,"),
            "{first}"
        );
        assert_eq!(frames(&output), wanted, "{seconds}: {}", said(&output));
        wait_for("its end", || clients(&server) == 0);
    }
    let shifted = server.path("shifted.flv");
    let mut command = ffmpeg(&["-itsoffset", "2", "-i"]);
    command.arg(&file).arg("-i").arg(&file);
    let output = run(command.args(["-map", "0:v", "-map", "1:a", "-c", "copy"]).arg(&shifted));
    assert!(output.status.success(), "{}", said(&output));
    let wanted = frames(&run(&mut hashes(&shifted.to_string_lossy())));
    let url = address(&server, "shifted");
    let player = beside(hashes(&url));
    wait_for("the player", || clients(&server) == 1);
    let output = publish(&shifted, "", &url);
    assert!(output.status.success(), "{}", said(&output));
    let output = player.join().expect("a thread");
    assert_eq!(frames(&output), wanted, "{}", said(&output));
}

/// With the password, with a wrong one, with none.
#[test]
fn encoders_log_in() {
    let server = up("login publish anna s3cret; login play otto word;");
    let file = source(&server, "-an -c:v libx264 -g 10");
    let login =
        |who: &str, rest: &str| format!("rtmp://{who}127.0.0.1:{}/live/{rest}", server.port2());
    let output = publish(&file, "", &login("anna:s3cret@", "s"));
    assert!(output.status.success(), "{}", said(&output));
    for who in ["anna:wrong@", "otto:word@", "nobody:x@", ""] {
        let output = publish(&file, "", &login(who, "s"));
        assert!(!output.status.success(), "{who}");
    }
    let publisher = beside({
        let mut command = ffmpeg(&["-re", "-stream_loop", "5", "-i"]);
        command.arg(&file).args(["-c", "copy", "-f", "flv", &login("anna:s3cret@", "s")]);
        command
    });
    wait_for("the publisher", || server.get("/stat").text().contains("<publishing/>"));
    let play = |who: &str| {
        let url = login(who, "s");
        run(&mut ffmpeg(&["-i", &url, "-frames:v", "3", "-c", "copy", "-f", "framemd5", "-"]))
    };
    let output = play("otto:word@");
    assert!(output.status.success() && frames(&output).len() == 3, "{}", said(&output));
    for who in ["anna:s3cret@", "otto:wrong@", ""] {
        assert!(!play(who).status.success(), "{who}");
    }
    server.get("/control/drop/publisher?app=live&name=s");
    publisher.join().expect("a thread");
}

/// Players that check who the server is, and clients that say more than they must.
#[test]
fn players_that_verify_are_content() {
    let server = start!(conf("publish_notify on;"));
    let file = source(&server, "-c:v libx264 -g 10 -c:a aac");
    let wanted = frames(&run(&mut hashes(&file.to_string_lossy())));
    let mut movie = b"FWS\x08".to_vec();
    movie.extend_from_slice(&1000u32.to_le_bytes());
    movie.resize(1000, 7);
    server.file("html/player.swf", movie);
    let (url, movie) = (address(&server, "s"), server.url("/player.swf"));
    let mut verifying =
        ffmpeg(&["-rtmp_swfverify", &movie, "-rtmp_conn", "B:1 S:x O:1 NN:a:1.0 O:0"]);
    verifying.args(["-copyts", "-i", &url, "-map", "0", "-c", "copy", "-f", "framemd5", "-"]);
    let mut dump = Command::new("rtmpdump");
    dump.args(["-q", "-v", "-r", &url, "--swfVfy", &movie, "-o"]).arg(server.path("copy.flv"));
    for word in ["B:1", "S:x", "O:1", "NN:a:1.0", "NS:b:y", "O:0"] {
        dump.args(["-C", word]);
    }
    let (player, dump) = (beside(verifying), beside(dump));
    wait_for("the players", || clients(&server) == 2);
    assert!(publish(&file, "", &url).status.success());
    let output = player.join().expect("a thread");
    assert_eq!(frames(&output), wanted, "{}", said(&output));
    let dump = dump.join().expect("a thread");
    let copy = server.path("copy.flv").to_string_lossy().into_owned();
    assert_eq!(frames(&run(&mut hashes(&copy))), wanted, "{}", said(&dump));
}
