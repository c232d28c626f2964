//! Names that nobody asks for: what is not complete, or on its way out, stands beside its place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::process;

/// What hidden names begin with.
pub(crate) const BEGINNING: &str = ".rserve-";
/// So many names are tried.
const TRIES: usize = 100;

/// Makes something in `dir` under a name that nothing has; `make` fails with `AlreadyExists` if something has it.
pub fn with_name<T>(
    dir: &Path,
    ending: &str,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..TRIES {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("{BEGINNING}{}-{number}{ending}", process::pid()));
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|made| (made, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
