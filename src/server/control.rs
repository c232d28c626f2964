//! The control socket beside the pid file: `-s reload` asks there and waits for the verdict.
//!
//! ```text
//! client: reload\n        master: ok\n   or   failed\n<the reason, several lines>
//! ```
//! Only the master's own user may connect (mode 0600).

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use crate::Failure;
use crate::master::Master;

/// A client that does not send its line, or does not take its answer, holds the master up this long.
const PATIENCE: Duration = Duration::from_secs(1);
const REQUEST: &[u8] = b"reload\n";

/// The master's end.
pub struct Control {
    listener: UnixListener,
}

impl Control {
    /// Listens at `path`; what a dead predecessor left there goes away.
    pub fn open(path: &Path) -> io::Result<Control> {
        let _ = std::fs::remove_file(path);
        let listener = with_short_path(path, |path| UnixListener::bind(path))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Control { listener })
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }

    fn request(&self) -> Option<UnixStream> {
        let (mut client, _) = self.listener.accept().ok()?;
        client.set_read_timeout(Some(PATIENCE)).ok()?;
        client.set_write_timeout(Some(PATIENCE)).ok()?;
        let mut line = [0; REQUEST.len()];
        client.read_exact(&mut line).ok()?;
        (line == REQUEST).then_some(client)
    }
}

impl Master {
    /// Answers those who ask for a reload.
    pub(crate) fn answer_control(&mut self) {
        while let Some(client) = self.control.as_ref().and_then(Control::request) {
            // Held where the workers that are forked meanwhile find their copy of it, to close it.
            self.asking = Some(client);
            let answer = match self.reload() {
                Ok(()) => "ok\n".to_owned(),
                Err(failure) => format!("failed\n{failure}\n"),
            };
            if let Some(mut client) = self.asking.take() {
                let _ = client.write_all(answer.as_bytes());
            }
        }
    }
}

/// Whether a master listens at `path`.
pub fn answers(path: &Path) -> bool {
    with_short_path(path, |path| UnixStream::connect(path)).is_ok()
}

/// Asks the master behind `path` for a reload and waits for its verdict.
pub fn ask_reload(path: &Path) -> Result<(), Failure> {
    let failed = |e: io::Error| {
        let errno = sys::log::errno(&e);
        Failure::new(format!("the master does not answer at \"{}\" {errno}", path.display()))
    };
    let mut master = with_short_path(path, |path| UnixStream::connect(path)).map_err(failed)?;
    master.write_all(REQUEST).map_err(failed)?;
    let mut answer = String::new();
    master.read_to_string(&mut answer).map_err(failed)?;
    match answer.split_once('\n') {
        Some(("ok", _)) => Ok(()),
        Some(("failed", reason)) => Err(Failure::new(reason.trim_end())),
        _ => Err(Failure::new("the master ended before the reload was done")),
    }
}

/// The address of a Unix socket holds 107 bytes. A longer path goes through its directory's
/// descriptor: `/proc/self/fd/N/name`.
fn with_short_path<T>(path: &Path, work: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() < 100 {
        return work(path);
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return work(path);
    };
    let directory = std::fs::File::open(directory)?;
    let fd = directory.as_raw_fd();
    work(&Path::new("/proc/self/fd").join(fd.to_string()).join(name))
}
