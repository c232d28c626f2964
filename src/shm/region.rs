//! A named piece of memory that processes share.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Where the bytes of a region are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// In memory alone; the name is for people (`/proc/PID/maps`).
    Memory(String),
    /// In a file: they are there when the last process has ended.
    File(PathBuf),
}

/// A shared mapping. It is unmapped with the value; a process that is forked has it, too.
#[derive(Debug)]
pub struct Region {
    file: File,
    base: NonNull<u8>,
    len: usize,
    origin: AtomicU8,
}

/// Where the bytes of a region come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process has made them, all zero.
    Fresh,
    /// This process has found them in a file that no other process has.
    Found,
    /// Others use them.
    Shared,
}

// SAFETY: the mapping is shared memory; what is stored there is atomics, or protected by a lock.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Makes a region of `len` bytes, all zero; of a file that is there its bytes, if it is as long.
    /// The memory of a file is allocated now, so that a full disk is an error here and not a crash
    /// later. A file that another server has is `WouldBlock`.
    pub fn create(backing: &Backing, len: usize) -> io::Result<Region> {
        let (file, origin) = match backing {
            Backing::Memory(name) => {
                let file = File::from(memfd_create(
                    &*CString::new(name.as_str())?,
                    MFdFlags::MFD_CLOEXEC,
                )?);
                file.set_len(len as u64)?;
                (file, Origin::Fresh)
            }
            Backing::File(path) => {
                let mut options = File::options();
                let file =
                    options.read(true).write(true).create(true).truncate(false).open(path)?;
                lock(&file)?;
                let fresh = file.metadata()?.len() != len as u64;
                if fresh {
                    file.set_len(0)?;
                }
                fallocate(&file, FallocateFlags::empty(), 0, len as i64)?;
                (file, if fresh { Origin::Fresh } else { Origin::Found })
            }
        };
        Region::map(file, len, origin)
    }

    /// Maps the region behind a descriptor that another process made. A file's lock comes with it.
    pub fn inherit(fd: OwnedFd) -> io::Result<Region> {
        let file = File::from(fd);
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Region::map(file, len, Origin::Shared)
    }

    fn map(file: File, len: usize, origin: Origin) -> io::Result<Region> {
        let size = NonZero::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses the place, so no memory of ours is replaced; the mapping keeps
        // its own hold of the file.
        let base = unsafe { mmap(None, size, protection, MapFlags::MAP_SHARED, &file, 0) }?;
        let origin = AtomicU8::new(origin as u8);
        Ok(Region { base: base.cast(), len, file, origin })
    }

    /// Its first byte, at a page's beginning.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where the bytes come from; whoever asks first makes something of them, for all who ask later
    /// they are shared.
    pub fn claim(&self) -> Origin {
        match self.origin.swap(Origin::Shared as u8, Ordering::Relaxed) {
            0 => Origin::Fresh,
            1 => Origin::Found,
            _ => Origin::Shared,
        }
    }

    /// Never: a region has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Takes a file for this server, and all processes that inherit its descriptor: the lock goes with
/// the last of them.
fn lock(file: &File) -> io::Result<()> {
    // SAFETY: no memory is involved; the descriptor is open.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl AsRawFd for Region {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing borrows from a value that is dropped.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}
