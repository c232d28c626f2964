//! The list as data.

use std::io::Write;

use proto::escape;

use crate::entries::{Entry, Kind};

/// `[{ "name":…, "type":…, "mtime":…, "size":… }, …]`
pub fn json(entries: &[Entry], out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"\r\n{ \"name\":\"" } else { b",\r\n{ \"name\":\"" });
        escape::json(&entry.name, out);
        let kind = entry.kind.name();
        let date = proto::date::format(entry.modified);
        let date = String::from_utf8_lossy(&date);
        let _ = write!(out, "\", \"type\":\"{kind}\", \"mtime\":\"{date}\"");
        if entry.kind == Kind::File {
            let _ = write!(out, ", \"size\":{}", entry.size);
        }
        out.extend_from_slice(b" }");
    }
    out.extend_from_slice(b"\r\n]");
}

/// The same in a call; without a name it is JSON.
pub fn jsonp(callback: &[u8], entries: &[Entry], out: &mut Vec<u8>) {
    if callback.is_empty() {
        return json(entries, out);
    }
    // The comment keeps the name from being the file's first bytes, which some programs go by.
    out.extend_from_slice(b"/* callback */\r\n");
    out.extend_from_slice(callback);
    out.push(b'(');
    json(entries, out);
    out.extend_from_slice(b");");
}

/// `<list><directory mtime="…">name</directory><file mtime="…" size="…">name</file></list>`
pub fn xml(entries: &[Entry], out: &mut Vec<u8>) {
    out.extend_from_slice(b"<?xml version=\"1.0\"?>\r\n<list>\r\n");
    for entry in entries {
        let kind = entry.kind.name();
        let time = sys::clock::greenwich(entry.modified);
        let sys::clock::Local { year, month, day, hour, minute, second, .. } = time;
        let _ = write!(
            out,
            "<{kind} mtime=\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z\""
        );
        if entry.kind == Kind::File {
            let _ = write!(out, " size=\"{}\"", entry.size);
        }
        out.push(b'>');
        escape::html(&entry.name, out);
        let _ = write!(out, "</{kind}>\r\n");
    }
    out.extend_from_slice(b"</list>\r\n");
}

impl Kind {
    /// Its name in data.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Directory => "directory",
            Kind::File => "file",
            Kind::Other => "other",
        }
    }
}
