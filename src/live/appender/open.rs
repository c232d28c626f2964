//! How a file is opened that is going to grow, and what failed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sys::{file, lock};

/// What is done with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is emptied.
    Replace,
    /// It goes on.
    Keep,
    /// It goes on; if there is none, none is made.
    Require,
}

/// What could not be done with a file.
#[derive(Debug)]
pub struct Failed {
    /// The call.
    pub call: &'static str,
    /// Why.
    pub error: io::Error,
}

impl Failed {
    /// Whether another process, or another part of this one, writes to the file.
    pub fn is_busy(&self) -> bool {
        self.call == "flock" && self.error.kind() == io::ErrorKind::WouldBlock
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_busy() {
            true => f.write_str("another writes to it"),
            false => write!(f, "{}() failed ({})", self.call, self.error),
        }
    }
}

/// Gives an error the name of its call.
pub fn at<T>(call: &'static str, result: io::Result<T>) -> Result<T, Failed> {
    result.map_err(|error| Failed { call, error })
}

/// Opens a file to write, or makes it. It blocks: for another thread. A link, a directory, a pipe in its place is an error;
/// `sole`: so is another writer.
pub fn open(path: &Path, existing: Existing, sole: bool) -> Result<File, Failed> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(existing != Existing::Require).truncate(false);
    options.mode(0o644).custom_flags(file::NOFOLLOW | file::NONBLOCK);
    let file = at("open", options.open(path))?;
    if !at("fstat", file.metadata())?.is_file() {
        let error = io::Error::other("this is no regular file");
        return Err(Failed { call: "open", error });
    }
    // Before it is emptied: it may be another's. Not every file system has locks.
    match lock::exclusive(&file, false) {
        Err(error) if sole && error.kind() == io::ErrorKind::WouldBlock => {
            return Err(Failed { call: "flock", error });
        }
        _ => {}
    }
    if existing == Existing::Replace {
        at("ftruncate", file.set_len(0))?;
    }
    Ok(file)
}
