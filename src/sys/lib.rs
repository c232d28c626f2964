//! The operating system, wrapped once: processes, signals, sockets, files, time and the error log.
//!
//! Everything here is a thin, safe face of one system call or of one small group of them. Policy
//! (who forks, which socket is inherited, what a signal means) lives in the crates above.

pub mod append;
mod assume;
pub mod bell;
pub mod channel;
pub mod clock;
pub mod datagram;
pub mod descriptors;
pub mod disk;
pub mod file;
pub mod folder;
pub mod hidden;
pub mod inotify;
pub mod lock;
pub mod log;
pub mod memory_file;
pub mod net;
pub mod notify;
mod orphan;
pub mod prefetch;
pub mod private;
pub mod process;
pub mod random;
pub mod rename;
pub mod ring;
pub mod signal;
pub mod small;
pub mod socket;
pub mod splice;
pub mod stream;
pub mod syslog;
pub mod title;
pub mod unix;
pub mod unnamed;
pub mod user;
