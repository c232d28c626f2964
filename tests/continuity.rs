//! Nothing live is lost: ffmpeg publishes and plays, frames are compared by their hashes at both ends,
//! while the server is reloaded, replaced and killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Server, process, start, wait_for};

const CONF: &str = "worker_processes 2;
    rtmp { access_log off; server { listen 127.0.0.1:{port2}; application live {
        live on; idle_streams off; publish_grace 20s; } } }
    http { access_log off; server { listen 127.0.0.1:{port};
        location ~ ^/live/(?<stream>\\w+)\\.flv$ { flv_live live/$stream; }
        location = /stat { rtmp_stat all; rtmp_stat_format json; } } }";

/// An ffmpeg, ended with its value.
struct Ffmpeg(Child);

impl Ffmpeg {
    fn start(args: &[&str]) -> Ffmpeg {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-y", "-loglevel", "error"]).args(args);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ffmpeg(command.spawn().expect("ffmpeg (Debian package ffmpeg)"))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some()
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A recording of `seconds`, which two sources never have alike.
fn record(server: &Server, name: &str, seconds: u32, frequency: u32) -> PathBuf {
    let path = server.path(name);
    let video = format!("testsrc2=size=160x120:rate=25:duration={seconds},hue=h={frequency}");
    let audio = format!("sine=frequency={frequency}:duration={seconds}");
    let output = path.to_string_lossy().into_owned();
    let mut encoder = Ffmpeg::start(&[
        "-f",
        "lavfi",
        "-i",
        &video,
        "-f",
        "lavfi",
        "-i",
        &audio,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-g",
        "25",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        &output,
    ]);
    wait_for("the recording", || encoder.has_ended());
    path
}

fn publish(server: &Server, recording: &Path) -> Ffmpeg {
    let url = format!("rtmp://127.0.0.1:{}/live/cam", server.port2());
    let recording = recording.to_string_lossy();
    Ffmpeg::start(&["-re", "-i", &recording, "-c", "copy", "-f", "flv", &url])
}

/// A player that writes the hash of each frame into a file.
struct Player {
    ffmpeg: Ffmpeg,
    hashes: PathBuf,
}

impl Player {
    fn start(server: &Server, number: usize) -> Player {
        let url = match number % 3 {
            2 => server.url("/live/cam.flv"),
            _ => format!("rtmp://127.0.0.1:{}/live/cam", server.port2()),
        };
        let hashes = server.path(&format!("player{number}.md5"));
        let output = hashes.to_string_lossy().into_owned();
        let args = ["-i", &url, "-c", "copy", "-copyts", "-flush_packets", "1", "-f", "framemd5"];
        let ffmpeg = Ffmpeg::start(&[&args[..], &[&output]].concat());
        Player { ffmpeg, hashes }
    }

    fn frames(&self) -> [Vec<Frame>; 2] {
        frames(&fs::read_to_string(&self.hashes).unwrap_or_default())
    }
}

/// A frame: when it is decoded, and its hash.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    time: i64,
    hash: String,
}

/// The frames of video and of audio. A line is `stream, dts, pts, duration, size, hash`, and more where a
/// frame comes with a new configuration.
fn frames(text: &str) -> [Vec<Frame>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    // The last line may be half a line.
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    for line in whole.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [stream, time, _, _, _, hash, ..] = fields[..] else { continue };
        let frame = Frame { time: time.parse().expect("a time"), hash: hash.to_owned() };
        all[stream.parse::<usize>().expect("a stream").min(1)].push(frame);
    }
    all
}

fn source_frames(server: &Server, recording: &Path) -> [Vec<Frame>; 2] {
    let hashes = server.path("source.md5");
    let (input, output) = (recording.to_string_lossy(), hashes.to_string_lossy());
    let mut ffmpeg = Ffmpeg::start(&["-i", &input, "-c", "copy", "-f", "framemd5", &output]);
    wait_for("the source's hashes", || ffmpeg.has_ended());
    frames(&fs::read_to_string(&hashes).expect("hashes"))
}

/// Frames that a player got are the source's from some point on, each once and in order, and its clock
/// never went back. Gives the place in the source behind its last frame.
#[track_caller]
fn check(got: &[Frame], source: &[Frame], who: &str) -> usize {
    assert!(!got.is_empty(), "{who} got nothing");
    let start = source.iter().position(|frame| frame.hash == got[0].hash);
    let start = start.unwrap_or_else(|| panic!("{who} got a frame that is not the source's"));
    for (at, (frame, wanted)) in got.iter().zip(&source[start..]).enumerate() {
        let place = source.iter().position(|known| known.hash == frame.hash);
        assert_eq!(
            frame.hash,
            wanted.hash,
            "{who}: {at} behind {start} of {} is {place:?}",
            got.len()
        );
    }
    assert!(got.len() <= source.len() - start, "{who} got more than there is");
    for pair in got.windows(2) {
        assert!(pair[0].time < pair[1].time, "{who}: {} after {}", pair[1].time, pair[0].time);
    }
    start + got.len()
}

/// Clients as the figures have them: the worker's pid, and whether it publishes.
fn clients(server: &Server) -> Vec<(u32, bool)> {
    let text = server.get("/stat").text();
    let all = text.split("\"clients\":[").skip(1).flat_map(|list| {
        list.split('{').skip(1).filter_map(|client| {
            let id = client.split("\"id\":").nth(1)?.split(',').next()?.parse::<u64>().ok()?;
            Some(((id >> 28) as u32, client.contains("\"publishing\":true")))
        })
    });
    all.collect()
}

fn watch(server: &Server, count: usize) -> Vec<Player> {
    let known = clients(server).len();
    let players: Vec<Player> = (0..count).map(|number| Player::start(server, number)).collect();
    server.wait_for("the players", || clients(server).len() == known + count);
    server.wait_for("pictures", || players.iter().all(|player| player.frames()[0].len() > 10));
    players
}

/// New players, of whichever worker, see the stream at once.
fn newcomers_see_it(server: &Server) {
    for _ in 0..6 {
        let mut wire = server.wire();
        wire.send("GET /live/cam.flv HTTP/1.0\r\n\r\n");
        wire.until("onMetaData");
        wire.exactly(3000);
    }
}

#[test]
fn no_frame_is_lost_by_reloads_and_an_upgrade() {
    let server = start!(CONF);
    let recording = record(&server, "a.flv", 14, 440);
    let source = source_frames(&server, &recording);
    let mut publisher = publish(&server, &recording);
    server.wait_for("the publisher", || clients(&server).iter().any(|(_, publishes)| *publishes));
    let mut players = watch(&server, 6);
    for _ in 0..10 {
        server.signal("HUP");
        newcomers_see_it(&server);
    }
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the new master", || {
        let pid = server.dir().text("logs/rserve.pid");
        pid.trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    process::signal(old, "QUIT");
    newcomers_see_it(&server);
    server.wait_for("the end of the stream", || publisher.has_ended());
    for (number, player) in players.iter_mut().enumerate() {
        server.wait_for("the end of a player", || player.ffmpeg.has_ended());
        let [video, audio] = player.frames();
        let who = format!("player {number}");
        assert_eq!(check(&video, &source[0], &who), source[0].len(), "{who}: the last frames");
        assert_eq!(check(&audio, &source[1], &who), source[1].len(), "{who}: the last sounds");
    }
    process::wait_for_end(old);
    server.wait_for("nobody to be left", || clients(&server).is_empty());
}

#[test]
fn a_worker_with_players_dies_alone() {
    let server = start!(CONF);
    let recording = record(&server, "a.flv", 8, 440);
    let source = source_frames(&server, &recording);
    let mut publisher = publish(&server, &recording);
    server.wait_for("the publisher", || clients(&server).iter().any(|(_, publishes)| *publishes));
    let mut players = watch(&server, 9);
    let home = clients(&server).iter().find(|(_, publishes)| *publishes).expect("a publisher").0;
    let stay = clients(&server).iter().filter(|(worker, _)| *worker == home).count() - 1;
    let victim = server.workers().into_iter().find(|pid| *pid != home).expect("another worker");
    process::kill(&[victim]);
    newcomers_see_it(&server);
    server.wait_for("the end of the stream", || publisher.has_ended());
    let mut complete = 0;
    for (number, player) in players.iter_mut().enumerate() {
        server.wait_for("the end of a player", || player.ffmpeg.has_ended());
        let end = check(&player.frames()[0], &source[0], &format!("player {number}"));
        complete += usize::from(end == source[0].len());
    }
    assert_eq!(complete, stay, "those of the publisher's worker see the end");
    server.wait_for("nobody to be left", || clients(&server).is_empty());
}

#[test]
fn a_publisher_whose_worker_died_comes_back_to_the_same_players() {
    let server = start!(CONF);
    let (first, second) = (record(&server, "a.flv", 20, 440), record(&server, "b.flv", 4, 880));
    let (before, after) = (source_frames(&server, &first), source_frames(&server, &second));
    let publisher = publish(&server, &first);
    server.wait_for("the publisher", || clients(&server).iter().any(|(_, publishes)| *publishes));
    let mut players = watch(&server, 9);
    let home = clients(&server).iter().find(|(_, publishes)| *publishes).expect("a publisher").0;
    let stay = clients(&server).iter().filter(|(worker, _)| *worker != home).count();
    process::kill(&[home]);
    drop(publisher);
    let mut publisher = publish(&server, &second);
    server.wait_for("the second publisher", || {
        clients(&server).iter().any(|(_, publishes)| *publishes)
    });
    newcomers_see_it(&server);
    server.wait_for("the end of the stream", || publisher.has_ended());
    let mut complete = 0;
    for (number, player) in players.iter_mut().enumerate() {
        let who = format!("player {number}");
        server.wait_for("the end of a player", || player.ffmpeg.has_ended());
        for (got, before, after) in
            [0, 1].map(|at| (player.frames()[at].clone(), &before[at], &after[at]))
        {
            let seam = got.iter().position(|frame| frame.hash == after[0].hash);
            let (old, new) = got.split_at(seam.unwrap_or(got.len()));
            check(old, before, &who);
            if !new.is_empty() {
                assert_eq!(check(new, after, &who), after.len(), "{who}: the last frames");
                assert!(old[old.len() - 1].time < new[0].time, "{who}: the clock went back");
                complete += 1;
            }
        }
    }
    assert_eq!(complete, 2 * stay, "those of the other worker go on");
    server.wait_for("nobody to be left", || clients(&server).is_empty());
}
