//! Changes of files, as they happen (`inotify(7)`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// A set of watched directories.
pub struct Watcher(Inotify);

/// Names one watched directory.
pub type Watch = WatchDescriptor;

/// What happened.
pub enum Change {
    /// Something happened to the entry of that name in the watched directory.
    Entry(Watch, std::ffi::OsString),
    /// Something happened to the directory itself: it was moved, deleted or unmounted.
    Directory(Watch),
    /// Events were lost: everything known may be stale.
    Overflow,
}

impl Watcher {
    /// An empty set.
    pub fn new() -> io::Result<Watcher> {
        Ok(Watcher(Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?))
    }

    /// Watches the entries of `directory`. Watching it twice gives the same watch.
    /// Fails when the system's limit is reached.
    pub fn watch(&self, directory: &Path) -> io::Result<Watch> {
        let mask = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        Ok(self.0.add_watch(directory, mask)?)
    }

    /// Stops watching. A directory that is gone already is no error.
    pub fn forget(&self, watch: Watch) {
        let _ = self.0.rm_watch(watch);
    }

    /// The changes since the last call.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Ok(events) = self.0.read_events() {
            changes.extend(events.into_iter().map(|event| {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    return Change::Overflow;
                }
                match event.name {
                    Some(name) => Change::Entry(event.wd, name),
                    None => Change::Directory(event.wd),
                }
            }));
        }
        changes
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
