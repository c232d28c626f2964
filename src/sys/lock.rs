//! Locks of files. Both are the open file's: they go when its last descriptor does, in whichever way.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use crate::file::check;

/// Takes the lock of `flock(2)` for itself alone; `wait`: until it is free. `WouldBlock`: another has it.
pub fn exclusive(file: &File, wait: bool) -> io::Result<()> {
    take(file, libc::LOCK_EX, wait)
}

/// The same together with others who share it.
pub fn shared(file: &File, wait: bool) -> io::Result<()> {
    take(file, libc::LOCK_SH, wait)
}

fn take(file: &File, how: libc::c_int, wait: bool) -> io::Result<()> {
    let how = if wait { how } else { how | libc::LOCK_NB };
    loop {
        // SAFETY: the descriptor is open: we borrow its owner.
        match check(unsafe { libc::flock(file.as_raw_fd(), how) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}

/// Takes a lock of `fcntl(2)` over the whole file: programs that ask with `F_GETLK` see it.
pub fn visible(file: &File) -> io::Result<()> {
    // SAFETY: an all-zero `flock` is a valid value of that plain structure: from the beginning to whichever end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as _;
    // SAFETY: the descriptor is open (we borrow its owner), `lock` is valid for the call.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &lock) }).map(drop)
}
