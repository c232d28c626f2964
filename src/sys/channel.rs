//! The pipe between the master and one worker: the worker's single-byte reports.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// What a worker reports to its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It accepts connections now.
    Ready,
}

/// The master's end of a channel.
#[derive(Debug)]
pub struct MasterEnd(UnixStream);

/// The worker's end of a channel.
#[derive(Debug)]
pub struct WorkerEnd(UnixStream);

/// A new channel.
pub fn pair() -> io::Result<(MasterEnd, WorkerEnd)> {
    let (master, worker) = UnixStream::pair()?;
    master.set_nonblocking(true)?;
    worker.set_nonblocking(true)?;
    Ok((MasterEnd(master), WorkerEnd(worker)))
}

impl MasterEnd {
    /// The next report, `None` when there is none yet or the worker is gone.
    pub fn report(&mut self) -> Option<Report> {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(1) if byte == *b"R" => Some(Report::Ready),
            _ => None,
        }
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl WorkerEnd {
    /// Tells the master. An error means that the master is gone.
    pub fn send(&mut self, report: Report) -> io::Result<()> {
        let Report::Ready = report;
        self.0.write_all(b"R")
    }

    /// True once the master's end is closed: the master is gone. One that died before it read our report
    /// leaves a reset, not an end.
    pub fn master_gone(&mut self) -> bool {
        loop {
            match self.0.read(&mut [0]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
    }

    /// The descriptor to wait on: readable when the master is gone.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_that_never_read_the_report_is_gone_as_well() {
        let (master, mut worker) = pair().expect("a channel");
        worker.send(Report::Ready).expect("sent");
        assert!(!worker.master_gone());
        drop(master);
        assert!(worker.master_gone());
    }
}
