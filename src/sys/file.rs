//! Files: opening without surprises, and what `fstat` says.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which symbolic links may be followed (`disable_symlinks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// All of them.
    Follow,
    /// None, from byte `from` of the path on.
    Refuse {
        /// Length of the leading part of the path that is trusted.
        from: usize,
    },
    /// Only those whose owner is the owner of what they point to, from byte `from` on.
    IfOwnerMatches {
        /// Length of the leading part of the path that is trusted.
        from: usize,
    },
}

/// What the file is, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Last change of the content, seconds since 1970.
    pub mtime: i64,
    /// Its nanoseconds.
    pub mtime_nsec: i64,
    /// Last change of the inode, which nobody can set: seconds and nanoseconds.
    pub ctime: (i64, i64),
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    mode: u32,
}

impl Stat {
    /// A regular file.
    pub fn is_file(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    /// A directory.
    pub fn is_dir(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFDIR
    }

    /// Its owner may execute it.
    pub fn is_executable(&self) -> bool {
        self.mode & libc::S_IXUSR != 0
    }

    fn of(stat: &libc::stat) -> Stat {
        Stat {
            size: stat.st_size as u64,
            mtime: stat.st_mtime,
            mtime_nsec: stat.st_mtime_nsec,
            ctime: (stat.st_ctime, stat.st_ctime_nsec),
            inode: stat.st_ino,
            device: stat.st_dev,
            mode: stat.st_mode,
        }
    }
}

/// `fstat(2)`.
pub fn stat(file: &impl AsRawFd) -> io::Result<Stat> {
    // SAFETY: an all-zero `stat` is a valid value of that plain structure.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open (we borrow its owner), `stat` is valid for the call.
    check(unsafe { libc::fstat(file.as_raw_fd(), &mut stat) })?;
    Ok(Stat::of(&stat))
}

/// `stat(2)`. Asked for each cached file once a turn: nix puts the NUL behind a path on the stack.
pub fn stat_path(path: &[u8]) -> io::Result<Stat> {
    Ok(Stat::of(&nix::sys::stat::stat(path)?))
}

/// Runs `work` with a umask; for a process with one thread, since it is the process's.
pub fn with_umask<T>(mask: u32, work: impl FnOnce() -> T) -> T {
    use nix::sys::stat::{Mode, umask};
    let before = umask(Mode::from_bits_truncate(mask));
    let result = work();
    umask(before);
    result
}

/// `O_NONBLOCK`: opening a FIFO or a device waits for nobody.
pub const NONBLOCK: i32 = libc::O_NONBLOCK;

/// Whether the file system tells by a file's dates that it was written to, by `mmap(2)` as well, and on
/// no other machine. What is in memory only has no dates that the kernel would set when it writes back;
/// overlayfs does not say whether its upper layer is such a one.
pub fn has_reliable_dates(file: &File) -> bool {
    const RELIABLE: [libc::c_long; 12] = [
        libc::EXT4_SUPER_MAGIC as _,
        libc::XFS_SUPER_MAGIC as _,
        libc::BTRFS_SUPER_MAGIC as _,
        libc::F2FS_SUPER_MAGIC as _,
        libc::ISOFS_SUPER_MAGIC as _,
        libc::REISERFS_SUPER_MAGIC as _,
        libc::NILFS_SUPER_MAGIC as _,
        0x2fc1_2fc1, // ZFS
        0x7371_7368, // SquashFS
        0xe0f5_e1e2, // EROFS
        0xca45_1a4e, // bcachefs
        0x3153_464a, // JFS
    ];
    // SAFETY: an all-zero `statfs` is a valid value of that plain structure.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open (we borrow its owner), `found` is valid for the call.
    let known = check(unsafe { libc::fstatfs(file.as_raw_fd(), &mut found) });
    known.is_ok() && RELIABLE.contains(&(found.f_type as libc::c_long))
}

/// `O_NOFOLLOW`: a link is not followed, it is an error.
pub const NOFOLLOW: i32 = libc::O_NOFOLLOW;

/// Opens `path` for reading, not waiting on FIFOs or devices.
pub fn open(path: &[u8], symlinks: Symlinks) -> io::Result<File> {
    match symlinks {
        Symlinks::Follow => open_at(libc::AT_FDCWD, path, 0),
        Symlinks::Refuse { from } => walk(path, from, |parent, name, last| {
            let flags = libc::O_NOFOLLOW | if last { 0 } else { SEARCH };
            open_at(parent, name, flags).map_err(|error| match link_status(parent, name) {
                // Of a link to a directory the kernel only says that it is no directory.
                Ok(stat) if stat.st_mode & libc::S_IFMT == libc::S_IFLNK => {
                    io::Error::from_raw_os_error(libc::ELOOP)
                }
                _ => error,
            })
        }),
        Symlinks::IfOwnerMatches { from } => walk(path, from, |parent, name, last| {
            let file = open_at(parent, name, if last { 0 } else { SEARCH })?;
            if link_status(parent, name)?.st_uid != owner_of(&file)? {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            Ok(file)
        }),
    }
}

/// To go through a directory the right to search it is enough.
const SEARCH: i32 = libc::O_DIRECTORY | libc::O_PATH;

/// Opens `path` one component at a time after its trusted first `from` bytes.
fn walk(
    path: &[u8],
    from: usize,
    step: impl Fn(RawFd, &[u8], bool) -> io::Result<File>,
) -> io::Result<File> {
    let (trusted, rest) = path.split_at(from.min(path.len()));
    let start: &[u8] = match (trusted, path.first()) {
        ([], Some(b'/')) => b"/",
        ([], _) => b".",
        _ => trusted,
    };
    if rest.is_empty() {
        return open_at(libc::AT_FDCWD, trusted, 0);
    }
    let mut current = open_at(libc::AT_FDCWD, start, SEARCH)?;
    let mut names = rest.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        current = step(current.as_raw_fd(), name, names.peek().is_none())?;
    }
    Ok(current)
}

pub(crate) fn open_at(parent: RawFd, path: &[u8], flags: i32) -> io::Result<File> {
    let path = CString::new(path)?;
    let flags = flags | libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let fd = crate::descriptors::retry(|| {
        // SAFETY: `path` is NUL-terminated; `parent` is AT_FDCWD or a descriptor its caller holds open.
        check(unsafe { libc::openat(parent, path.as_ptr(), flags) })
    })?;
    // SAFETY: the call has just given us this descriptor; nobody else owns it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// `fstatat(2)` of the name itself, not of what it links to.
fn link_status(parent: RawFd, name: &[u8]) -> io::Result<libc::stat> {
    let name = CString::new(name)?;
    // SAFETY: an all-zero `stat` is a valid value of that plain structure.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: `name` is NUL-terminated, `stat` is valid for the call.
    check(unsafe { libc::fstatat(parent, name.as_ptr(), &mut stat, flags) })?;
    Ok(stat)
}

/// Whether a file was not opened because of a symbolic link that must not be followed.
pub fn is_link_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ELOOP | libc::EMLINK))
}

fn owner_of(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.uid())
}

/// Reads at `offset`; fewer bytes than asked for mean the end of the file.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match std::os::unix::fs::FileExt::read_at(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The path's bytes.
pub fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Turns a system call's -1 into the error it stands for.
pub(crate) fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn symlinks_are_refused_after_the_trusted_part() {
        let dir = std::env::temp_dir().join(format!("rserve-links-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("real")).expect("directory");
        std::fs::write(dir.join("real/file"), "x").expect("file");
        symlink("real", dir.join("link")).expect("symlink");
        let real = dir.join("real/file");
        let through = dir.join("link/file");
        let from = bytes(&dir).len();
        let open = |path: &Path, symlinks| open(bytes(path), symlinks);
        assert!(open(&real, Symlinks::Refuse { from }).is_ok());
        assert!(open(&through, Symlinks::Follow).is_ok());
        assert!(open(&through, Symlinks::IfOwnerMatches { from }).is_ok());
        let error = open(&through, Symlinks::Refuse { from }).expect_err("refused");
        assert!(is_link_refusal(&error), "{error}");
        assert!(open(&through, Symlinks::Refuse { from: from + 6 }).is_ok());
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
