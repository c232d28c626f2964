//! The directories of cached files, watched.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mem::Str;
use sys::inotify::{Change, Watch, Watcher};

/// Watched directories, and which cached paths each of them is watched for.
pub struct Directories {
    watcher: Option<Watcher>,
    paths: HashMap<Watch, Vec<Known>>,
    warned: bool,
}

/// A file's name in its directory, and the path under which it is cached.
type Known = (Box<[u8]>, Str);

/// What has to be forgotten.
pub enum Stale {
    /// These paths.
    Paths(Vec<Str>),
    /// Everything: events were lost.
    All,
}

impl Directories {
    /// No directories.
    pub fn new() -> Directories {
        let mut directories = Directories { watcher: None, paths: HashMap::new(), warned: false };
        match sys::descriptors::retry(Watcher::new) {
            Ok(watcher) => directories.watcher = Some(watcher),
            Err(error) => directories.warn("inotify_init1()", &error),
        }
        directories
    }

    /// Says once that not everything is watched, and what that means.
    fn warn(&mut self, call: &str, error: &std::io::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            sys::log!(
                Warn,
                "{call} failed {}: files of more than \"max_file\" of \"file_cache\" are opened for each \
                 request, raise fs.inotify.max_user_instances or fs.inotify.max_user_watches",
                sys::log::errno(error)
            );
        }
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> Option<i32> {
        self.watcher.as_ref().map(Watcher::fd)
    }

    /// Watches the real place of `path`, behind all symbolic links. `None`: it cannot be watched.
    pub fn watch(&mut self, path: &Str) -> Option<Watch> {
        let named = Path::new(std::ffi::OsStr::from_bytes(path));
        let real = std::fs::canonicalize(named).ok()?;
        let (directory, name) = (real.parent()?, real.file_name()?);
        let watch = match self.watcher.as_ref()?.watch(directory) {
            Ok(watch) => watch,
            Err(error) => {
                // A directory that is gone by now, or may not be read, says nothing about the rest.
                if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::OutOfMemory) {
                    self.warn("inotify_add_watch()", &error);
                }
                return None;
            }
        };
        let known = self.paths.entry(watch).or_default();
        if !known.iter().any(|(_, known)| known == path) {
            known.push((name.as_bytes().into(), path.clone()));
        }
        Some(watch)
    }

    /// Nobody asks for `path` any more, for which `watch` was made.
    pub fn forget(&mut self, path: &Str, watch: Option<Watch>) {
        let (Some(watch), Some(watcher)) = (watch, &self.watcher) else { return };
        let Some(known) = self.paths.get_mut(&watch) else { return };
        known.retain(|(_, known)| known != path);
        if known.is_empty() {
            self.paths.remove(&watch);
            watcher.forget(watch);
        }
    }

    /// Forgets all directories.
    pub fn clear(&mut self) {
        if let Some(watcher) = &self.watcher {
            self.paths.drain().for_each(|(watch, _)| watcher.forget(watch));
        }
    }

    /// What changed since the last call.
    pub fn changes(&mut self) -> Stale {
        let mut stale = Vec::new();
        for change in self.watcher.iter().flat_map(Watcher::changes) {
            match change {
                Change::Overflow => return Stale::All,
                Change::Directory(watch) => {
                    let known = self.paths.get(&watch).into_iter().flatten();
                    stale.extend(known.map(|(_, path)| path.clone()));
                }
                Change::Entry(watch, changed) => {
                    let known = self.paths.get(&watch).into_iter().flatten();
                    let same = known.filter(|(name, _)| **name == *changed.as_bytes());
                    stale.extend(same.map(|(_, path)| path.clone()));
                }
            }
        }
        Stale::Paths(stale)
    }
}
