//! Sockets in the file system: whose they are, and taking away just those that are ours.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt};
use socket2::{Domain, SockAddr, Socket, Type};

/// Which file a path led to: device and inode. A link is a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

impl Identity {
    /// What stands at `path` now.
    pub fn of(path: &Path) -> io::Result<Identity> {
        Ok(Identity::from(&fs::symlink_metadata(path)?))
    }
}

impl From<&fs::Metadata> for Identity {
    fn from(found: &fs::Metadata) -> Identity {
        Identity { device: found.dev(), inode: found.ino() }
    }
}

/// A socket's file: it is taken away only while it is still the one that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

impl SocketFile {
    /// The file that stands at `path` now.
    pub fn at(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile { path: path.to_owned(), identity: Identity::of(path)? })
    }

    /// One that another process described.
    pub fn known(path: PathBuf, identity: Identity) -> SocketFile {
        SocketFile { path, identity }
    }

    /// Where it was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it was.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether it still stands there.
    pub fn is_there(&self) -> bool {
        Identity::of(&self.path).is_ok_and(|found| found == self.identity)
    }

    /// Whether some process still has a socket bound to it, or that cannot be told.
    pub fn is_bound(&self) -> bool {
        is_bound(&self.path, self.identity)
    }

    /// Takes it away, if it still stands there.
    pub fn remove(&self) {
        let _ = self.try_remove();
    }

    /// The same, for who needs the place.
    pub fn try_remove(&self) -> io::Result<()> {
        match self.is_there() {
            true => fs::remove_file(&self.path),
            false => Ok(()),
        }
    }
}

/// What stands where a socket is wanted.
#[derive(Debug)]
pub enum Occupant {
    /// Nothing.
    Nobody,
    /// A stream socket that no process has any more: its server was killed.
    Abandoned(SocketFile),
    /// Anything else: a socket in use, a file, a link, a directory. It is not ours to remove.
    Stranger,
}

impl Occupant {
    /// Looks at `path`, without waiting for anybody.
    pub fn of(path: &Path) -> io::Result<Occupant> {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::Nobody),
            found => found?,
        };
        let identity = Identity::from(&found);
        // Linux refuses the connection also where no socket stands, and where one is bound and does not
        // listen yet.
        let refused = || {
            let connected = connect(path);
            matches!(connected, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
        };
        match found.file_type().is_socket() && refused() && !is_bound(path, identity) {
            true => Ok(Occupant::Abandoned(SocketFile { path: path.to_owned(), identity })),
            false => Ok(Occupant::Stranger),
        }
    }

    /// Takes an abandoned socket away. False: somebody else's stands there.
    pub fn make_room(path: &Path) -> bool {
        match Occupant::of(path) {
            Ok(Occupant::Nobody) => true,
            Ok(Occupant::Abandoned(file)) => file.try_remove().is_ok(),
            Ok(Occupant::Stranger) | Err(_) => false,
        }
    }
}

/// Connects at once or not at all: a listener whose queue is full is an error (`WouldBlock`), not a
/// reason to wait. The stream blocks.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    with_short_path(path, |path| {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        socket.set_nonblocking(false)?;
        Ok(UnixStream::from(socket))
    })
}

/// The process that listens at the other end; `None` if it is beyond what this process can see.
pub fn peer_pid(stream: &UnixStream) -> Option<i32> {
    let credentials = getsockopt(stream, sockopt::PeerCredentials).ok()?;
    Some(credentials.pid()).filter(|pid| *pid != 0)
}

/// The address of a Unix socket holds 107 bytes. A longer path goes through its directory's
/// descriptor: `/proc/self/fd/N/name`.
pub fn with_short_path<T>(path: &Path, work: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() < 100 {
        return work(path);
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return work(path);
    };
    let directory = fs::File::open(directory)?;
    let fd = directory.as_raw_fd();
    work(&Path::new("/proc/self/fd").join(fd.to_string()).join(name))
}

/// The address that `$NOTIFY_SOCKET` and its like name: a path, or `@` and an abstract name.
pub fn named_address(name: &std::ffi::OsStr) -> io::Result<SocketAddr> {
    match name.as_encoded_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    }
}

/// Whether a process has a socket bound to the file, by the kernel's table:
/// ```text
/// Num       RefCount Protocol Flags    Type St Inode Path
/// 0000…: 00000002 00000000 00010000 0001 01 19387 /run/dbus/system_bus_socket
/// ```
/// The table has the path as its owner wrote it when the socket was made. Only those whose last name is the
/// same are looked at. A relative one may be this file, relative to what the table does not say; but not
/// if it listens: here nobody has answered.
fn is_bound(path: &Path, identity: Identity) -> bool {
    let Ok(table) = fs::read("/proc/net/unix") else { return true };
    let table = String::from_utf8_lossy(&table);
    table.lines().skip(1).any(|line| match bound_path(line) {
        Some(bound) if bound.file_name() != path.file_name() => false,
        Some(bound) if bound.is_absolute() => {
            Identity::of(bound).is_ok_and(|found| found == identity)
        }
        Some(_) => line.split_whitespace().nth(3) == Some("00000000"),
        None => false,
    })
}

/// The eighth column of a line, with all its spaces.
fn bound_path(line: &str) -> Option<&Path> {
    let mut rest = line;
    for _ in 0..7 {
        rest = rest.trim_start();
        rest = &rest[rest.find(' ')?..];
    }
    let name = rest.strip_prefix(' ')?;
    (!name.is_empty() && !name.starts_with('@')).then(|| Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rserve-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    fn is_stranger(path: &Path) -> bool {
        matches!(Occupant::of(path), Ok(Occupant::Stranger))
    }

    #[test]
    fn only_a_socket_without_an_owner_is_abandoned() {
        let dir = directory("occupants");
        let path = dir.join("x.sock");
        assert!(matches!(Occupant::of(&path), Ok(Occupant::Nobody)));

        let listener = UnixListener::bind(&path).expect("bind");
        assert!(is_stranger(&path));
        drop(listener);
        assert!(matches!(Occupant::of(&path), Ok(Occupant::Abandoned(_))));

        let link = dir.join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(is_stranger(&link), "a link is not a socket");

        assert!(Occupant::make_room(&path) && !path.exists());
        fs::write(&path, "precious").expect("a file");
        assert!(is_stranger(&path) && !Occupant::make_room(&path));
        assert_eq!(fs::read(&path).expect("still there"), b"precious");
        fs::remove_file(&path).expect("removed");

        let datagram = UnixDatagram::bind(&path).expect("bind");
        assert!(is_stranger(&path));
        drop(datagram);
        fs::remove_file(&path).expect("removed");

        // Bound and not yet listening, as a program is in the middle of its start.
        let early = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        early.bind(&SockAddr::unix(&path).expect("an address")).expect("bind");
        assert!(is_stranger(&path));
        fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn a_full_queue_is_not_waited_for() {
        let dir = directory("full");
        let path = dir.join("x.sock");
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        busy.bind(&SockAddr::unix(&path).expect("an address")).expect("bind");
        busy.listen(0).expect("listen");
        let mut held = Vec::new();
        let error = loop {
            match connect(&path) {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(is_stranger(&path));
        fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn a_file_that_took_the_place_stays() {
        let dir = directory("place");
        let path = dir.join("x.sock");
        let listener = UnixListener::bind(&path).expect("bind");
        let file = SocketFile::at(&path).expect("an identity");
        assert!(file.is_there() && file.is_bound());
        fs::rename(&path, dir.join("aside")).expect("renamed");
        fs::write(&path, "theirs").expect("a file");
        file.remove();
        assert!(path.exists());
        drop(listener);
        fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn the_kernels_table_is_read_by_columns() {
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 19387 /run/a b.sock";
        assert_eq!(bound_path(line), Some(Path::new("/run/a b.sock")));
        let line = "0000000000000000: 00000002 00000000 00000000 0002 01 12345";
        assert_eq!(bound_path(line), None);
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 1 @abstract";
        assert_eq!(bound_path(line), None);
    }
}
