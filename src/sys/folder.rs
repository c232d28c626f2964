//! Folders that others may look into.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::file::with_umask;
use crate::user::Identity;

/// Makes a folder that is this user's, or `user`'s, and that others may look into; those above it that are missing as well.
/// One that is there stays as it is.
pub fn make(path: &Path, user: Option<&Identity>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|known| known.is_dir()) {
        return Ok(());
    }
    with_umask(0o022, || {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().mode(0o755).recursive(true).create(parent)?;
        }
        DirBuilder::new().mode(0o755).create(path)
    })?;
    user.map_or(Ok(()), |user| user.own(&File::open(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_there_stays_as_it_is() {
        let root = std::env::temp_dir().join(format!("rserve-folder-{}", crate::process::pid()));
        let path = root.join("a/b");
        make(&path, None).expect("made");
        let mode = || fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o755);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("chmod");
        make(&path, None).expect("there");
        assert_eq!(mode(), 0o777);
        fs::write(root.join("file"), "").expect("a file");
        assert!(
            make(&root.join("file"), None).is_err() && make(&root.join("file/x"), None).is_err()
        );
        fs::remove_dir_all(&root).expect("removed");
    }
}
