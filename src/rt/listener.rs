//! The listening sockets of a loop.

use std::os::fd::RawFd;

use crate::service::Service;

/// Names a listener of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerId(pub(crate) u32);

/// A socket whose connections are accepted.
pub(crate) struct Acceptor {
    pub fd: RawFd,
    pub service: &'static dyn Service,
    /// Other processes wait on it, too.
    pub shared: bool,
    /// How many connections the next wake-up accepts: doubled while the queue is longer than that,
    /// one again when it was found empty. A lone connection costs no second, failing accept.
    pub budget: u32,
    /// Accepted since it was last put at the end of the socket's waiters.
    pub accepted: u32,
}
