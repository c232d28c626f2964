//! Folders that others may look into.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::file::with_umask;
use crate::user::Identity;

/// Makes a folder of this mode that is this user's, or `user`'s; those above it that are missing as well, which everybody may
/// look into. One that is there stays as it is.
pub fn make(path: &Path, mode: u32, user: Option<&Identity>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|known| known.is_dir()) {
        return Ok(());
    }
    with_umask(0o022, || {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().mode(0o755).recursive(true).create(parent)?;
        }
        make_one(path, mode)
    })?;
    user.map_or(Ok(()), |user| user.own(&File::open(path)?))
}

/// Makes a folder with this mode, whatever the process's mask is. What it has of the folder above it (`setgid`) stays.
pub fn make_one(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    let made = || {
        let has = fs::symlink_metadata(path)?.permissions().mode() & 0o7777;
        match has & 0o777 == mode {
            true => Ok(()),
            false => fs::set_permissions(path, Permissions::from_mode(has & 0o7000 | mode)),
        }
    };
    made().inspect_err(|_| drop(fs::remove_dir(path)))
}

/// Makes a folder and those above it that are missing, all with this mode; gives the ones that were made. If one cannot be,
/// none is.
pub fn make_with(path: &Path, mode: u32) -> io::Result<Vec<PathBuf>> {
    let missing = path.ancestors().take_while(|folder| !folder.is_dir()).map(Path::to_owned);
    let mut missing: Vec<_> = missing.collect();
    missing.reverse();
    let mut made: Vec<PathBuf> = Vec::new();
    for folder in missing {
        match make_one(&folder, mode) {
            // Somebody else has made it, whose it is.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => {
                made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
                return Err(error);
            }
            Ok(()) => made.push(folder),
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_as_it_is() {
        let root = std::env::temp_dir().join(format!("rserve-folder-{}", crate::process::pid()));
        let path = root.join("a/b");
        make(&path, 0o755, None).expect("made");
        let mode = || fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o755);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
        make(&path, 0o755, None).expect("there");
        assert_eq!(mode(), 0o777);
        fs::write(root.join("file"), "").expect("a file");
        assert!(
            make(&root.join("file"), 0o755, None).is_err()
                && make(&root.join("file/x"), 0o755, None).is_err()
        );
        fs::remove_dir_all(&root).expect("removed");
    }
}
