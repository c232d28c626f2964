//! Which files were recorded of a stream: what journals say, as far as it is still so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sys::file::{Stat, Symlinks};

use crate::file::journal::{Entry, Journal};
use crate::library::Shelf;

/// A file that was recorded, or is being recorded.
#[derive(Clone, Debug)]
pub struct Recording {
    /// By which recorder.
    pub recorder: String,
    /// How it is called here: its path in the recorder's directory, slashes escaped.
    pub name: String,
    /// What the journal tells of it.
    pub entry: Entry,
    /// Bytes of its path that are the directory's.
    trusted: usize,
}

impl Recording {
    /// `None`: its name is none that a recorder gives.
    fn of(shelf: &Shelf, entry: &Entry) -> Option<Recording> {
        let inside = entry.path.strip_prefix(&shelf.dir).ok()?;
        let mut names = Vec::new();
        for part in inside.components() {
            let Component::Normal(name) = part else { return None };
            names.push(name.to_str().filter(|name| !name.starts_with('.'))?);
        }
        (!names.is_empty()).then(|| Recording {
            recorder: shelf.recorder.clone(),
            name: names.join("%2F"),
            entry: entry.clone(),
            trusted: shelf.dir.as_os_str().len(),
        })
    }

    /// Opens it. What has taken its place, a link on the way to it too, is not there.
    pub fn open(&self) -> io::Result<(File, Stat)> {
        let path = self.entry.path.as_os_str().as_bytes();
        let file = sys::file::open(path, Symlinks::Refuse { from: self.trusted })?;
        let stat = sys::file::stat(&file)?;
        match self.entry.is(&file.metadata()?) {
            true => Ok((file, stat)),
            false => Err(ErrorKind::NotFound.into()),
        }
    }

    /// When what is so many milliseconds from its beginning came, in milliseconds of Unix time.
    pub fn wall(&self, ms: u64) -> u64 {
        let before = self.entry.began.iter().rev().find(|(place, _)| *place <= ms);
        let (place, wall) = before.copied().unwrap_or((0, self.entry.begin()));
        wall.saturating_add(ms - place)
    }

    /// The place of what came then, in milliseconds from its beginning.
    pub fn place(&self, wall: u64) -> u64 {
        let began = &self.entry.began;
        let at = began.iter().rposition(|(_, known)| *known <= wall);
        let Some((at, (place, known))) = at.and_then(|at| Some((at, began.get(at)?))) else {
            return 0;
        };
        let next = began.get(at + 1).map_or(u64::MAX, |(place, _)| *place);
        place.saturating_add(wall - known).min(next)
    }
}

/// Whether a file could not be opened because it is not there, or is another's.
pub fn is_gone(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
        || sys::file::is_link_refusal(error)
}

/// The recordings of a stream by these recorders, in the order of their beginnings.
pub fn recordings(shelves: &[Shelf], stream: &str) -> io::Result<Vec<Recording>> {
    let mut found = Vec::new();
    for shelf in shelves {
        let known = known(&shelf.journal)?;
        let own = known.iter().filter(|entry| entry.stream == stream);
        found.extend(own.filter_map(|entry| Recording::of(shelf, entry)));
    }
    found.sort_by(|a, b| {
        let key = |it: &Recording| it.entry.begin();
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(found)
}

/// A stream of which something was recorded.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Its name, escaped.
    pub name: String,
    /// How many files.
    pub count: usize,
    /// When the first one began, and the last one, in milliseconds of Unix time.
    pub begins: (u64, u64),
    /// It is being recorded.
    pub grows: bool,
}

/// The streams that these recorders have recorded, by name: as their journals have it.
pub fn streams(shelves: &[Shelf]) -> io::Result<Vec<Stream>> {
    let mut streams: BTreeMap<String, Stream> = BTreeMap::new();
    for shelf in shelves {
        for entry in known(&shelf.journal)?.iter().filter(|entry| !entry.stream.is_empty()) {
            let begin = entry.begin();
            let new = || Stream {
                name: entry.stream.clone(),
                begins: (begin, begin),
                ..Stream::default()
            };
            let stream = streams.entry(entry.stream.clone()).or_insert_with(new);
            stream.count += 1;
            stream.begins = (stream.begins.0.min(begin), stream.begins.1.max(begin));
            stream.grows |= entry.open;
        }
    }
    Ok(streams.into_values().collect())
}

/// By what it is seen that a journal has changed: inode, bytes, and when.
type Stamp = (u64, u64, i64, i64);

/// What is kept of a journal.
type Known = (Stamp, Arc<Vec<Entry>>);

/// There are as many as recorders.
static KNOWN: Mutex<BTreeMap<PathBuf, Known>> = Mutex::new(BTreeMap::new());

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match std::fs::symlink_metadata(path) {
        Ok(about) => Ok(Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a journal tells; it is read again when it has changed.
fn known(journal: &Journal) -> io::Result<Arc<Vec<Entry>>> {
    let path = journal.path();
    let Some(now) = stamp(path)? else { return Ok(Arc::default()) };
    let kept = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((then, entries)) = kept().get(path)
        && *then == now
    {
        return Ok(entries.clone());
    }
    // What comes while it is read makes it another again.
    let entries = Arc::new(journal.read()?);
    kept().insert(path.to_owned(), (now, entries.clone()));
    Ok(entries)
}
