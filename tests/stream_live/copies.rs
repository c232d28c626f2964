//! Viewers that keep what they get, and what is in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use support::{Server, process};

/// A viewer that writes what it gets to a file, as long as there is something.
pub struct Viewer {
    child: Child,
    pub path: PathBuf,
}

impl Viewer {
    /// Of `/live/ADDRESS`.
    pub fn of(server: &Server, address: &str) -> Viewer {
        Viewer::with(server, address, &[])
    }

    /// The same, with further arguments of curl.
    pub fn with(server: &Server, address: &str, more: &[&str]) -> Viewer {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = server.path(&format!("copy-{number}"));
        let mut curl = Command::new("curl");
        curl.args(["-s", "-N", "--fail", "--max-time", "60", "-o"]).arg(&path).args(more);
        curl.arg(server.url(&format!("/live/{address}"))).stdin(Stdio::null());
        Viewer { child: curl.spawn().expect("curl (Debian: apt install curl)"), path }
    }

    /// Bytes that it has.
    pub fn len(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Whether its answer has not ended.
    pub fn is_watching(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// The file when the answer has ended, as an answer should.
    #[track_caller]
    pub fn ended(mut self) -> PathBuf {
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "curl: {status}");
        self.path.clone()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn ffmpeg(args: &[&str]) -> Output {
    // It has its ways to wait for ever.
    let mut command = Command::new("timeout");
    process::run(
        command
            .args(["60", "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(args),
    )
}

/// Publishes a file, as fast as the server takes it.
#[track_caller]
pub fn publish(server: &Server, file: &Path, name: &str) {
    let to = format!("rtmp://127.0.0.1:{}/live/{name}", server.port2());
    let file = file.to_string_lossy();
    let output = ffmpeg(&["-i", &file, "-map", "0", "-c", "copy", "-f", "flv", &to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The lines of `framemd5` of a track.
#[track_caller]
fn lines(input: &str, track: &str, copy: &[&str]) -> Vec<Vec<String>> {
    let words = [&["-copyts", "-i", input, "-map", track], copy, &["-f", "framemd5", "-"]];
    let output = ffmpeg(&words.concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{input}: {said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').map(|word| word.trim().to_owned()).collect()).collect()
}

/// Hashes of the decoded frames of a track, of a file or of an address.
#[track_caller]
pub fn decoded(input: &str, track: &str) -> Vec<String> {
    lines(input, track, &["-fps_mode", "passthrough"])
        .into_iter()
        .filter_map(|mut line| line.pop())
        .collect()
}

/// Frames of a track as they are coded: decoding and showing time in milliseconds since the first one's, size, hash.
#[track_caller]
pub fn coded(input: &str, track: &str) -> Vec<(i64, i64, String, String)> {
    let text = lines_with_base(input, track);
    let (base, lines) = text;
    let first: i64 = lines.first().map_or(0, |line| line[1].parse().expect("a time"));
    let ms = |word: &str| {
        let ticks = word.parse::<i64>().expect("a time") - first;
        (ticks as f64 * 1000.0 * base).round() as i64
    };
    let frame = |line: &Vec<String>| (ms(&line[1]), ms(&line[2]), line[4].clone(), line[5].clone());
    lines.iter().map(frame).collect()
}

/// The same, and how many seconds a tick has.
fn lines_with_base(input: &str, track: &str) -> (f64, Vec<Vec<String>>) {
    let args = ["-v", "error", "-select_streams", &track[2..], "-show_entries", "stream=time_base"];
    let output =
        process::run(Command::new("ffprobe").args(args).args(["-of", "csv=p=0"]).arg(input));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let base = text.trim().split_once('/').expect("a time base");
    let base = base.0.parse::<f64>().expect("1") / base.1.parse::<f64>().expect("ticks");
    (base, lines(input, track, &["-c", "copy"]))
}

pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
