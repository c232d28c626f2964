//! The file of a log: made beside its path, put there when it is whole, and one server's at a time.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{FallocateFlags, FlockArg, fallocate};

use crate::device::{Device, Witness};
use crate::header::Front;
use crate::holders::{self, Holder};

/// How long to wait for another server to end.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
/// Pieces of one system call (`IOV_MAX`).
const PIECES: usize = 1024;

/// Why there is no file to be had.
#[derive(Debug)]
pub enum FileError {
    /// The system refused something.
    System(PathBuf, io::Error),
    /// It is a directory, a link, a device, a FIFO.
    FragmentKind(PathBuf),
    /// It is another program's.
    Foreign(PathBuf),
    /// Other processes have it: their numbers and names, as far as this one may know them.
    InUse(PathBuf, Vec<(u32, String)>),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::System(path, error) => {
                write!(f, "{} {}", path.display(), sys::log::errno(error))
            }
            FileError::FragmentKind(path) => {
                write!(f, "{} is no regular file; name one, or remove it", path.display())
            }
            FileError::Foreign(path) => write!(
                f,
                "{} is the file of another program; name another, or move it away",
                path.display()
            ),
            FileError::InUse(path, holders) => {
                let names: Vec<String> =
                    holders.iter().map(|(pid, name)| format!("process {pid} ({name})")).collect();
                match &names[..] {
                    [] => write!(f, "{} is in use: another process has it", path.display()),
                    [one] => write!(f, "{} is in use: {one} has it", path.display()),
                    _ => write!(f, "{} is in use: {} have it", path.display(), names.join(", ")),
                }
            }
        }
    }
}

impl std::error::Error for FileError {}

/// A file with its lock, which goes with the last process that has inherited the descriptor.
#[derive(Debug)]
pub struct File(fs::File);

impl File {
    /// A file that another process has handed over; the lock comes with it.
    pub fn inherit(fd: OwnedFd) -> File {
        File(fs::File::from(fd))
    }

    /// Sees to it that all its bytes are allocated: of a copy without its holes they are not, and the disk would be
    /// full in the middle of a write. What is in it stays.
    pub fn allocate(&self) -> io::Result<()> {
        let found = self.0.metadata()?;
        if found.blocks() * BLOCK >= found.len() {
            return Ok(());
        }
        match reserve(&self.0, found.len()) {
            // Such a file system promises room to nobody.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(()),
            result => result,
        }
    }
}

/// What `st_blocks` counts in.
const BLOCK: u64 = 512;

fn reserve(file: &fs::File, len: u64) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), 0, len.cast_signed())?)
}

/// As [`reserve`], of a file that is empty yet, on any file system.
fn fill(file: &fs::File, len: u64) -> io::Result<()> {
    match reserve(file, len) {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
        result => return result,
    }
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < len {
        let count = zeros.len().min((len - at) as usize);
        file.write_all_at(&zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Device for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_at(&self, parts: &[IoSlice<'_>], at: u64) -> io::Result<()> {
        let mut at = at;
        for parts in parts.chunks(PIECES) {
            let len: usize = parts.iter().map(|part| part.len()).sum();
            let done = match nix::sys::uio::pwritev(&self.0, parts, at.cast_signed()) {
                Ok(done) => done,
                Err(nix::Error::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            // A short write is rare: the rest goes piece by piece.
            let mut skip = done;
            let mut place = at + done as u64;
            for part in parts.iter().filter(|_| done < len) {
                let rest = &part[skip.min(part.len())..];
                skip = skip.saturating_sub(part.len());
                self.0.write_all_at(rest, place)?;
                place += rest.len() as u64;
            }
            at += len as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn witness(&self) -> io::Result<Witness> {
        let found = self.0.metadata()?;
        let changed = found.ctime().max(0) as u64 * 1_000_000_000 + found.ctime_nsec() as u64;
        Ok(Witness { device: found.dev(), inode: found.ino(), changed_ns: changed })
    }
}

/// The file at `path`, locked. `None`: there is none, or it has nothing in it; then one is to be made. It
/// is waited for if another process has it, for three seconds.
pub fn open(path: &Path) -> Result<Option<File>, FileError> {
    let system = |error| FileError::System(path.into(), error);
    let mut waited = Duration::ZERO;
    loop {
        let Some(file) = look(path)? else { return Ok(None) };
        let own = file.metadata().map_err(system)?;
        if try_lock(&file).map_err(system)? {
            let there = fs::symlink_metadata(path).ok();
            // Else another server has just put a new one there.
            if there.is_some_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
                let file = File(file);
                return match Front::read(&file).map_err(system)? {
                    Front::Foreign => Err(FileError::Foreign(path.into())),
                    Front::Blank if is_zero(&file).map_err(system)? => Ok(None),
                    Front::Blank => Err(FileError::Foreign(path.into())),
                    _ => Ok(Some(file)),
                };
            }
        }
        if waited >= PATIENCE {
            let holders = holders::of(own.dev(), own.ino());
            let holders = holders.into_iter().map(|Holder { pid, name }| (pid, name)).collect();
            return Err(FileError::InUse(path.into(), holders));
        }
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    }
}

/// Opens what is at `path` if it is a regular file, and waits for nobody.
fn look(path: &Path) -> Result<Option<fs::File>, FileError> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = match fs::File::options().read(true).write(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::ELOOP | libc::EISDIR | libc::ENXIO | libc::ENODEV)
            ) =>
        {
            return Err(FileError::FragmentKind(path.into()));
        }
        result => result.map_err(|error| FileError::System(path.into(), error))?,
    };
    let found = file.metadata().map_err(|error| FileError::System(path.into(), error))?;
    if found.is_file() { Ok(Some(file)) } else { Err(FileError::FragmentKind(path.into())) }
}

/// Takes the lock of a file, if nobody has it. It is not `nix`'s `Flock`, which gives the lock back when
/// a process forgets its copy: the others that inherited it would be without it.
#[expect(deprecated, reason = "the lock must go with the last descriptor, not with the first")]
fn try_lock(file: &fs::File) -> io::Result<bool> {
    match nix::fcntl::flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock) {
        Ok(()) => Ok(true),
        Err(nix::Error::EWOULDBLOCK | nix::Error::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_zero(file: &File) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    let mut at = 0;
    loop {
        let len = file.read_at(&mut buffer, at)?;
        if len == 0 || buffer[..len].iter().any(|&byte| byte != 0) {
            return Ok(len == 0);
        }
        at += len as u64;
    }
}

/// A file that is made beside its path. Dropped before it is installed, it goes again.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    installed: bool,
}

/// Makes a file of `len` bytes beside `path`, locked: a log is made in it, then it is installed. Its
/// bytes are allocated, so that a full disk is an error now.
pub fn create(path: &Path, len: u64) -> Result<(File, NewFile), FileError> {
    let mut name = OsString::from(path);
    name.push(".new");
    let beside = PathBuf::from(name);
    let system = |error| FileError::System(beside.clone(), error);
    clear(&beside)?;
    let mut options = fs::File::options();
    options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(&beside).map_err(system)?;
    let new = NewFile { path: path.into(), beside: beside.clone(), installed: false };
    if !try_lock(&file).map_err(system)? {
        return Err(system(io::ErrorKind::WouldBlock.into()));
    }
    fill(&file, len).map_err(system)?;
    Ok((File(file), new))
}

/// Removes what an interrupted start has left, if it is ours and nobody has it.
fn clear(beside: &Path) -> Result<(), FileError> {
    let system = |error| FileError::System(beside.into(), error);
    let Some(file) = look(beside)? else { return Ok(()) };
    let own = file.metadata().map_err(system)?;
    if !try_lock(&file).map_err(system)? {
        let holders = holders::of(own.dev(), own.ino());
        let holders = holders.into_iter().map(|Holder { pid, name }| (pid, name)).collect();
        return Err(FileError::InUse(beside.into(), holders));
    }
    let file = File(file);
    let ours = match Front::read(&file).map_err(system)? {
        Front::Foreign => false,
        Front::Blank => is_zero(&file).map_err(system)?,
        _ => true,
    };
    if !ours {
        return Err(FileError::Foreign(beside.into()));
    }
    fs::remove_file(beside).map_err(system)
}

impl NewFile {
    /// Puts the file where it belongs, in the place of what is there.
    pub fn install(mut self) -> Result<(), FileError> {
        let system = |error| FileError::System(self.path.clone(), error);
        fs::rename(&self.beside, &self.path).map_err(system)?;
        self.installed = true;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(system)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.installed {
            let _ = fs::remove_file(&self.beside);
        }
    }
}
