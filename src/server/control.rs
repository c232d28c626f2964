//! The control socket beside the pid file: `-s reload`, `-s upgrade` and `-s certificates` ask there and wait for the
//! verdict.
//!
//! ```text
//! client: reload\n    or   upgrade\n   or   certificates\n        master: ok\n   or   failed\n<the reason, several lines>
//! ```
//! Only the master's own user may connect (mode 0600). The master waits for none of its clients.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use sys::clock::monotonic_ms;
use sys::unix::{Occupant, SocketFile, with_short_path};

use crate::Failure;

/// A client that has not sent its line by then is sent away.
const PATIENCE_MS: u64 = 5000;
/// So many may be in the middle of their line; more wait to be accepted.
const MOST_CLIENTS: usize = 16;
const LONGEST_LINE: usize = 16;
/// A verdict that is not there by then will not come: the master is stopped, or waits for workers that
/// were given more time than that.
const VERDICT: Duration = Duration::from_secs(300);

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the new configuration.
    Reload,
    /// Start the new binary, and leave when it serves.
    Upgrade,
    /// Take certificates whose files have changed.
    Certificates,
}

impl Command {
    /// The word on the wire.
    fn word(self) -> &'static str {
        match self {
            Command::Reload => "reload",
            Command::Upgrade => "upgrade",
            Command::Certificates => "certificates",
        }
    }

    fn of(line: &[u8]) -> Option<Command> {
        [Command::Reload, Command::Upgrade, Command::Certificates]
            .into_iter()
            .find(|command| command.word().as_bytes() == line)
    }
}

/// The master's end.
pub struct Control {
    listener: UnixListener,
    file: SocketFile,
    clients: Vec<Client>,
}

/// One who has not finished its line.
struct Client {
    stream: UnixStream,
    line: Vec<u8>,
    due: u64,
}

impl Control {
    /// Listens at `path`; what a dead predecessor left there goes away, anything else stays and is an
    /// error.
    pub fn open(path: &Path) -> io::Result<Control> {
        if !Occupant::make_room(path) {
            let message = "something is there that is not this server's";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        // Its mode is right from the first moment on: a later change would go by the path.
        let bind = || with_short_path(path, |path| UnixListener::bind(path));
        let listener = sys::file::with_umask(0o177, bind)?;
        let file = SocketFile::at(path)?;
        listener.set_nonblocking(true).inspect_err(|_| file.remove())?;
        Ok(Control { listener, file, clients: Vec::new() })
    }

    /// All descriptors: a worker must close them.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.awaited().chain([self.listener.as_raw_fd()]).collect()
    }

    /// What can be read from now: of new clients only if there is room for one.
    pub fn readable(&self) -> Vec<RawFd> {
        let room = self.clients.len() < MOST_CLIENTS;
        self.awaited().chain(room.then_some(self.listener.as_raw_fd())).collect()
    }

    fn awaited(&self) -> impl Iterator<Item = RawFd> {
        self.clients.iter().map(|client| client.stream.as_raw_fd())
    }

    /// When the first client is sent away.
    pub fn next_due(&self) -> Option<u64> {
        self.clients.iter().map(|client| client.due.saturating_sub(monotonic_ms())).min()
    }

    /// Listens at `path` from now on. The socket is a new one: the kernel's table, by which others see
    /// whose a file is, keeps the name that a socket was made with.
    pub fn move_to(&mut self, path: &Path) -> io::Result<()> {
        if path == self.file.path() && self.file.is_there() {
            return Ok(());
        }
        let moved = Control::open(path)?;
        self.accept();
        let before = std::mem::replace(self, moved);
        before.remove();
        self.clients = before.clients;
        Ok(())
    }

    /// Takes the socket's file away.
    pub fn remove(&self) {
        self.file.remove();
    }

    fn accept(&mut self) {
        while self.clients.len() < MOST_CLIENTS
            && let Ok((stream, _)) = self.listener.accept()
        {
            if stream.set_nonblocking(true).is_ok() {
                let due = monotonic_ms() + PATIENCE_MS;
                self.clients.push(Client { stream, line: Vec::new(), due });
            }
        }
    }

    /// The next command that has come whole.
    pub fn next(&mut self) -> Option<(UnixStream, Command)> {
        self.accept();
        let mut at = 0;
        while let Some(client) = self.clients.get_mut(at) {
            match client.read() {
                Ok(None) => at += 1,
                Ok(Some(command)) => return Some((self.clients.swap_remove(at).stream, command)),
                Err(_) => drop(self.clients.swap_remove(at)),
            }
        }
        None
    }
}

impl Client {
    /// Reads what has come: an command, nothing yet, or a reason to send the client away.
    fn read(&mut self) -> io::Result<Option<Command>> {
        let mut byte = [0];
        loop {
            match self.stream.read(&mut byte) {
                Ok(1) if byte == *b"\n" => {
                    let command = Command::of(&self.line);
                    return command.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into());
                }
                Ok(1) if self.line.len() < LONGEST_LINE => self.line.push(byte[0]),
                Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return match monotonic_ms() < self.due {
                        true => Ok(None),
                        false => Err(io::ErrorKind::TimedOut.into()),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Tells a client how it went.
pub fn answer(mut client: UnixStream, verdict: &Result<(), Failure>) {
    let text = match verdict {
        Ok(()) => "ok\n".to_owned(),
        Err(failure) => format!("failed\n{failure}\n"),
    };
    // A few lines fit into the socket's buffer; who does not want them does not get them.
    let _ = client.write_all(text.as_bytes());
}

/// Asks the master at the other end and waits for its verdict.
pub fn ask(mut master: UnixStream, command: Command) -> Result<(), Failure> {
    let failed =
        |e: io::Error| Failure::new(format!("the master does not answer {}", sys::log::errno(&e)));
    let what = command.word();
    // The master's own patience with its workers ends before (worker_ready_timeout).
    master.set_read_timeout(Some(VERDICT)).map_err(failed)?;
    master.write_all(format!("{what}\n").as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    master.read_to_string(&mut answer).map_err(failed)?;
    match answer.split_once('\n') {
        Some(("ok", _)) => Ok(()),
        Some(("failed", reason)) => Err(Failure::new(reason.trim_end())),
        _ => Err(Failure::new(format!("the master ended before the {what} was done"))),
    }
}
