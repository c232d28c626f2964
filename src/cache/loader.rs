//! The cache loader: the files that are in a directory come into an index that knows nothing yet. What an index has known before,
//! it still does after a reload, an upgrade and the death of a worker: then there is nothing to do.

use std::fs::{self, DirEntry};
use std::path::Path;

use sys::clock;

use crate::key;
use crate::state::blocks;
use crate::zone::Zone;

/// Looks through a cache's directory, and ends.
pub async fn run(zone: &Zone) {
    let mut going = Going { zone, begun: clock::monotonic_ms(), files: 0, all: 0 };
    going.through(&zone.settings.path, 0).await;
    if let Some(index) = zone.index() {
        index.set_whole();
    }
    let (name, files, bytes) = (zone.name(), going.all, zone.bytes());
    sys::log!(Notice, "cache zone \"{name}\": {files} files, {bytes} bytes were found");
}

struct Going<'z> {
    zone: &'z Zone,
    begun: u64,
    files: u64,
    all: u64,
}

impl Going<'_> {
    async fn through(&mut self, directory: &Path, level: usize) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                let (path, errno) = (directory.display(), sys::log::errno(&error));
                return sys::log!(Crit, "opendir() \"{path}\" failed {errno}");
            }
        };
        for entry in entries.flatten() {
            self.pause().await;
            match self.zone.settings.levels.get(level) {
                Some(&digits) if is_level(&entry, digits) => {
                    Box::pin(self.through(&entry.path(), level + 1)).await;
                }
                Some(_) => {}
                None => self.add(&entry),
            }
        }
    }

    /// A file, if it is where the cache would have it.
    fn add(&mut self, entry: &DirEntry) {
        let name = entry.file_name();
        let digest = name.to_str().and_then(key::of_name);
        let Some(digest) = digest.filter(|digest| self.zone.file(digest) == entry.path()) else {
            return;
        };
        let Some(found) = entry.metadata().ok().filter(fs::Metadata::is_file) else { return };
        let Some(index) = self.zone.index() else { return };
        let mut gone = Vec::new();
        // Nobody knows when it was asked for: as in nginx it has its time from now on.
        let used = u32::try_from(clock::wall().as_secs()).unwrap_or(u32::MAX);
        index.change(&digest, &mut gone, |state| {
            if !state.is_there {
                (state.is_there, state.status) = (true, 0);
                state.blocks = blocks(found.len());
                state.used = used;
            }
        });
        self.zone.delete(&gone);
        self.all += 1;
    }

    async fn pause(&mut self) {
        let rate = self.zone.settings.loader;
        self.files += 1;
        let is_long = clock::monotonic_ms() - self.begun >= rate.threshold;
        if self.files < rate.files && !is_long {
            return;
        }
        rt::sleep(rate.sleep.max(1)).await;
        (self.files, self.begun) = (0, clock::monotonic_ms());
    }
}

/// Whether it is a directory of a level. One that is a link leads elsewhere.
pub fn is_level(entry: &DirEntry, digits: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let name = entry.file_name();
    let name = name.as_encoded_bytes();
    let is_named = name.len() == digits && name.iter().all(|&byte| is_digit(byte));
    is_named && entry.file_type().is_ok_and(|kind| kind.is_dir())
}
