//! A named piece of memory that processes share.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::U64;

/// A shared mapping. It is unmapped with the value; a process that is forked has it, too.
#[derive(Debug)]
pub struct Region {
    file: File,
    base: NonNull<u8>,
    len: usize,
    origin: AtomicU8,
    /// The number of a process, and its tag among those that have entries of their own here (`rows`).
    pub(crate) tag: AtomicU64,
}

/// Where the bytes of a region come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process has made them, all zero.
    Fresh,
    /// Others use them.
    Shared,
}

// SAFETY: the mapping is shared memory; what is stored there is atomics, or protected by a lock.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Makes a region of `len` bytes, all zero. The name is for people (`/proc/PID/maps`).
    pub fn create(name: &str, len: usize) -> io::Result<Region> {
        let file = File::from(memfd_create(&*CString::new(name)?, MFdFlags::MFD_CLOEXEC)?);
        file.set_len(len as u64)?;
        Region::map(file, len, Origin::Fresh)
    }

    /// Maps the region behind a descriptor that another process made.
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
        Ok(Region { base: base.cast(), len, file, origin, tag: AtomicU64::new(0) })
    }

    /// Its first byte, at a page's beginning.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where the bytes come from.
    pub fn origin(&self) -> Origin {
        match self.origin.load(Ordering::Relaxed) {
            0 => Origin::Fresh,
            _ => Origin::Shared,
        }
    }

    /// Where the bytes come from; whoever asks first makes something of them, for all who ask later
    /// they are shared.
    pub fn claim(&self) -> Origin {
        match self.origin.swap(Origin::Shared as u8, Ordering::Relaxed) {
            0 => Origin::Fresh,
            _ => Origin::Shared,
        }
    }

    /// Whether processes that are forked from now on have it. One that has it not must not use it.
    pub fn set_inherited(&self, inherited: bool) {
        let advice = if inherited { libc::MADV_DOFORK } else { libc::MADV_DONTFORK };
        // SAFETY: the range is the mapping; this process keeps it. Should the kernel refuse, children have memory
        // that they do not need.
        unsafe { libc::madvise(self.base.as_ptr().cast(), self.len, advice) };
    }

    /// All of it as words, which is what it is as long as nobody makes anything else of it.
    pub fn words(&self) -> &[U64] {
        // SAFETY: the mapping begins at a page, has so many words, and lives as long as the region. A word may hold any bits,
        // and is only ever accessed as an atomic; there is no safe way to have a lock or a table in a region and to see it as
        // anything else than words.
        unsafe {
            std::slice::from_raw_parts(self.base.as_ptr().cast(), self.len / size_of::<U64>())
        }
    }

    /// Never: a region has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
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
