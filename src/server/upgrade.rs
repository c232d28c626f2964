//! The change of the binary (USR2): a new master takes the listening sockets over.
//!
//! The old master starts the program again, and hands it what it needs (`handover.rs`).
//! Both serve then, until somebody sends QUIT to one of them. The old one's pid file is
//! `rserve.pid.oldbin`; the plain name appears again when the new one is ready, not before.

use std::os::fd::AsRawFd;
use std::path::PathBuf;

use crate::master::Master;
use crate::successor::Successor;
use crate::workers::describe;
use crate::{Failure, control, handover, pid};

impl Master {
    /// Starts the new binary. Whether it comes to serve is heard later.
    pub(crate) fn upgrade(&mut self) -> Result<(), Failure> {
        let refused = match (&self.successor, self.inheritance.predecessor_lives()) {
            _ if !self.is_running() => "the server is shutting down, the signal is ignored",
            (Some(_), _) => "a new binary runs already, the signal is ignored",
            (None, true) => "the binary before this one still runs, the signal is ignored",
            (None, false) => {
                let started = self.start_successor().map_err(|e| {
                    let errno = sys::log::errno(&e);
                    Failure::new(format!("the new binary was not started {errno}"))
                });
                match &started {
                    Ok(pid) => sys::log!(Notice, "start new binary process {pid}"),
                    Err(failure) => {
                        sys::log!(Alert, "{failure}");
                        self.restore_files();
                    }
                }
                return started.map(drop);
            }
        };
        sys::log!(Error, "{refused}");
        Err(Failure::new(refused))
    }

    fn start_successor(&mut self) -> std::io::Result<i32> {
        let program = program(&self.options.argv)?;
        let (pipe, theirs) = std::io::pipe()?;
        sys::process::set_nonblocking(&pipe)?;
        let (variables, descriptors) = handover::variables(
            &self.cycle.sockets.borrow(),
            &self.cycle.regions,
            theirs.as_raw_fd(),
        );
        self.make_room()?;
        let argv = &self.options.argv;
        let pid =
            sys::process::spawn_inheriting(program.as_os_str(), argv, &variables, &descriptors)?;
        self.successor = Some(Successor::new(pid, pipe));
        Ok(pid)
    }

    /// Listens to the new binary. Who asked for the upgrade hears of it, and we leave.
    pub(crate) fn hear_successor(&mut self) {
        let Some(successor) = &mut self.successor else { return };
        if !successor.hear() {
            return;
        }
        sys::log!(Notice, "new binary process {} is ready", successor.pid);
        if let Some(client) = self.upgrading.take() {
            control::answer(client, &Ok(()));
            self.pending.push_back(sys::signal::SIGQUIT);
        }
    }

    /// The new binary is gone: everything is as before, workers that were sent away for it come back.
    pub(crate) fn successor_ended(&mut self, pid: i32, exit: sys::process::Exit) {
        if self.successor.take_if(|successor| successor.pid == pid).is_none() {
            return;
        }
        self.restore_files();
        self.remove_unused_sockets();
        if let Some(client) = self.upgrading.take() {
            let how = describe(exit);
            let message = format!("the new binary (process {pid}) {how}; why is in the error log");
            control::answer(client, &Err(Failure::new(message)));
        }
        sys::notify::send(&format!("READY=1\nMAINPID={}", sys::process::pid()));
        if self.is_running() {
            self.bring_workers_back();
        }
    }

    /// The binary before this one is gone; what it could not take away itself is taken away here.
    pub(crate) fn hear_predecessor(&mut self) {
        let Some(predecessor) = self.inheritance.ended() else { return };
        sys::log!(Notice, "the binary before this one is gone");
        let old = pid::old_binary(&self.cycle.pid);
        if pid::read(&old).ok() == Some(predecessor) {
            let _ = std::fs::remove_file(&old);
            let _ = sys::unix::Occupant::make_room(&pid::control_socket(&old));
        }
        self.remove_unused_sockets();
        if self.is_running() {
            // Nobody else is left to serve: workers that were sent away come back.
            self.bring_workers_back();
        }
    }
}

/// The program's file as it was called, so that a replaced file is what starts; a bare name is looked
/// up as the shell did.
fn program(argv: &[std::ffi::OsString]) -> std::io::Result<PathBuf> {
    let name = argv.first().map(PathBuf::from).unwrap_or_default();
    if name.components().count() > 1 {
        return std::path::absolute(name);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(&name)).find(|file| file.is_file());
    found.map_or_else(std::env::current_exe, Ok)
}
