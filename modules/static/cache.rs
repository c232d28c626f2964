//! Opened files, cached for the next request: one cache for each worker.
//!
//! Nothing is served that the path does not lead to: it is looked at (`stat(2)`) once for all requests
//! that a turn of the loop brings, which sees links that are switched on the way, directories that are
//! renamed, mounts, and rights. A file is cached in memory only if it has been left alone for a while:
//! two changes in quick succession may have the same dates, and what is written by `mmap(2)` sets them
//! only when a page is first written to, and after the kernel has written it back.
//!
//! inotify lets go at once of what was changed or deleted: nobody may ask for it again, and an open
//! file keeps its room on the disk.

use std::cell::RefCell;
use std::collections::HashMap;

use lru::LruCache;
use mem::Str;
use sys::file::Symlinks;
use sys::inotify::Watch;

use crate::CacheLimits;
use crate::entry::Entry;
use crate::watch::{Directories, Stale};

/// What an entry costs besides its content and its path.
const OVERHEAD: usize = 512;
/// Descriptors that are neither the clients' nor ours: logs, listeners, shared memory.
const RESERVE: u64 = 64;

struct Cached {
    entry: Entry,
    watch: Option<Watch>,
    /// When it was last known to be what the path leads to (`rt::moment`).
    checked: u64,
}

/// Files of a kind, and what they cost together. The least recently used ones go first.
struct Files {
    cached: LruCache<Str, Cached>,
    cost: usize,
}

/// Files that may be different soon: what was read in one moment.
#[derive(Default)]
struct Fresh {
    moment: u64,
    entries: HashMap<Str, Entry>,
    cost: usize,
}

struct Cache {
    fresh: Fresh,
    /// Files in memory: the cost is bytes.
    small: Files,
    /// Files cached open: the cost is descriptors.
    open: Files,
    directories: Directories,
    /// The log was told of a file system whose files are not cached.
    told: bool,
    /// The process's limit of descriptors.
    descriptors: u64,
}

thread_local! {
    static CACHE: RefCell<Option<Cache>> = const { RefCell::new(None) };
}

/// Makes this worker's cache and listens for changes.
pub fn start() {
    let cache = Cache {
        fresh: Fresh::default(),
        small: Files::default(),
        open: Files::default(),
        directories: Directories::new(),
        told: false,
        descriptors: sys::process::file_limit(),
    };
    if let Some(fd) = cache.directories.fd()
        && let Err(error) = rt::on_readable(fd, changed)
    {
        sys::log!(Alert, "epoll_ctl(inotify) failed {}", sys::log::errno(&error));
    }
    CACHE.set(Some(cache));
    sys::descriptors::on_shortage(close_all);
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

/// Closes the files that are only cached. `false`: there are none.
fn close_all() -> bool {
    CACHE.with(|cache| match cache.try_borrow_mut() {
        Ok(mut cache) => cache.as_mut().is_some_and(Cache::close_all),
        Err(_) => false,
    })
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
pub fn open(path: &Str, limits: CacheLimits) -> std::io::Result<Entry> {
    let file = sys::file::open(path, Symlinks::Follow)?;
    if limits.memory == 0 {
        return Entry::new(file);
    }
    let entry = Entry::to_keep(file, limits)?;
    if entry.stat.is_file() {
        CACHE.with_borrow_mut(|cache| {
            if let Some(cache) = cache {
                cache.keep(path, &entry, limits);
            }
        });
    }
    Ok(entry)
}

impl Cache {
    fn get(&mut self, path: &Str) -> Option<Entry> {
        let now = rt::moment();
        let cached = self.small.cached.get_mut(path).or_else(|| self.open.cached.get_mut(path));
        let Some(cached) = cached else { return self.fresh.get(path, now) };
        if cached.checked != now {
            if sys::file::stat_path(path).ok() != Some(cached.entry.stat) {
                self.remove(path);
                return None;
            }
            cached.checked = now;
        }
        Some(cached.entry.clone())
    }

    fn keep(&mut self, path: &Str, entry: &Entry, limits: CacheLimits) {
        // The name outlives the request: it must not keep the request's memory.
        let path = Str::copy(path);
        if entry.dateless && !std::mem::replace(&mut self.told, true) {
            sys::log!(
                Notice,
                "file_cache does not keep \"{path}\", nor others of its file system, whose dates need not \
                 tell of every change (tmpfs, overlayfs, a network's): they are read again each time"
            );
        }
        if !entry.lasting {
            return self.fresh.add(path, entry, limits.memory);
        }
        self.remove(&path);
        let watch = self.directories.watch(&path);
        // An open file that is deleted without our knowledge would keep its room on the disk.
        if watch.is_none() && !entry.in_memory() {
            return;
        }
        let files = if entry.in_memory() { &mut self.small } else { &mut self.open };
        files.cost += cost(&path, entry);
        files.cached.put(path, Cached { entry: entry.clone(), watch, checked: rt::moment() });
        let most_open = limits.files.min(self.most_open());
        for (files, most) in [(&mut self.small, limits.memory), (&mut self.open, most_open)] {
            files.shrink(most, &mut self.directories);
        }
    }

    /// How many files may stay open for convenience: far from what the clients need. Each connection
    /// is given one for itself and one for the file that it gets.
    fn most_open(&self) -> usize {
        let needed = 2 * u64::from(rt::connections()) + RESERVE;
        let left = self.descriptors.saturating_sub(needed).min(self.descriptors / 4);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn close_all(&mut self) -> bool {
        let some = self.open.cost > 0;
        self.open.shrink(0, &mut self.directories);
        some
    }

    fn remove(&mut self, path: &Str) {
        for files in [&mut self.small, &mut self.open] {
            if let Some(cached) = files.cached.pop(path) {
                files.let_go(path, cached, &mut self.directories);
            }
        }
    }

    fn clear(&mut self) {
        self.fresh = Fresh::default();
        self.small = Files::default();
        self.open = Files::default();
        self.directories.clear();
    }
}

impl Default for Files {
    fn default() -> Files {
        Files { cached: LruCache::unbounded(), cost: 0 }
    }
}

impl Files {
    /// Lets go of files until the others cost no more than `most`.
    fn shrink(&mut self, most: usize, directories: &mut Directories) {
        while self.cost > most
            && let Some((path, cached)) = self.cached.pop_lru()
        {
            self.let_go(&path, cached, directories);
        }
    }

    /// Takes what is cached no more out of the accounts.
    fn let_go(&mut self, path: &Str, cached: Cached, directories: &mut Directories) {
        self.cost -= cost(path, &cached.entry);
        directories.forget(path, cached.watch);
    }
}

impl Fresh {
    fn get(&self, path: &Str, now: u64) -> Option<Entry> {
        if self.moment == now { self.entries.get(path).cloned() } else { None }
    }

    fn add(&mut self, path: Str, entry: &Entry, most: usize) {
        if self.moment != rt::moment() {
            self.moment = rt::moment();
            self.entries.clear();
            self.cost = 0;
        }
        self.cost += cost(&path, entry);
        // An open one would be cached until somebody asks for something else.
        if entry.in_memory() && self.cost <= most {
            self.entries.insert(path, entry.clone());
        }
    }
}

fn cost(path: &Str, entry: &Entry) -> usize {
    match entry.in_memory() {
        true => entry.stat.size as usize + 3 * path.len() + OVERHEAD,
        false => 1,
    }
}
