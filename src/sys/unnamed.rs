//! A file that has no name until it is complete. What ends before, by whatever, leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

use crate::{hidden, orphan};

/// A file without a name, open for reading and writing. Where the file system knows no such files it has a hidden name,
/// which goes with it.
#[derive(Debug)]
pub struct Unnamed {
    file: File,
    dir: PathBuf,
    hidden: Option<PathBuf>,
}

impl Unnamed {
    /// Makes one on the file system of `dir`, readable by this user alone.
    pub fn create(dir: &Path) -> io::Result<Unnamed> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE | libc::O_CLOEXEC);
        match options.open(dir) {
            Ok(file) => Ok(Unnamed { file, dir: dir.to_owned(), hidden: None }),
            // An old kernel takes the flag for one that opens directories.
            Err(error) if is_unknown(&error) => Unnamed::hidden(dir),
            Err(error) => Err(error),
        }
    }

    /// One with a hidden name. Those whose makers were killed go first.
    fn hidden(dir: &Path) -> io::Result<Unnamed> {
        orphan::sweep(dir);
        let (file, path) = hidden::with_name(dir, ".tmp", orphan::create)?;
        Ok(Unnamed { file, dir: dir.to_owned(), hidden: Some(path) })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives it a name, which must be on the same file system. What has that name is replaced, at once and as a whole.
    pub fn install(mut self, path: &Path) -> io::Result<()> {
        if let Some(hidden) = self.hidden.take() {
            orphan::adopt(&self.file)?;
            return fs::rename(&hidden, path).inspect_err(|_| drop(fs::remove_file(&hidden)));
        }
        match self.link(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
        let ((), hidden) = hidden::with_name(&self.dir, ".tmp", |hidden| self.link(hidden))?;
        fs::rename(&hidden, path).inspect_err(|_| drop(fs::remove_file(&hidden)))
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        let own = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        Ok(linkat(AT_FDCWD, &own, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            let _ = fs::remove_file(hidden);
        }
    }
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use crate::process;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a directory").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_there_when_it_is_complete() {
        let dir = std::env::temp_dir().join(format!("unnamed-{}", process::pid()));
        fs::create_dir_all(&dir).expect("a directory");
        let path = dir.join("name");
        for text in ["first", "second"] {
            let unnamed = Unnamed::create(&dir).expect("a file");
            (&mut unnamed.file()).write_all(text.as_bytes()).expect("written");
            assert_eq!(
                fs::read_to_string(&path).ok().as_deref(),
                (text == "second").then_some("first")
            );
            unnamed.install(&path).expect("a name");
            assert_eq!(fs::read_to_string(&path).expect("text"), text);
        }
        drop(Unnamed::create(&dir).expect("a file"));
        // What cannot be replaced stays, and nothing else does.
        let unnamed = Unnamed::create(&dir).expect("a file");
        fs::create_dir(dir.join("dir")).expect("a directory");
        assert!(unnamed.install(&dir.join("dir")).is_err());
        let mut left = names(&dir);
        left.sort();
        assert_eq!(left, ["dir", "name"]);
        fs::remove_dir_all(&dir).expect("removed");
    }

    /// As on a file system that knows no files without a name.
    #[test]
    fn a_hidden_name_goes_with_its_file_and_with_its_maker() {
        let dir = std::env::temp_dir().join(format!("hidden-{}", process::pid()));
        fs::create_dir_all(&dir).expect("a directory");
        drop(Unnamed::hidden(&dir).expect("a file"));
        assert!(names(&dir).is_empty());
        // A file of somebody's, whatever its name, and one at work.
        fs::write(dir.join(".rserve-1-1.tmp"), "mine").expect("a file");
        let at_work = Unnamed::hidden(&dir).expect("a file");
        let left = Unnamed::hidden(&dir).expect("a file");
        assert_eq!(names(&dir).len(), 3);
        // Its maker is killed: the file is closed, and its name stays.
        let name = left.hidden.clone().expect("a name");
        let mut left = std::mem::ManuallyDrop::new(left);
        // The descriptor goes, without what `drop` would do besides.
        drop(std::mem::replace(&mut left.file, File::open("/dev/null").expect("a file")));
        assert!(name.exists());
        let next = Unnamed::hidden(&dir).expect("a file");
        assert!(!name.exists());
        let path = dir.join("name");
        next.install(&path).expect("a name");
        at_work.install(&path).expect("a name");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o600);
        let mut kept = names(&dir);
        kept.sort();
        assert_eq!(kept, [".rserve-1-1.tmp", "name"]);
        fs::remove_dir_all(&dir).expect("removed");
    }
}
