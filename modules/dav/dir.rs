//! Directories: made with a mode, and removed with what is in them.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes a directory with this mode, whatever the process's mask is.
pub fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The same with the mode of another one; its owner may fill it.
pub fn make_dir_like(path: &Path, like: &Path) -> io::Result<()> {
    make_dir(path, fs::metadata(like)?.permissions().mode() & 0o7777 | 0o700)
}

/// Removes what is at a path, whatever it is.
pub fn remove_any(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}
