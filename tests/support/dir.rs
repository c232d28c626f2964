//! A directory of the test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Bytes of a directory's path, wherever directories for temporary files are: answers that have a path in them, and messages
/// that are cut to a width, can be compared.
const LENGTH: usize = 40;

/// A directory that goes away with the value. It has `html/` and `logs/`, which workers that run as
/// another user can read.
pub struct Dir(PathBuf);

impl Dir {
    /// Makes one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The real path: what the server logs is what the test compares with.
        let parent =
            fs::canonicalize(std::env::temp_dir()).expect("a directory for temporary files");
        let id = format!("{}-{number}", std::process::id());
        let width = LENGTH.saturating_sub(parent.join("rserve-test-").as_os_str().len());
        let dir = Dir(parent.join(format!("rserve-test-{id:->width$}")));
        for path in ["", "html", "logs"] {
            let path = dir.path(path);
            fs::create_dir_all(&path).expect("a directory");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("chmod");
        }
        dir
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        match path {
            "" => self.0.clone(),
            path => self.0.join(path),
        }
    }

    /// Writes a file, and makes its directories.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// The text of a file; empty if there is none.
    pub fn text(&self, path: &str) -> String {
        let bytes = fs::read(self.path(path)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sets the time of a file's last change, in seconds since 1970.
pub fn set_modified(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_modified(time).expect("utimensat");
}

/// So many bytes, such that no part is like another at another place.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}
