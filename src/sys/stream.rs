//! Reading from and writing to a connected socket: one system call a function.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

/// `recv(2)`. 0 is the peer's end of stream.
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live exclusive slice.
    count(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) })
}

/// The same, and the bytes stay there.
pub fn peek(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: as in `recv`.
    count(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_PEEK) })
}

/// `sendmsg(2)` of several buffers; `more` promises that further data follows at once, so that the
/// kernel does not send a short segment (`MSG_MORE`).
pub fn send(fd: RawFd, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
    let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
    if let [one] = buffers {
        // SAFETY: the pointer and length are those of a live slice.
        return count(unsafe { libc::send(fd, one.as_ptr().cast(), one.len(), flags) });
    }
    // SAFETY: an all-zero `msghdr` is a valid value of that plain structure.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    // IoSlice has the layout of iovec; the kernel does not write through this pointer.
    message.msg_iov = buffers.as_ptr().cast_mut().cast();
    message.msg_iovlen = buffers.len() as _;
    // SAFETY: `message` points to `buffers`, alive for the call; it names no address or control data.
    count(unsafe { libc::sendmsg(fd, &message, flags) })
}

/// `sendfile(2)` from `offset`. 0 is the end of the file.
pub fn sendfile(fd: RawFd, file: RawFd, offset: u64, len: usize) -> io::Result<usize> {
    let mut offset = offset as libc::off_t;
    // SAFETY: `offset` is valid for the call; descriptors are checked by the kernel.
    count(unsafe { libc::sendfile(fd, file, &mut offset, len) })
}

/// Closes the sending half: the peer sees the end of the stream.
pub fn shutdown_write(fd: RawFd) {
    // SAFETY: no memory is involved; a bad descriptor is an error that we do not need.
    unsafe { libc::shutdown(fd, libc::SHUT_WR) };
}

/// Closes both halves: both ends see the end of the stream.
pub fn shutdown(fd: RawFd) {
    // SAFETY: as in `shutdown_write`.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}

/// Bytes that were sent and that the peer's kernel does not have yet, as far as is known (`SIOCOUTQ`, tcp(7)).
pub fn unacknowledged(fd: RawFd) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: the kernel writes an int to the pointer, which is valid for the call; on an error it writes nothing.
    unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut count) };
    usize::try_from(count).unwrap_or(0)
}

/// Makes `close` reset the connection instead of lingering with unsent data.
pub fn reset_on_close(fd: RawFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of::<libc::linger>() as libc::socklen_t;
    let value = std::ptr::from_ref(&linger).cast();
    // SAFETY: `value` and `size` describe `linger`, alive for the call.
    unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, value, size) };
}

/// Closes a descriptor that this process owns and will not use again.
pub fn close(fd: RawFd) {
    // SAFETY: closing has no memory effects; the caller gives up the number.
    unsafe { libc::close(fd) };
}

fn count(result: isize) -> io::Result<usize> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as usize) }
}
