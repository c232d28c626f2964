//! A file that lines are appended to: a log, whatever its path leads to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::unix::Identity;
use crate::{process, user};

/// The reader of a pipe that stands still is waited for so long, and then its lines are lost until it
/// reads again: logging must not stop the server.
const PATIENCE_MS: i32 = 1000;

/// An open log. One write per line on an O_APPEND descriptor: lines of several processes do not mix.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    /// A file in the file system, which nobody has to read for us to go on.
    regular: bool,
    stalled: AtomicBool,
}

impl AppendFile {
    /// Opens a file for appending, creating it, and its directory if only that is missing. A FIFO does
    /// not need a reader.
    pub fn open(path: &Path) -> io::Result<AppendFile> {
        let is_fifo = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        // Open for reading, too, a FIFO is never without a reader: opening it waits for nobody.
        let options = OpenOptions::new().read(is_fifo).append(true).create(true).clone();
        let open = || crate::descriptors::retry(|| options.open(path));
        let file = match (open(), path.parent()) {
            (Err(error), Some(directory)) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir(directory).and_then(|()| open())
            }
            (opened, _) => opened,
        }?;
        let regular = file.metadata()?.is_file();
        Ok(AppendFile { file, regular, stalled: AtomicBool::new(false) })
    }

    /// Opens a regular file, and nothing else, in a directory that is there: of a name that others have a part in.
    pub fn open_regular(path: &Path) -> io::Result<AppendFile> {
        // A FIFO without a reader, or a device, is not waited for.
        let options =
            OpenOptions::new().append(true).create(true).custom_flags(libc::O_NONBLOCK).clone();
        let file = crate::descriptors::retry(|| options.open(path))?;
        match file.metadata()?.is_file() {
            true => Ok(AppendFile { file, regular: true, stalled: AtomicBool::new(false) }),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        }
    }

    /// Whether `path` leads to what is open here, and that is nothing that is ever rotated. A worker
    /// could not open a pipe or a terminal of its master's again.
    pub fn is_lasting(&self, path: &Path) -> bool {
        let same = |path: &Path| {
            let (found, open) = (std::fs::metadata(path).ok()?, self.file.metadata().ok()?);
            Some(Identity::from(&found) == Identity::from(&open))
        };
        !self.regular && same(path).unwrap_or(false)
    }

    /// Whether `path` leads to what is open here.
    pub fn is_at(&self, path: &Path) -> bool {
        let open = self.file.metadata().map(|open| Identity::from(&open));
        let found = std::fs::metadata(path).map(|found| Identity::from(&found));
        matches!((open, found), (Ok(open), Ok(found)) if open == found)
    }

    /// Appends whole lines with one write.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        if !self.regular {
            wait_writable(self.file.as_raw_fd(), &self.stalled)?;
        }
        (&self.file).write_all(lines)
    }

    /// Gives the file that was opened at `path` to `user`. Not one that a link led to, and not one with
    /// another name: whoever may write to the directory could have put somebody else's file there.
    pub fn give_to(&self, user: &user::Identity, path: &Path) -> io::Result<()> {
        let open = self.file.metadata()?;
        let itself = Identity::of(path).is_ok_and(|found| found == Identity::from(&open));
        match self.regular && itself && open.nlink() == 1 {
            true => user.own(&self.file),
            false => Ok(()),
        }
    }

    /// Makes standard error write here.
    pub fn take_stderr(&self) -> io::Result<()> {
        process::redirect_stderr(&self.file)
    }
}

impl AsRawFd for AppendFile {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

static STDERR_STALLED: AtomicBool = AtomicBool::new(false);

/// Writes whole lines to standard error, which may be anything.
pub fn write_to_stderr(lines: &[u8]) -> io::Result<()> {
    let mut stderr = io::stderr();
    wait_writable(stderr.as_raw_fd(), &STDERR_STALLED)?;
    stderr.write_all(lines)
}

fn wait_writable(fd: RawFd, stalled: &AtomicBool) -> io::Result<()> {
    let patience = if stalled.load(Ordering::Relaxed) { 0 } else { PATIENCE_MS };
    let writable = process::wait_writable(fd, patience);
    stalled.store(!writable, Ordering::Relaxed);
    match writable {
        true => Ok(()),
        false => Err(io::ErrorKind::WouldBlock.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_fifo_without_a_reader_stops_nobody() {
        let path = std::env::temp_dir().join(format!("rserve-fifo-{}", process::pid()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let log = AppendFile::open(&path).expect("open");
        assert!(log.is_lasting(&path));
        log.write(b"first\n").expect("there is room");
        // Its memory is full at last: the line is lost, the writer goes on.
        let line = [b'x'; 4096];
        let error = (0..1000).find_map(|_| log.write(&line).err()).expect("full");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(log.write(&line).is_err());
        // Who comes to read finds what came first, and there is room again.
        let mut reader = File::open(&path).expect("a reader");
        let mut read = vec![0; 40960];
        let count = reader.read(&mut read).expect("lines");
        assert!(read[..count].starts_with(b"first\n"));
        log.write(&line).expect("room again");
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn a_rotated_file_is_not_lasting() {
        let path = std::env::temp_dir().join(format!("rserve-append-{}", process::pid()));
        let log = AppendFile::open(&path).expect("open");
        assert!(!log.is_lasting(&path));
        std::fs::remove_file(&path).expect("removed");
        assert!(
            AppendFile::open(Path::new("/dev/null"))
                .expect("open")
                .is_lasting("/dev/null".as_ref())
        );
    }
}
