//! nginx's own page.

use std::io::Write;

use proto::escape;

use crate::entries::{Entry, Kind};

/// So many characters of a name are shown.
const WIDTH: usize = 50;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends the page.
pub fn write(uri: &[u8], entries: &[Entry], exact: bool, local: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<html>\r\n<head><title>Index of ");
    escape::html(uri, out);
    out.extend_from_slice(b"</title></head>\r\n<body>\r\n<h1>Index of ");
    escape::html(uri, out);
    out.extend_from_slice(b"</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for entry in entries {
        line(entry, exact, local, out);
    }
    out.extend_from_slice(b"</pre><hr></body>\r\n</html>\r\n");
}

fn line(entry: &Entry, exact: bool, local: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<a href=\"");
    escape::component(&entry.name, out);
    let is_directory = entry.kind == Kind::Directory;
    out.extend_from_slice(if is_directory { b"/\">" } else { b"\">" });
    let width = name(&entry.name, is_directory, out);
    out.extend_from_slice(b"</a>");
    out.resize(out.len() + WIDTH - width + 1, b' ');
    date(entry.modified, local, out);
    let _ = match (is_directory, exact) {
        (true, true) => write!(out, "{:>19}", "-"),
        (false, true) => write!(out, "{:>19}", entry.size),
        (true, false) => write!(out, "{:>7}", "-"),
        (false, false) => write!(out, "{}", short(entry.size)),
    };
    out.extend_from_slice(b"\r\n");
}

/// Appends a name, cut if it is long, and tells how wide it is. What is no UTF-8 counts by bytes.
fn name(name: &[u8], is_directory: bool, out: &mut Vec<u8>) -> usize {
    let ends: Vec<usize> = match std::str::from_utf8(name) {
        Ok(text) => text.char_indices().map(|(at, c)| at + c.len_utf8()).collect(),
        Err(_) => (1..=name.len()).collect(),
    };
    if ends.len() > WIDTH {
        escape::html(&name[..ends[WIDTH - 4]], out);
        out.extend_from_slice(b"..&gt;");
        return WIDTH;
    }
    escape::html(name, out);
    let slash = is_directory && ends.len() < WIDTH;
    if slash {
        out.push(b'/');
    }
    ends.len() + usize::from(slash)
}

/// `29-Nov-2026 05:56 `
fn date(seconds: u64, local: bool, out: &mut Vec<u8>) {
    let time = match local {
        true => sys::clock::local(seconds),
        false => sys::clock::greenwich(seconds),
    };
    let month = MONTHS[usize::from(time.month.clamp(1, 12)) - 1];
    let sys::clock::Local { day, year, hour, minute, .. } = time;
    let _ = write!(out, "{day:02}-{month}-{year} {hour:02}:{minute:02} ");
}

/// nginx's rounding: a number of at most four digits, or a scale.
fn short(size: u64) -> String {
    let scaled = |shift: u32| {
        let (whole, rest) = (size >> shift, size & ((1 << shift) - 1));
        whole + u64::from(rest > (1 << (shift - 1)) - 1)
    };
    match size {
        0x4000_0000.. => format!("{:>6}G", scaled(30)),
        0x10_0000.. => format!("{:>6}M", scaled(20)),
        10_000.. => format!("{:>6}K", scaled(10)),
        size => format!(" {size:>6}"),
    }
}
