//! A file that has no name until it is complete. What ends before, by whatever, leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

use crate::process;

/// A file without a name, open for reading and writing. Where the file system knows no such files it has a hidden name,
/// which goes with it.
#[derive(Debug)]
pub struct Unnamed {
    file: File,
    dir: PathBuf,
    hidden: Option<PathBuf>,
}

/// So many names are tried.
const TRIES: usize = 100;

impl Unnamed {
    /// Makes one on the file system of `dir`, readable by this user alone.
    pub fn create(dir: &Path) -> io::Result<Unnamed> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE | libc::O_CLOEXEC);
        let dir = dir.to_owned();
        match options.open(&dir) {
            Ok(file) => Ok(Unnamed { file, dir, hidden: None }),
            // An old kernel takes the flag for one that opens directories.
            Err(error) if is_unknown(&error) => {
                let make = |path: &Path| {
                    OpenOptions::new()
                        .read(true)
                        .write(true)
                        .create_new(true)
                        .mode(0o600)
                        .open(path)
                };
                let (file, path) = with_hidden_name(&dir, make)?;
                Ok(Unnamed { file, dir, hidden: Some(path) })
            }
            Err(error) => Err(error),
        }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives it a name, which must be on the same file system. What has that name is replaced, at once and as a whole.
    pub fn install(mut self, path: &Path) -> io::Result<()> {
        if let Some(hidden) = self.hidden.take() {
            return fs::rename(&hidden, path).inspect_err(|_| drop(fs::remove_file(&hidden)));
        }
        match self.link(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
        let ((), hidden) = with_hidden_name(&self.dir, |hidden| self.link(hidden))?;
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

/// Makes something under a name that nothing has.
fn with_hidden_name<T>(
    dir: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..TRIES {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!(".rserve-{}-{number}.tmp", process::pid()));
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|made| (made, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
}
