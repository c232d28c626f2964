//! The pid file: where others find the master.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sys::unix::Identity;

/// The process number in the file.
pub fn read(path: &Path) -> io::Result<i32> {
    let mut text = String::new();
    open(path, false)?.take(MOST).read_to_string(&mut text)?;
    let number = text.trim().parse::<i32>().ok().filter(|pid| *pid > 0);
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no process number in it"))
}

/// A pid file is no longer than this.
const MOST: u64 = 32;

/// Writes this process's number, creating the directory if only that is missing. A file that has
/// anything else in it than a number, or the number of another process that lives, is somebody else's, and
/// stays. So does a link, and what it leads to.
pub fn write(path: &Path) -> io::Result<()> {
    if let Some(pid) = other(path) {
        return Err(taken(format!("it names the process {pid}, which runs")));
    }
    let is_new = !path.exists();
    let mut file = match (open(path, true), path.parent()) {
        (Err(error), Some(directory)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir(directory)?;
            open(path, true)?
        }
        (opened, _) => opened?,
    };
    let text = format!("{}\n", sys::process::pid());
    let written = match file.metadata()?.is_file() {
        true => replace(&mut file, &text),
        false => file.write_all(text.as_bytes()),
    };
    if written.is_err() && is_new {
        let _ = fs::remove_file(path);
    }
    written
}

fn replace(file: &mut fs::File, text: &str) -> io::Result<()> {
    let mut before = Vec::new();
    file.take(MOST + 1).read_to_end(&mut before)?;
    let number = before.trim_ascii();
    if before.len() as u64 > MOST || !number.iter().all(u8::is_ascii_digit) {
        return Err(taken("it is there and is no pid file: it has something else in it"));
    }
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// Opens a file, or a device like `/dev/null`, without waiting for the other end of a FIFO.
fn open(path: &Path, write: bool) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(write).create(write).mode(0o644);
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink()) {
        return Err(taken("it is a link"));
    }
    let file = options.custom_flags(sys::file::NONBLOCK | sys::file::NOFOLLOW).open(path)?;
    let kind = file.metadata()?.file_type();
    match kind.is_file() || kind.is_char_device() {
        true => Ok(file),
        false => Err(taken("it is there and is no file")),
    }
}

fn taken(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, message.into())
}

/// The process that the file names, if that is another one that lives and may have the file: a server that
/// answers beside it, or one of which nothing is known. A socket beside it on which nobody listens
/// proves that its server is dead, and the number another's by now.
pub fn other(path: &Path) -> Option<i32> {
    let pid = read(path).ok().filter(|pid| *pid != sys::process::pid())?;
    if !sys::process::lives(pid) {
        return None;
    }
    let dead = match sys::unix::connect(&control_socket(path)) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
    };
    (!dead).then_some(pid)
}

/// Whether both names lead to one file, however they are spelled.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).ok().map(|found| Identity::from(&found));
    one == other || identity(one).is_some_and(|found| Some(found) == identity(other))
}

/// Whether this process's number is in the file.
pub fn is_ours(path: &Path) -> bool {
    read(path).ok() == Some(sys::process::pid())
}

/// Whether there is no pid file, but a device: `/dev/null`. Nothing may stand beside it by its name.
pub fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// Takes the file away if this process's number is in it.
pub fn remove(path: &Path) {
    if !is_device(path) && is_ours(path) {
        let _ = fs::remove_file(path);
    }
}

/// Gives the file a new name, if it is ours, and if the new name is free or an old pid file's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        // Somebody has cleaned up. Nothing is lost by it: the number is known.
        return write(to);
    }
    if !is_ours(from) {
        return Err(taken("the pid file is not this process's any more"));
    }
    if fs::symlink_metadata(to).is_ok() && (read(to).is_err() || other(to).is_some()) {
        return Err(taken(format!("\"{}\" is there and is somebody else's", to.display())));
    }
    fs::rename(from, to)
}

/// Takes away what a predecessor left that was killed: its control socket, on which nobody listens, and the
/// file beside it with a number that no process has.
pub fn remove_stale(path: &Path) {
    let socket = control_socket(path);
    let Ok(sys::unix::Occupant::Abandoned(socket)) = sys::unix::Occupant::of(&socket) else {
        return;
    };
    socket.remove();
    if read(path).is_ok_and(|pid| !sys::process::lives(pid)) {
        let _ = fs::remove_file(path);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pid_file_is_written_over() {
        let path = std::env::temp_dir().join(format!("rserve-pid-{}", sys::process::pid()));
        for before in ["", "4194304\n", "12345678901234567890\n"] {
            fs::write(&path, before).expect("a file");
            assert!(write(&path).is_ok(), "{before:?}");
            assert!(is_ours(&path));
        }
        for before in ["key = value\n", "12 13\n", &"1".repeat(40)] {
            fs::write(&path, before).expect("a file");
            assert!(write(&path).is_err(), "{before:?}");
            assert_eq!(fs::read_to_string(&path).expect("still there"), *before);
        }
        // Another process's, which lives: the one that started this test.
        fs::write(&path, format!("{}\n", sys::process::parent())).expect("a file");
        assert!(write(&path).is_err() && !is_ours(&path));
        fs::remove_file(&path).expect("removed");
        // A link, and what it leads to.
        let target = path.with_extension("target");
        fs::write(&target, "").expect("a file");
        std::os::unix::fs::symlink(&target, &path).expect("a link");
        assert!(write(&path).is_err());
        remove(&path);
        assert!(path.is_symlink() && fs::read(&target).expect("there").is_empty());
        for path in [&path, &target] {
            fs::remove_file(path).expect("removed");
        }
        assert!(write(Path::new("/dev/null")).is_ok());
        remove(Path::new("/dev/null"));
        assert!(Path::new("/dev/null").exists());
    }
}
