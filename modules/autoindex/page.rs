//! A page for people: on small screens, in the dark, without anything from elsewhere.

use std::io::Write;

use proto::escape;

use crate::entries::{Entry, Kind};

const HEAD: &str = include_str!("page.html");

/// Appends the page.
pub fn write(uri: &[u8], entries: &[Entry], local: bool, out: &mut Vec<u8>) {
    let (before_title, after_title) = HEAD.split_once("TITLE").unwrap_or((HEAD, ""));
    out.extend_from_slice(before_title.as_bytes());
    escape::html(uri, out);
    out.extend_from_slice(after_title.as_bytes());
    path(uri, out);
    out.extend_from_slice(b"<ul>\n");
    if uri != b"/" {
        out.extend_from_slice(b"<li class=up><a href=\"../\"><span>..</span></a></li>\n");
    }
    entries.iter().for_each(|entry| line(entry, local, out));
    out.extend_from_slice(b"</ul>\n");
    if entries.is_empty() {
        out.extend_from_slice(b"<p>Nothing here.</p>\n");
    }
    out.extend_from_slice(b"</main>\n</body>\n</html>\n");
}

/// Each directory on the way, as a link.
fn path(uri: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"<h1>");
    let names: Vec<&[u8]> =
        uri.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect();
    let up = |count: usize| "../".repeat(count);
    let root = if names.is_empty() { "./".to_owned() } else { up(names.len()) };
    let _ = write!(out, "<a href=\"{root}\">/</a>");
    for (at, name) in names.iter().enumerate() {
        let left = names.len() - at - 1;
        let to = if left == 0 { "./".to_owned() } else { up(left) };
        let _ = write!(out, "<a href=\"{to}\">");
        escape::html(name, out);
        out.extend_from_slice(b"</a><i>/</i>");
    }
    out.extend_from_slice(b"</h1>\n");
}

fn line(entry: &Entry, local: bool, out: &mut Vec<u8>) {
    let is_directory = entry.kind == Kind::Directory;
    let class = if is_directory { " class=dir" } else { "" };
    let _ = write!(out, "<li{class}><a href=\"");
    escape::component(&entry.name, out);
    out.extend_from_slice(if is_directory { b"/\"><span>" } else { b"\"><span>" });
    escape::html(&entry.name, out);
    let time = match local {
        true => sys::clock::local(entry.modified),
        false => sys::clock::greenwich(entry.modified),
    };
    let sys::clock::Local { year, month, day, hour, minute, .. } = time;
    let _ = write!(
        out,
        "</span><small>{}</small>",
        if is_directory { String::new() } else { size(entry.size) }
    );
    let _ =
        writeln!(out, "<time>{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}</time></a></li>");
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match value < 9.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9949, "9.9 kB"),
            (9990, "10 kB"),
            (999_499, "999 kB"),
            (999_600, "1.0 MB"),
            (5_000_000_000, "5.0 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
