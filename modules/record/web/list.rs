//! The list of a stream's recordings, as JSON.

use std::io;

use proto::date::iso_8601;
use proto::{escape, query};
use serde::Serialize;

use crate::play::catalogue::{Recording, Stream, is_gone};
use crate::play::snapshot::{Kind, told_duration};

/// A recording, as it is told.
#[derive(Serialize)]
struct Told<'a> {
    file: &'a str,
    /// Where it is, from the list on.
    url: String,
    recorder: &'a str,
    begin: String,
    begin_unix: f64,
    /// Seconds; of one that grows as far as it is written. `null`: nothing tells.
    duration: Option<f64>,
    size: u64,
    format: &'static str,
    grows: bool,
}

/// A stream, as it is told.
#[derive(Serialize)]
struct ToldStream {
    name: String,
    url: String,
    recordings: usize,
    first_begin_unix: f64,
    last_begin_unix: f64,
    grows: bool,
}

/// The list of streams.
pub fn list_streams(streams: &[Stream]) -> io::Result<Vec<u8>> {
    let told = streams.iter().map(|stream| {
        let name = query::decode(stream.name.as_bytes());
        let mut url = Vec::new();
        escape::component(&name, &mut url);
        ToldStream {
            name: String::from_utf8_lossy(&name).into_owned(),
            url: format!("{}/", String::from_utf8_lossy(&url)),
            recordings: stream.count,
            first_begin_unix: stream.begins.0 as f64 / 1000.0,
            last_begin_unix: stream.begins.1 as f64 / 1000.0,
            grows: stream.grows,
        }
    });
    let mut out = serde_json::to_vec(&told.collect::<Vec<_>>())?;
    out.push(b'\n');
    Ok(out)
}

/// Names that mean something else.
pub const RESERVED: [&str; 2] = ["index.m3u8", "video.mp4"];

/// The list of the newest that began before a moment, `limit` of them: more, if several began with the last. Of `end`, which
/// begins with an `&`, names consist further.
pub fn list(
    recordings: &[Recording],
    before: Option<u64>,
    limit: usize,
    end: &str,
) -> io::Result<Vec<u8>> {
    let (mut out, mut count, mut last) = (b"[".to_vec(), 0, None);
    for recording in recordings.iter().rev() {
        let begin = recording.entry.begin();
        if before.is_some_and(|before| begin >= before) {
            continue;
        }
        if count >= limit && last != Some(begin) {
            break;
        }
        let told = match tell(recording, end) {
            Ok(Some(told)) => told,
            Ok(None) => continue,
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        out.extend_from_slice(if count > 0 { b",\n" } else { b"\n" });
        serde_json::to_writer(&mut out, &told)?;
        (count, last) = (count + 1, Some(begin));
    }
    out.extend_from_slice(b"\n]\n");
    Ok(out)
}

fn tell<'a>(recording: &'a Recording, end: &str) -> io::Result<Option<Told<'a>>> {
    let (file, stat) = recording.open()?;
    let Some(kind) = Kind::of(&file)? else { return Ok(None) };
    let (entry, begin) = (&recording.entry, recording.entry.begin());
    let duration = match (entry.open, entry.duration) {
        // It is written each second: its date tells how far it is.
        (true, _) => {
            let written = (stat.mtime.max(0) as u64) * 1000 + stat.mtime_nsec as u64 / 1_000_000;
            Some(recording.place(written))
        }
        (false, Some(duration)) => Some(duration),
        (false, None) => told_duration(&file, kind, stat.size)?,
    };
    Ok(Some(Told {
        file: &recording.name,
        url: url(recording, end),
        recorder: &recording.recorder,
        begin: iso_8601(begin),
        begin_unix: begin as f64 / 1000.0,
        duration: duration.map(|ms| ms as f64 / 1000.0),
        size: stat.size,
        format: kind.name(),
        grows: entry.open,
    }))
}

/// What the name of a file of FLV ends with where it is wanted as fragments: players look at it.
pub const FRAGMENTS: &str = ".mp4";

/// The address of a file of FLV as fragments, from the list on.
pub fn fragments_url(recording: &Recording, end: &str) -> String {
    address(&recording.recorder, &format!("{}{FRAGMENTS}", recording.name), &format!("&fmp4{end}"))
}

/// The address of a file, from the list on.
pub fn url(recording: &Recording, end: &str) -> String {
    address(&recording.recorder, &recording.name, end)
}

fn address(recorder: &str, name: &str, end: &str) -> String {
    let mut url = Vec::new();
    escape::component(name.as_bytes(), &mut url);
    let mut url = String::from_utf8_lossy(&url).into_owned();
    let mut args = String::new();
    if RESERVED.contains(&name) {
        args.push_str("&file");
    }
    if !recorder.is_empty() {
        let mut name = Vec::new();
        escape::component(recorder.as_bytes(), &mut name);
        args.push_str("&recorder=");
        args.push_str(&String::from_utf8_lossy(&name));
    }
    args.push_str(end);
    if let Some(rest) = args.strip_prefix('&') {
        url.push('?');
        url.push_str(rest);
    }
    url
}
