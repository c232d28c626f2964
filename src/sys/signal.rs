//! Signals as readable bytes: each handler only writes to a pipe that the event loop reads.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use signal_hook::SigId;
pub use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGIO, SIGKILL, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
    SIGWINCH,
};

/// The signals a process has asked for, until dropped.
pub struct Signals {
    pipe: UnixStream,
    wanted: Vec<(i32, Arc<AtomicBool>)>,
    handlers: Vec<SigId>,
}

impl Signals {
    /// Catches `wanted`. [`Signals::fd`] becomes readable when one arrives.
    pub fn catch(wanted: &[i32]) -> io::Result<Signals> {
        let (pipe, write) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let mut signals = Signals { pipe, wanted: Vec::new(), handlers: Vec::new() };
        for &signal in wanted {
            let raised = Arc::new(AtomicBool::new(false));
            // The flag is registered first, so it is set by the time the pipe wakes the loop.
            signals.handlers.push(signal_hook::flag::register(signal, raised.clone())?);
            let write = write.try_clone()?;
            signals.handlers.push(signal_hook::low_level::pipe::register(signal, write)?);
            signals.wanted.push((signal, raised));
        }
        Ok(signals)
    }

    /// The descriptor to wait on.
    pub fn fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }

    /// In a forked child, whose handlers still write to the parent's pipe: lets go of them.
    pub fn forget(&self) {
        for handler in &self.handlers {
            signal_hook::low_level::unregister(*handler);
        }
        crate::stream::close(self.fd());
    }

    /// The signals that came since the last call, each once, in the order given to `catch`.
    pub fn take(&mut self) -> Vec<i32> {
        let mut scratch = [0; 64];
        while matches!(self.pipe.read(&mut scratch), Ok(n) if n > 0) {}
        let raised = self.wanted.iter().filter(|(_, raised)| raised.swap(false, Ordering::AcqRel));
        raised.map(|(signal, _)| *signal).collect()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}

/// Holds back every signal while it lives: around `fork`, so that none reaches the child's
/// inherited handlers, whose pipe is the parent's.
pub struct Blocked {
    before: SigSet,
}

/// Holds back every signal until the guard is dropped.
pub fn block_all() -> io::Result<Blocked> {
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    Ok(Blocked { before })
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

/// `SIGHUP` for 1, as log lines name it.
pub fn name(signal: i32) -> &'static str {
    nix::sys::signal::Signal::try_from(signal).map_or("unknown signal", |signal| signal.as_str())
}

/// A write to a closed socket, or to a file that may not become larger (RLIMIT_FSIZE), reports an error instead of
/// killing the process.
pub fn ignore_failed_writes() {
    // Rust's runtime does so with SIGPIPE at start-up; a process that was exec'd with it blocked is covered too.
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: SIG_IGN is not a handler: nothing of ours runs in signal context.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}
