//! Directories: made like others, and removed with what is in them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sys::folder::make_one;

/// Makes a directory with the mode of another one; its owner may fill it.
pub fn make_dir_like(path: &Path, like: &Path) -> io::Result<()> {
    make_one(path, fs::metadata(like)?.permissions().mode() & 0o7777 | 0o700)
}

/// Removes what is at a path, whatever it is.
pub fn remove_any(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}
