//! Opened files, kept for the next request: one cache for each worker.
//!
//! A change in a watched directory is heard of before the requests of the same turn are served, so an
//! edited file is not served stale. What a watch of the file's own directory does not see (another
//! hard link, a renamed ancestor, a swapped link on the way, a file system without events) is seen
//! by looking at the path again once it has a certain age.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use mem::Str;

use crate::Limits;
use crate::entry::Entry;
use crate::watch::{Directories, Stale};

/// After so long a path is looked at again before its entry is used.
const AGE_MS: u64 = 1000;

struct Kept {
    entry: Entry,
    /// When it was last known to be what the path leads to, in the loop's milliseconds.
    checked: u64,
    /// Asked for since it was last considered for eviction.
    used: bool,
}

struct Cache {
    entries: HashMap<Str, Kept>,
    /// In the order in which they are considered for eviction.
    order: VecDeque<Str>,
    memory: usize,
    files: usize,
    directories: Directories,
}

thread_local! {
    static CACHE: RefCell<Option<Cache>> = const { RefCell::new(None) };
}

/// Makes this worker's cache and listens for changes.
pub fn start() {
    let cache = Cache {
        entries: HashMap::new(),
        order: VecDeque::new(),
        memory: 0,
        files: 0,
        directories: Directories::new(),
    };
    if let Some(fd) = cache.directories.fd()
        && let Err(error) = rt::on_readable(fd, changed)
    {
        sys::log!(Alert, "epoll_ctl(inotify) failed {}", sys::log::errno(&error));
    }
    CACHE.set(Some(cache));
}

fn changed() {
    CACHE.with_borrow_mut(|cache| {
        let Some(cache) = cache else { return };
        match cache.directories.changes() {
            Stale::All => cache.clear(),
            Stale::Paths(paths) => paths.iter().for_each(|path| cache.remove(path)),
        }
    });
}

/// The entry of `path`, if it is still true.
pub fn get(path: &Str) -> Option<Entry> {
    CACHE.with_borrow_mut(|cache| cache.as_mut()?.get(path))
}

/// Opens `path`, and keeps it if `limits` let it.
pub fn open(path: &Str, limits: Limits) -> std::io::Result<Entry> {
    CACHE.with_borrow_mut(|cache| match cache {
        Some(cache) if limits.memory > 0 => cache.open(path, limits),
        _ => Entry::open(path, sys::file::Symlinks::Follow, 0),
    })
}

impl Cache {
    fn get(&mut self, path: &Str) -> Option<Entry> {
        let now = rt::now();
        let kept = self.entries.get_mut(path)?;
        if now.saturating_sub(kept.checked) >= AGE_MS {
            if sys::file::stat_path(path).ok() != Some(kept.entry.stat) {
                self.remove(path);
                return None;
            }
            kept.checked = now;
        }
        kept.used = true;
        Some(kept.entry.clone())
    }

    fn open(&mut self, path: &Str, limits: Limits) -> std::io::Result<Entry> {
        // The name outlives the request: it must not keep the request's memory.
        let name = Str::copy(path);
        // Watched before it is read: whatever happens to it afterwards is heard of.
        self.directories.watch(&name);
        let entry = Entry::open(path, sys::file::Symlinks::Follow, limits.file);
        let keeps = entry.as_ref().is_ok_and(|entry| entry.stat.is_file());
        match &entry {
            Ok(entry) if keeps => self.keep(name, entry.clone(), limits),
            _ => self.directories.forget(&name),
        }
        entry
    }

    fn keep(&mut self, path: Str, entry: Entry, limits: Limits) {
        self.remove_entry(&path);
        match entry.in_memory() {
            true => self.memory += entry.stat.size as usize,
            false => self.files += 1,
        }
        self.order.push_back(path.clone());
        self.entries.insert(path, Kept { entry, checked: rt::now(), used: true });
        while self.memory > limits.memory || self.files > limits.files {
            self.evict();
        }
    }

    /// Drops the oldest entry that was not asked for since it was last looked at here.
    fn evict(&mut self) {
        let Some(path) = self.order.pop_front() else { return };
        match self.entries.get_mut(&path) {
            Some(kept) if kept.used => {
                kept.used = false;
                self.order.push_back(path);
            }
            Some(_) => self.remove(&path),
            None => {}
        }
    }

    fn remove(&mut self, path: &Str) {
        if self.remove_entry(path) {
            self.directories.forget(path);
        }
    }

    fn remove_entry(&mut self, path: &Str) -> bool {
        let Some(kept) = self.entries.remove(path) else { return false };
        match kept.entry.in_memory() {
            true => self.memory -= kept.entry.stat.size as usize,
            false => self.files -= 1,
        }
        if let Some(at) = self.order.iter().position(|known| known == path) {
            self.order.remove(at);
        }
        true
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
        self.memory = 0;
        self.files = 0;
        self.directories.clear();
    }
}
