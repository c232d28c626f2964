//! What is in the files.

use std::path::{Path, PathBuf};
use std::process::Command;

use proto::flv::{self, Tag};
use support::{Server, process, wait_for};

use crate::film::{self, Message};

/// The recordings, by name; what is hidden is none.
pub fn names(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.path("rec")).expect("the directory").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

pub fn path(server: &Server, name: &str) -> PathBuf {
    server.path("rec").join(name)
}

/// The messages of a file, which has to be whole.
#[track_caller]
pub fn tags(path: &Path) -> Vec<Message> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut reader, mut all) = (flv::Reader::new(16 << 20), Vec::new());
    let mut len = 13;
    let each = |tag: Tag<'_>| {
        len += 11 + tag.payload.len() + 4;
        assert_eq!(tag.back as usize, tag.payload.len() + 11);
        all.push(Message { kind: tag.kind, time: tag.timestamp, payload: tag.payload.to_vec() });
    };
    reader.feed(&bytes, each).expect("an FLV file");
    assert_eq!(len, bytes.len(), "{} has a torn end", path.display());
    all
}

/// The pictures and sounds of a file.
#[track_caller]
pub fn media(path: &Path) -> Vec<Message> {
    tags(path).into_iter().filter(|message| !message.is_header()).collect()
}

/// Those of the film, as a publisher sends them that does not stop for so long.
pub fn sent(ms: u32) -> Vec<Message> {
    let film = film::messages();
    let mut all = Vec::new();
    for round in 0.. {
        for message in film.iter().filter(|message| !message.is_header()) {
            let time = message.time + round * film::LENGTH;
            if time >= ms {
                return all;
            }
            all.push(Message { time, ..message.clone() });
        }
    }
    all
}

/// Payloads, in order.
pub fn payloads(messages: &[Message]) -> Vec<(u8, &[u8])> {
    messages.iter().map(|message| (message.kind, &message.payload[..])).collect()
}

/// All of them, those of several files one after the other: which of the film's frames are there is told by a failure.
#[track_caller]
pub fn is_all_of(found: &[Message], wanted: &[Message]) {
    let (found, wanted) = (payloads(found), payloads(wanted));
    let same = found.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
    let at = |all: &[(u8, &[u8])]| all.get(same).map(|(kind, payload)| (*kind, payload.len()));
    assert!(
        found == wanted,
        "{} of {} frames, alike up to {same}: {:?} for {:?}",
        found.len(),
        wanted.len(),
        at(&found),
        at(&wanted)
    );
}

/// Where in a file's head what stands behind this begins.
fn behind(bytes: &[u8], name: &[u8]) -> Option<usize> {
    bytes.windows(name.len()).position(|window| window == name).map(|place| place + name.len())
}

fn number(bytes: &[u8], place: usize) -> Option<f64> {
    // Its type stands before it.
    bytes.get(place + 1..)?.first_chunk().map(|number| f64::from_be_bytes(*number))
}

/// A number of a file's metadata.
#[track_caller]
pub fn told(path: &Path, name: &str) -> f64 {
    let bytes = std::fs::read(path).expect("the file");
    assert_eq!(&bytes[24..37], b"\x02\0\x0aonMetaData", "metadata comes first");
    let place = behind(&bytes, name.as_bytes()).unwrap_or_else(|| panic!("no {name}"));
    number(&bytes, place).expect("a number")
}

/// The index: positions and times.
#[track_caller]
pub fn index(path: &Path) -> Vec<(u64, f64)> {
    let bytes = std::fs::read(path).expect("the file");
    let list = |name: &[u8]| -> Vec<f64> {
        let place = behind(&bytes, name).expect("a list") + 1;
        let count = bytes[place..].first_chunk().expect("its length");
        let count = u32::from_be_bytes(*count) as usize;
        let numbers = (0..count).map(|at| number(&bytes, place + 4 + 9 * at));
        numbers.map(|number| number.expect("a number")).collect()
    };
    let (positions, times) = (list(b"filepositions"), list(b"\0\x05times"));
    assert_eq!(positions.len(), times.len());
    positions.into_iter().map(|it| it as u64).zip(times).collect()
}

/// Whether its head says how long it is.
pub fn is_sealed(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let size = behind(&bytes, b"\0\x08filesize").and_then(|place| number(&bytes, place));
    size == Some(bytes.len() as f64)
}

/// A file that is complete: its head says so.
#[track_caller]
pub fn wait_for_end(path: &Path) {
    wait_for("a complete file", || is_sealed(path));
}

/// Whether a recorder knows that it is complete.
pub fn is_closed(path: &Path) -> bool {
    let entries = std::fs::read_dir(path.parent().expect("a directory")).into_iter().flatten();
    let journals =
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".journal"));
    let name = format!("\"path\":\"{}\"", path.display());
    let last = |text: String| {
        let last = text.lines().rev().find(|line| line.contains(&name));
        last.is_some_and(|line| line.contains("\"open\":false"))
    };
    let mut texts = journals.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.any(last)
}

/// It comes to have these frames, all of them, each once.
#[track_caller]
pub fn comes_to_hold(path: &Path, wanted: &[Message]) {
    let is_there = || is_sealed(path) && media(path).len() >= wanted.len();
    if !support::comes(is_there) {
        is_all_of(&media(path), wanted);
    }
    is_all_of(&media(path), wanted);
}

/// What ffprobe says of it.
#[track_caller]
pub fn probe(path: &Path) -> f64 {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]).arg(path);
    let output = process::run(&mut ffprobe);
    let (said, text) = (String::from_utf8_lossy(&output.stderr), &output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8_lossy(text).trim().parse().unwrap_or_else(|_| panic!("{text:?}"))
}

/// The frames of a file, as ffmpeg reads them, hashed.
#[track_caller]
pub fn hashes(path: &Path) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-copyts", "-i"]).arg(path);
    ffmpeg.args(["-map", "0", "-c", "copy", "-f", "framemd5", "-"]);
    let output = process::run(&mut ffmpeg);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    lines.sort();
    lines
}
