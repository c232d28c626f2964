//! What is in a directory.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use sys::file::Symlinks;

/// One of its files.
pub struct Entry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is, where a link leads to.
    pub kind: Kind,
    /// When it was changed, in seconds since 1970.
    pub modified: u64,
    /// Its bytes.
    pub size: u64,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// Something else.
    Other,
}

/// Those that are not hidden: directories first, then by name.
pub fn read(directory: &[u8], links: Symlinks) -> io::Result<Vec<Entry>> {
    // By descriptor: what was looked at on the way is what is read.
    let opened = match links {
        Symlinks::Follow => None,
        links => Some(sys::file::open(directory, links)?),
    };
    let held = opened.as_ref().map(|file| format!("/proc/self/fd/{}", file.as_raw_fd()));
    let directory = match &held {
        Some(path) => Path::new(path),
        None => Path::new(OsStr::from_bytes(directory)),
    };
    let mut entries = Vec::new();
    for found in std::fs::read_dir(directory)? {
        let name = found?.file_name().into_vec();
        if name.first() == Some(&b'.') {
            continue;
        }
        let path = directory.join(OsStr::from_bytes(&name));
        // A link that leads nowhere is shown as what it is itself; what has gone meanwhile is not.
        let Ok(metadata) = std::fs::metadata(&path).or_else(|_| std::fs::symlink_metadata(&path))
        else {
            continue;
        };
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.unwrap_or_default().as_secs();
        entries.push(Entry { name, kind, modified, size: metadata.len() });
    }
    entries.sort_by(|a, b| {
        let is_file = |entry: &Entry| entry.kind != Kind::Directory;
        (is_file(a), &a.name).cmp(&(is_file(b), &b.name))
    });
    Ok(entries)
}
