//! The pipe between the master and one worker: the worker's report, "R" or why it cannot start.

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
pub struct MasterEnd {
    socket: UnixStream,
    words: String,
}

/// The worker's end of a channel.
#[derive(Debug)]
pub struct WorkerEnd(UnixStream);

/// Bytes of a complaint.
const LONGEST: usize = 1024;

/// A new channel.
pub fn pair() -> io::Result<(MasterEnd, WorkerEnd)> {
    let (master, worker) = UnixStream::pair()?;
    master.set_nonblocking(true)?;
    worker.set_nonblocking(true)?;
    Ok((MasterEnd { socket: master, words: String::new() }, WorkerEnd(worker)))
}

impl MasterEnd {
    /// The next report, `None` when there is none yet or the worker is gone.
    pub fn report(&mut self) -> Option<Report> {
        let mut report = [0; LONGEST];
        match self.socket.read(&mut report) {
            Ok(1) if report[0] == b'R' => Some(Report::Ready),
            Ok(len @ 1..) => {
                self.words = String::from_utf8_lossy(&report[..len]).into_owned();
                None
            }
            _ => None,
        }
    }

    /// What a worker that has ended without a report said last: why it could not start. Empty: nothing.
    pub fn last_words(&mut self) -> String {
        self.report();
        std::mem::take(&mut self.words)
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl WorkerEnd {
    /// Says why this worker ends; nobody may hear it.
    pub fn complain(&mut self, why: &str) {
        let why = &why.as_bytes()[..why.len().min(LONGEST)];
        let _ = self.0.write(why);
    }

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

    #[test]
    fn a_worker_says_why_it_cannot_start() {
        let (mut master, mut worker) = pair().expect("a channel");
        worker.complain("Running is not to be thought of");
        assert_eq!(master.report(), None);
        drop(worker);
        assert_eq!(master.last_words(), "Running is not to be thought of");
        assert_eq!(master.last_words(), "");
    }
}
