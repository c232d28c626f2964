//! Numbers and names, as playlists have them.

use super::SECOND;
use std::fmt::Write;

/// Appends microseconds as seconds: to the millisecond, or to the microsecond if that is needed.
pub(super) fn seconds(out: &mut String, micros: u64) {
    let (whole, part) = (micros / SECOND, micros % SECOND);
    // A string takes what is written.
    let _ = match part % 1000 {
        0 => write!(out, "{whole}.{:03}", part / 1000),
        _ => write!(out, "{whole}.{part:06}"),
    };
}

/// Appends a URI. What would end its line or its quotes, or make it a comment, is encoded.
pub(super) fn uri(out: &mut String, uri: &str) {
    for (at, character) in uri.char_indices() {
        match character {
            '\0'..=' ' | '"' | '\x7f' => escape(out, character),
            '#' if at == 0 => escape(out, character),
            other => out.push(other),
        }
    }
}

fn escape(out: &mut String, character: char) {
    let _ = write!(out, "%{:02X}", u32::from(character));
}

/// Appends `NAME="value"`, without what cannot stand in quotes.
pub(super) fn quoted(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "{name}=\"");
    out.extend(value.chars().filter(|character| *character != '"' && !character.is_control()));
    out.push('"');
}

/// Appends `NAME="URI"`.
pub(super) fn quoted_uri(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "{name}=\"");
    uri(out, value);
    out.push('"');
}
