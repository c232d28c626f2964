//! Which files are a recorder's own: a file beside them, with a line for each that begins and for each that is complete.
//!
//! A file is known by its path and by its inode: one that has taken its place is another's. Lines are written under a lock,
//! by whichever worker.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use proto::escape;
use serde::{Deserialize, Serialize};
use sys::{file, lock};

/// The journal of one recorder.
pub struct Journal {
    path: PathBuf,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// Its inode.
    pub inode: u64,
    /// Being recorded, as far as is known.
    pub open: bool,
    /// Since when, in seconds of Unix time.
    pub since: u64,
}

impl Entry {
    /// Whether this is still the file.
    pub fn is(&self, about: &fs::Metadata) -> bool {
        about.is_file() && about.ino() == self.inode
    }
}

impl Journal {
    /// The journal of a recorder of an application, whose streams' names begin with `prefix`.
    pub fn new(dir: &Path, prefix: &str, recorder: &str) -> Journal {
        let mut name = b".rserve-".to_vec();
        escape::component(prefix.trim_end_matches('\u{1f}').as_bytes(), &mut name);
        if !recorder.is_empty() {
            name.push(b'-');
            escape::component(recorder.as_bytes(), &mut name);
        }
        name.extend_from_slice(b".journal");
        Journal { path: dir.join(String::from_utf8_lossy(&name).as_ref()) }
    }

    /// A journal that another thread may have.
    pub fn share(&self) -> Journal {
        Journal { path: self.path.clone() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file is begun, or complete, at this second.
    pub fn note(&self, path: &Path, file: &File, open: bool, since: u64) -> io::Result<()> {
        let entry = Entry { path: path.to_owned(), inode: file.metadata()?.ino(), open, since };
        self.write(&entry)
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut journal = self.open(true)?;
        lock::exclusive(&journal, true)?;
        journal.write_all(&line(entry)?)
    }

    fn open(&self, create: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(create).mode(0o600);
        options.custom_flags(file::NOFOLLOW | file::NONBLOCK).open(&self.path)
    }

    /// Goes through what it knows, the newest of each file, under the lock; what `keep` is against is forgotten. `keep` may
    /// change an entry.
    pub fn revise(&self, mut keep: impl FnMut(&mut Entry) -> bool) -> io::Result<()> {
        let mut journal = match self.open(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        lock::exclusive(&journal, true)?;
        let mut text = Vec::new();
        journal.read_to_end(&mut text)?;
        let mut entries = BTreeMap::new();
        // A torn line, as a loss of power leaves it, is none.
        let lines = text.split(|&byte| byte == b'\n');
        for entry in lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok()) {
            entries.insert(entry.path.clone(), entry);
        }
        let mut kept = Vec::new();
        for entry in entries.values_mut().filter_map(|entry| keep(entry).then_some(entry)) {
            kept.extend_from_slice(&line(entry)?);
        }
        if kept != text {
            journal.set_len(0)?;
            journal.write_all(&kept)?;
        }
        Ok(())
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_line_of_each_file_counts() {
        let dir = std::env::temp_dir().join(format!("journal-{}", sys::process::pid()));
        fs::create_dir_all(&dir).expect("a directory");
        let journal = Journal::new(&dir, "live\u{1f}", "a/b");
        assert_eq!(journal.path(), dir.join(".rserve-live-a%2Fb.journal"));
        journal.revise(|_| panic!("there is none")).expect("nothing");
        assert!(!journal.path().exists());
        let one = File::create(dir.join("one")).expect("a file");
        let two = File::create(dir.join("two")).expect("a file");
        journal.note(&dir.join("one"), &one, true, 1).expect("noted");
        journal.note(&dir.join("two"), &two, true, 2).expect("noted");
        journal.note(&dir.join("one"), &one, false, 3).expect("noted");
        let torn = fs::read_to_string(journal.path()).expect("text") + "{\"path\":\"thr";
        fs::write(journal.path(), torn).expect("written");
        let mut seen = Vec::new();
        let keep = |entry: &mut Entry| {
            seen.push((entry.open, entry.since));
            entry.open
        };
        journal.revise(keep).expect("revised");
        assert_eq!(seen, [(false, 3), (true, 2)]);
        let text = fs::read_to_string(journal.path()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        fs::remove_dir_all(dir).expect("removed");
    }
}
