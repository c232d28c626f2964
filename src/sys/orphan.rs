//! Hidden files whose makers were killed, where the file system knows no files without a name.
//!
//! That one is ours is told by its mode, the sticky bit, which means nothing on a file and which no client can ask for;
//! that nobody is at work on it, by its lock, which goes with its maker.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::{hidden, lock};

/// Ours, and not complete.
const MARKED: u32 = 0o1600;
const COMPLETE: u32 = 0o600;

/// Makes a file that is swept away when this process dies.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(COMPLETE).open(path)?;
    // As long as it is not marked nobody takes it away; without a lock, on a file system that has none, nobody ever does.
    if lock::exclusive(&file, false).is_ok() {
        file.set_permissions(fs::Permissions::from_mode(MARKED))?;
    }
    Ok(file)
}

/// The file is complete, and somebody's from now on.
pub fn adopt(file: &File) -> io::Result<()> {
    let mode = file.metadata()?.mode() & 0o7777;
    match mode == MARKED {
        true => file.set_permissions(fs::Permissions::from_mode(COMPLETE)),
        false => Ok(()),
    }
}

/// Removes those in a directory whose makers are gone.
pub fn sweep(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let hidden = |name: &[u8]| name.starts_with(hidden::BEGINNING.as_bytes());
    for entry in entries.filter(|entry| hidden(entry.file_name().as_encoded_bytes())) {
        let marked = |about: &fs::Metadata| about.is_file() && about.mode() & 0o7777 == MARKED;
        let is_orphan = || {
            let mut options = OpenOptions::new();
            // Written to, since NFS locks nothing else; without waiting, whatever has taken its place.
            let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
            let file =
                options.read(true).write(true).custom_flags(flags).open(entry.path()).ok()?;
            // It may have got its place meanwhile, and its mark is gone.
            (marked(&file.metadata().ok()?) && lock::exclusive(&file, false).is_ok()).then_some(())
        };
        if entry.metadata().is_ok_and(|about| marked(&about)) && is_orphan().is_some() {
            let _ = fs::remove_file(entry.path());
        }
    }
}
