//! The listening sockets in the poll set, and out of it as long as there is no free slot.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use crate::listener::ListenerId;
use crate::token::{LISTENERS, Token};
use crate::worker::Worker;

impl Worker {
    /// Level-triggered, and woken alone: mio has no interest that says so, its epoll descriptor has.
    pub fn listen(&self, fd: RawFd, id: ListenerId, shared: bool) -> io::Result<()> {
        let exclusive = if shared { libc::EPOLLEXCLUSIVE } else { 0 };
        let token = Token::new(self.ring, LISTENERS + id.0, 0);
        let mut event =
            libc::epoll_event { events: (libc::EPOLLIN | exclusive) as u32, u64: token.word() };
        let epoll = self.registry.as_raw_fd();
        // SAFETY: `event` is valid for the call; both descriptors are open, or the call fails.
        match unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn unlisten(&self, fd: RawFd) {
        let epoll = self.registry.as_raw_fd();
        // SAFETY: EPOLL_CTL_DEL takes no event.
        unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, fd, std::ptr::null_mut()) };
    }

    pub fn pause_accepting(&self) {
        if !self.full.replace(true) {
            self.acceptors.borrow().iter().for_each(|acceptor| self.unlisten(acceptor.fd));
        }
    }

    pub fn resume_accepting(&self) {
        if self.full.replace(false) {
            for (id, acceptor) in self.acceptors.borrow().iter().enumerate() {
                if let Err(error) = self.listen(acceptor.fd, ListenerId(id as u32), acceptor.shared)
                {
                    sys::log!(Alert, "epoll_ctl() failed {}", sys::log::errno(&error));
                }
            }
        }
    }
}
