//! Opened files, kept for the next request: one cache for each worker.
//!
//! A change in a watched directory is heard of before the requests of the same turn are served, so an
//! edited file is not served stale. What a watch of the file's own directory does not see (another
//! hard link, a renamed ancestor, a swapped link on the way, a file system without events) is seen
//! by looking at the path again once it has a certain age.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use mem::Str;
use sys::file::Symlinks;
use sys::inotify::Watch;

use crate::Limits;
use crate::entry::Entry;
use crate::watch::{Directories, Stale};

/// After so long a path is looked at again before its entry is used.
const AGE_MS: u64 = 1000;
/// What an entry costs besides its content and its path.
const OVERHEAD: usize = 512;

struct Kept {
    entry: Entry,
    watch: Option<Watch>,
    /// When it was last known to be what the path leads to, in the loop's milliseconds.
    checked: u64,
    /// Asked for since it was last considered for eviction.
    used: bool,
}

/// Paths in the order in which they are considered for eviction, and what they cost together.
#[derive(Default)]
struct Order {
    paths: VecDeque<Str>,
    cost: usize,
}

struct Cache {
    entries: HashMap<Str, Kept>,
    /// Files in memory: the cost is bytes.
    small: Order,
    /// Files kept open: the cost is descriptors.
    open: Order,
    directories: Directories,
}

thread_local! {
    static CACHE: RefCell<Option<Cache>> = const { RefCell::new(None) };
}

/// Makes this worker's cache and listens for changes.
pub fn start() {
    let cache = Cache {
        entries: HashMap::new(),
        small: Order::default(),
        open: Order::default(),
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

/// Whether `path` is a file that is in the cache and still true: it need not be looked for.
pub fn knows(path: &Str) -> bool {
    get(path).is_some()
}

/// Opens `path`, and keeps it if `limits` let it.
pub fn open(path: &Str, limits: Limits) -> std::io::Result<Entry> {
    CACHE.with_borrow_mut(|cache| match cache {
        Some(cache) if limits.memory > 0 => cache.open(path, limits),
        _ => Entry::new(sys::file::open(path, Symlinks::Follow)?, 0),
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
        let file = sys::file::open(path, Symlinks::Follow)?;
        if !sys::file::stat(&file)?.is_file() {
            return Entry::new(file, 0);
        }
        // The name outlives the request: it must not keep the request's memory.
        let name = Str::copy(path);
        // Watched before it is read: whatever happens to it afterwards is heard of. What happened to
        // the path before that, since it was opened, is seen by comparing.
        let watch = self.directories.watch(&name);
        let entry = Entry::new(file, limits.file)?;
        match sys::file::stat_path(path).ok() == Some(entry.stat) {
            true => self.keep(name, entry.clone(), watch, limits),
            false => self.directories.forget(&name, watch),
        }
        Ok(entry)
    }

    fn keep(&mut self, path: Str, entry: Entry, watch: Option<Watch>, limits: Limits) {
        self.take(&path);
        let cost = cost(&path, &entry);
        let order = if entry.in_memory() { &mut self.small } else { &mut self.open };
        order.cost += cost;
        order.paths.push_back(path.clone());
        self.entries.insert(path, Kept { entry, watch, checked: rt::now(), used: true });
        while self.small.cost > limits.memory {
            self.evict(true);
        }
        while self.open.cost > limits.files {
            self.evict(false);
        }
    }

    /// Drops the oldest entry of its kind that was not asked for since it was last looked at here.
    fn evict(&mut self, small: bool) {
        let order = if small { &mut self.small } else { &mut self.open };
        let Some(path) = order.paths.pop_front() else {
            order.cost = 0;
            return;
        };
        match self.entries.get_mut(&path) {
            Some(kept) if kept.used => {
                kept.used = false;
                order.paths.push_back(path);
            }
            Some(_) => self.remove(&path),
            None => {}
        }
    }

    fn remove(&mut self, path: &Str) {
        if let Some(kept) = self.take(path) {
            self.directories.forget(path, kept.watch);
        }
    }

    /// Takes an entry out of the accounts.
    fn take(&mut self, path: &Str) -> Option<Kept> {
        let kept = self.entries.remove(path)?;
        let order = if kept.entry.in_memory() { &mut self.small } else { &mut self.open };
        order.cost -= cost(path, &kept.entry);
        if let Some(at) = order.paths.iter().position(|known| known == path) {
            order.paths.remove(at);
        }
        Some(kept)
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.small = Order::default();
        self.open = Order::default();
        self.directories.clear();
    }
}

fn cost(path: &Str, entry: &Entry) -> usize {
    match entry.in_memory() {
        true => entry.stat.size as usize + 3 * path.len() + OVERHEAD,
        false => 1,
    }
}
