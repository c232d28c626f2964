//! What was recorded is listed and played: while it is recorded, after it, and whatever becomes of the files.

mod files;
mod flv;
mod guards;
mod hostile;
mod list;
mod spans;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Server, wait_for};

use crate::film::Publisher;
use crate::recorded::path;

/// A recorder of fragmented MP4 whose files have names of their own.
const FMP4: &str = "record all; record_format fmp4; record_suffix -%s.mp4;";

/// The same of FLV.
const FLV: &str = "record all; record_suffix -%s.flv;";

/// The list of a stream's recordings, the newest first.
#[track_caller]
fn list(server: &Server, args: &str) -> Vec<Value> {
    let answer = server.get(&format!("/dvr/s/{args}"));
    assert_eq!(answer.status, 200, "{}", server.error_log());
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let list: Value = serde_json::from_slice(&answer.body).expect("JSON");
    list.as_array().expect("a list").clone()
}

/// A text of a recording.
fn text(recording: &Value, name: &str) -> String {
    recording[name].as_str().unwrap_or_else(|| panic!("no {name} in {recording}")).to_owned()
}

fn number(recording: &Value, name: &str) -> f64 {
    recording[name].as_f64().unwrap_or_else(|| panic!("no {name} in {recording}"))
}

/// Publishes so many milliseconds; gives the file's name when it is complete.
#[track_caller]
fn record(server: &Server, ms: u32) -> String {
    let before = list(server, "").len();
    let mut publisher = Publisher::new(server, "s");
    publisher.run(ms);
    publisher.end();
    wait_for("a complete recording", || {
        let list = list(server, "");
        list.len() == before + 1 && list.iter().all(|it| it["grows"] == false)
    });
    text(&list(server, "")[0], "file")
}

/// The journal of the application's own recorder.
fn journal(server: &Server) -> PathBuf {
    path(server, ".rserve-live.journal")
}

/// Rewrites the journal: `change` is given each of its lines.
fn rewrite(journal: &Path, mut change: impl FnMut(&mut Value)) {
    let text = std::fs::read_to_string(journal).expect("the journal");
    let lines = text.lines().map(|line| {
        let mut entry = serde_json::from_str(line).expect("a line");
        change(&mut entry);
        format!("{entry}\n")
    });
    let lines: String = lines.collect();
    std::fs::write(journal, lines).expect("written");
}

/// Moves a recording in time, as if it had begun then.
fn move_to(server: &Server, file: &str, wall_ms: u64) {
    rewrite(&journal(server), |entry| {
        let is_it = entry["path"].as_str().is_some_and(|path| path.ends_with(file));
        if is_it && entry["began"].as_array().is_some_and(|began| !began.is_empty()) {
            entry["began"][0][1] = wall_ms.into();
        }
    });
}
