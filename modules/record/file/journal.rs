//! Which files are a recorder's own: a file beside them, with a line for each that begins and for each that is complete.
//!
//! A file is known by its path and by its inode: one that has taken its place is another's. Lines are written under a lock,
//! by whichever worker; the lock is a file beside it, since the journal itself is replaced when entries go. So whoever reads it needs
//! no lock, and whoever is killed in the middle leaves it as it was, or with a torn line, which is none.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use proto::escape;
use serde::{Deserialize, Serialize};
use sys::{file, lock};

/// Who writes tries so often to get the lock, and waits so long in between.
const LOCK_TRIES: u32 = 500;
const LOCK_AGAIN: Duration = Duration::from_millis(10);

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

    /// What is known when a later line of the same path is.
    fn and(self, later: Entry) -> Entry {
        if (self.inode, self.born) != (later.inode, later.born) {
            // What ends may have lost its name to the next one already.
            return if self.open && !later.open { self } else { later };
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

    /// A file is begun, or complete, or goes on: what is told of it but its inode, which is asked for. `sync`: it is to outlive a loss
    /// of power.
    pub fn note(&self, file: &File, entry: Entry, sync: bool) -> io::Result<()> {
        let about = file.metadata()?;
        let line = line(&Entry { inode: about.ino(), born: born(&about), ..entry })?;
        let _lock = self.lock()?;
        let mut journal = self.open(true)?;
        let len = journal.metadata()?.len();
        let line = if ends_with_line(&journal, len)? { line } else { [b"\n", &line[..]].concat() };
        // Where there is no room for all of it there is to be none of it.
        journal.write_all(&line).inspect_err(|_| drop(journal.set_len(len)))?;
        if sync {
            journal.sync_data()?;
            // A file without a name is none, either.
            self.path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())?;
        }
        Ok(())
    }

    fn open(&self, create: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(create).mode(0o600);
        options.custom_flags(file::NOFOLLOW | file::NONBLOCK).open(&self.path)
    }

    /// That of those who write, until it is dropped. Who has it is done at once; one that stands still is not waited for.
    fn lock(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(file::NOFOLLOW | file::NONBLOCK);
        let held = options.open(self.beside("lock"))?;
        let mut tries = 0..LOCK_TRIES;
        while let Err(error) = lock::exclusive(&held, false) {
            if error.kind() != io::ErrorKind::WouldBlock || tries.next().is_none() {
                return Err(error);
            }
            std::thread::sleep(LOCK_AGAIN);
        }
        Ok(held)
    }

    /// While it lasts nobody else has one: who makes files whole does so one after the other. Waits for it.
    pub fn turn(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(file::NOFOLLOW | file::NONBLOCK);
        let held = options.open(self.beside("turn"))?;
        lock::exclusive(&held, true).map(|()| held)
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.path.with_extension(format!("journal.{end}"))
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        match self.open(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => drop(opened?.read_to_end(&mut text)?),
        }
        Ok(text)
    }

    /// What it knows, the newest of each file. Nobody is waited for.
    pub fn read(&self) -> io::Result<Vec<Entry>> {
        Ok(entries(&self.text()?).into_values().collect())
    }

    /// Goes through what it knows, the newest of each file; what `keep` is against is forgotten. `keep` may change an entry, and may
    /// take its time: of what somebody else changes meanwhile nothing is changed here.
    pub fn revise(&self, mut keep: impl FnMut(&mut Entry) -> bool) -> io::Result<()> {
        let text = self.text()?;
        let known = entries(&text);
        let mut revised = known.clone();
        revised.retain(|_, entry| keep(entry));
        if lines(revised.values())? == text {
            return Ok(());
        }
        let _lock = self.lock()?;
        let text = self.text()?;
        let mut now = entries(&text);
        for (path, before) in &known {
            let after = revised.remove_entry(path);
            let is_revised = after.as_ref().map(|(_, after)| after) != Some(before);
            if is_revised && now.get(path) == Some(before) {
                now.remove(path);
                now.extend(after);
            }
        }
        let kept = lines(now.values())?;
        if kept == text { Ok(()) } else { self.replace(&kept) }
    }

    /// Has another text, all of it or none.
    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let new = self.beside("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = file.write_all(text).and_then(|()| file.sync_data());
        written.and_then(|()| fs::rename(&new, &self.path)).inspect_err(|_| {
            // It may be the room that is missing.
            let _ = fs::remove_file(&new);
        })
    }
}

/// Whether what is appended begins a line: who wrote before may not have come to the end of one.
fn ends_with_line(file: &File, len: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if let Some(at) = len.checked_sub(1) {
        file.read_exact_at(&mut last, at)?;
    }
    Ok(last == [b'\n'])
}

fn lines<'e>(entries: impl Iterator<Item = &'e Entry>) -> io::Result<Vec<u8>> {
    Ok(entries.map(line).collect::<io::Result<Vec<_>>>()?.concat())
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
