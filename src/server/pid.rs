//! The pid file: where others find the master.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The process number in the file.
pub fn read(path: &Path) -> io::Result<i32> {
    let text = fs::read_to_string(path)?;
    let number = text.trim().parse::<i32>().ok().filter(|pid| *pid > 0);
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no process number in it"))
}

/// Writes this process's number, creating the directory if only that is missing.
pub fn write(path: &Path) -> io::Result<()> {
    let text = format!("{}\n", sys::process::pid());
    match (fs::write(path, &text), path.parent()) {
        (Err(error), Some(directory)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir(directory)?;
            fs::write(path, &text)
        }
        (written, _) => written,
    }
}

/// The master that the file names, if it lives: if it answers at its control socket. Its number alone
/// proves nothing, another process may have it since.
pub fn running(path: &Path) -> Option<i32> {
    let pid = read(path).ok()?;
    let others = pid != sys::process::pid() && sys::process::exists(pid);
    (others && crate::control::answers(&control_socket(path))).then_some(pid)
}

/// The file's name while a newer binary has the plain one: `rserve.pid.oldbin`.
pub fn old_binary(path: &Path) -> PathBuf {
    extended(path, ".oldbin")
}

/// The name of the control socket beside the pid file.
pub fn control_socket(path: &Path) -> PathBuf {
    extended(path, ".sock")
}

fn extended(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
