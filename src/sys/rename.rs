//! Renaming, in the ways that `rename(2)` has not.

use std::io;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

/// Each gets the other's name, at once: never is there nothing under either. The error is `Unsupported` where the file
/// system cannot.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    with(one, other, RenameFlags::RENAME_EXCHANGE)
}

/// Renames, and replaces nothing: `AlreadyExists`. Where the file system cannot say so at once, it is looked at before.
pub fn to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match with(from, to, RenameFlags::RENAME_NOREPLACE) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        result => return result,
    }
    match std::fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

fn with(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    use nix::errno::Errno;
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) {
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        result => Ok(result?),
    }
}
