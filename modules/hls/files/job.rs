//! What other threads do: files are written, listed, removed.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// One step; steps are done in order.
pub enum Step {
    /// The directory is there.
    Directory(PathBuf),
    /// A file has these bytes, whole from its first moment on. `known`: it may be there already, of this length.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        bytes: Vec<u8>,
        /// If a file of this length is there, it is the one.
        keep: bool,
        /// Its rights.
        mode: u32,
    },
    /// A file is gone.
    Remove(PathBuf),
}

/// Does all steps; stops at the first that fails, and says which file that was about.
pub fn run(steps: Vec<Step>) -> Result<(), (PathBuf, io::Error)> {
    for step in steps {
        match step {
            Step::Directory(path) => {
                fs::create_dir_all(&path).map_err(|error| (path, error))?;
            }
            Step::Write { path, bytes, keep, mode } => {
                if !keep || !has_length(&path, bytes.len() as u64) {
                    write(&path, &bytes, mode).map_err(|error| (path, error))?;
                }
            }
            Step::Remove(path) => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((path, error)),
                _ => {}
            },
        }
    }
    Ok(())
}

fn has_length(path: &Path, len: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|known| known.is_file() && known.len() == len)
}

/// Under another name first: whoever reads the file has all of it, or what was there before.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut other = path.as_os_str().to_owned();
    other.push(".new");
    let other = PathBuf::from(other);
    let made = open(&other, mode).or_else(|error| match error.kind() {
        // What a killed worker has left.
        io::ErrorKind::AlreadyExists => fs::remove_file(&other).and_then(|()| open(&other, mode)),
        _ => Err(error),
    });
    let written = made.and_then(|mut file| io::Write::write_all(&mut file, bytes));
    written.and_then(|()| fs::rename(&other, path)).inspect_err(|_| {
        let _ = fs::remove_file(&other);
    })
}

fn open(path: &Path, mode: u32) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}
