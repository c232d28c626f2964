//! Which files are a recorder's own: a file beside them, with a line for each that begins and for each that is complete.
//!
//! A file is known by its path and by its inode: one that has taken its place is another's. Lines are written under a lock,
//! by whichever worker.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use proto::escape;
use serde::{Deserialize, Serialize};
use sys::{file, lock};

/// Who reads tries so often to get the lock, and waits so long in between.
const READ_TRIES: u32 = 100;
const READ_AGAIN: Duration = Duration::from_millis(10);

/// The journal of one recorder.
#[derive(Clone)]
pub struct Journal {
    path: PathBuf,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// Its inode, and when that was made, where the file system tells: a number comes again.
    pub inode: u64,
    /// See `inode`: nanoseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
    /// Being recorded, as far as is known.
    pub open: bool,
    /// Since when, in seconds of Unix time.
    pub since: u64,
    /// The stream's name, escaped.
    #[serde(default)]
    pub stream: String,
    /// Places in it, in milliseconds from its beginning, and when they came, in milliseconds of Unix time: one for each time that
    /// it was gone on with.
    #[serde(default)]
    pub began: Vec<(u64, u64)>,
    /// Milliseconds of a complete one, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
}

impl Entry {
    /// Whether this is still the file.
    pub fn is(&self, about: &fs::Metadata) -> bool {
        let born = self.born.is_none() || self.born == born(about);
        about.is_file() && about.ino() == self.inode && born
    }

    /// When it began, in milliseconds of Unix time.
    pub fn begin(&self) -> u64 {
        self.began.first().map_or(self.since * 1000, |(_, wall)| *wall)
    }

    /// What is known when a later line of the same file is.
    fn and(self, later: Entry) -> Entry {
        if (self.inode, self.born) != (later.inode, later.born) {
            return later;
        }
        let goes_on = later.began.first().is_none_or(|(place, wall)| {
            *place > 0 || self.began.first().is_some_and(|(_, known)| known == wall)
        });
        if !goes_on {
            return later;
        }
        let mut began = self.began;
        began.extend(
            later.began.iter().filter(|it| !began.contains(it)).copied().collect::<Vec<_>>(),
        );
        let stream = if later.stream.is_empty() { self.stream } else { later.stream };
        Entry { stream, began, ..later }
    }
}

fn born(about: &fs::Metadata) -> Option<u64> {
    let born = about.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(born.as_nanos()).ok()
}

/// The entries of a text, in the order of their files: a torn line, as a loss of power leaves it, is none.
fn entries(text: &[u8]) -> BTreeMap<PathBuf, Entry> {
    let mut entries: BTreeMap<PathBuf, Entry> = BTreeMap::new();
    let lines = text.split(|&byte| byte == b'\n');
    for later in lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok()) {
        let entry = match entries.remove(&later.path) {
            Some(known) => known.and(later),
            None => later,
        };
        entries.insert(entry.path.clone(), entry);
    }
    entries
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file is begun, or complete, or goes on: what is told of it but its inode, which is asked for.
    pub fn note(&self, file: &File, entry: Entry) -> io::Result<()> {
        let about = file.metadata()?;
        self.write(&Entry { inode: about.ino(), born: born(&about), ..entry })
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

    /// What it knows, and by what it is known whether that has changed: its text. Who writes and stands still is not waited for.
    pub fn read(&self) -> io::Result<Vec<Entry>> {
        let mut journal = match self.open(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut tries = 0..READ_TRIES;
        while let Err(error) = lock::shared(&journal, false) {
            if error.kind() != io::ErrorKind::WouldBlock || tries.next().is_none() {
                return Err(error);
            }
            std::thread::sleep(READ_AGAIN);
        }
        let mut text = Vec::new();
        journal.read_to_end(&mut text)?;
        Ok(entries(&text).into_values().collect())
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
        let mut entries = entries(&text);
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
        let entry = |name: &str, open, since| Entry {
            path: dir.join(name),
            open,
            since,
            ..Entry::default()
        };
        let begun = |name, place, wall| Entry {
            stream: "s".into(),
            began: vec![(place, wall)],
            ..entry(name, true, wall / 1000)
        };
        journal.note(&one, begun("one", 0, 1000)).expect("noted");
        journal.note(&two, begun("two", 0, 2000)).expect("noted");
        journal.note(&one, begun("one", 0, 1000)).expect("noted");
        let duration = Some(500);
        journal.note(&one, Entry { duration, ..entry("one", false, 3) }).expect("noted");
        // It goes on; another has the place of a file.
        journal.note(&two, begun("two", 700, 9000)).expect("noted");
        journal.note(&one, begun("two", 0, 9500)).expect("noted");
        assert_eq!(journal.read().expect("read")[1].began, [(0, 9500)]);
        let torn = fs::read_to_string(journal.path()).expect("text") + "{\"path\":\"thr";
        fs::write(journal.path(), torn).expect("written");
        let read = journal.read().expect("read");
        assert_eq!(
            read[0],
            Entry {
                stream: "s".into(),
                began: vec![(0, 1000)],
                duration,
                inode: one.metadata().expect("it").ino(),
                born: born(&one.metadata().expect("it")),
                ..entry("one", false, 3)
            }
        );
        assert_eq!((read.len(), &read[1].began[..]), (2, &[(0, 9500)][..]));
        let held = journal.open(false).expect("the journal");
        lock::exclusive(&held, false).expect("a lock");
        assert!(journal.read().is_err(), "who holds the lock is not waited for");
        drop(held);
        let mut seen = Vec::new();
        let keep = |entry: &mut Entry| {
            seen.push((entry.open, entry.since));
            entry.open
        };
        journal.revise(keep).expect("revised");
        assert_eq!(seen, [(false, 3), (true, 9)]);
        let text = fs::read_to_string(journal.path()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        fs::remove_dir_all(dir).expect("removed");
    }
}
