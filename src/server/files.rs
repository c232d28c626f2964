//! The files by which others find a master: its pid file, the control socket beside it, and the Unix
//! sockets that it listens on. What is taken away is always this master's own: the pid file with its
//! number in it, the socket that it made.

use sys::unix::SocketFile;

use crate::control::Control;
use crate::cycle::Cycle;
use crate::master::Master;
use crate::{Failure, pid};

impl Master {
    /// Opens the control socket and writes the pid file, in this order: who finds the number finds the
    /// socket, too.
    pub(crate) fn claim_files(&mut self) -> Result<(), Failure> {
        let path = self.cycle.pid.clone();
        if !pid::is_device(&path) {
            pid::remove_stale(&pid::old_binary(&path));
            let control = pid::control_socket(&path);
            match Control::open(&control) {
                Ok(opened) => self.control = Some(opened),
                Err(error) => {
                    let errno = sys::log::errno(&error);
                    let (control, words) = (control.display(), "\"rserve -s\" gets no verdicts");
                    sys::log!(Warn, "no control socket at \"{control}\" {errno}: {words}");
                }
            }
        }
        pid::write(&path).map_err(|e| {
            let errno = sys::log::errno(&e);
            Failure::new(format!("open() \"{}\" failed {errno}", path.display()))
        })
    }

    /// Makes room for the files of a new binary.
    pub(crate) fn make_room(&mut self) -> std::io::Result<()> {
        if pid::is_device(&self.cycle.pid) {
            // There is no file that could have another name.
            return Ok(());
        }
        let old = pid::old_binary(&self.cycle.pid);
        // In this order: a crash between the two leaves no pid file that nothing proves to be ours.
        self.move_control(&old);
        pid::rename(&self.cycle.pid, &old)
            .inspect_err(|_| self.move_control(&self.cycle.pid.clone()))
    }

    /// The new binary is gone: the plain names are ours again.
    pub(crate) fn restore_files(&mut self) {
        let old = pid::old_binary(&self.cycle.pid);
        if !pid::is_ours(&old) {
            return;
        }
        let path = self.cycle.pid.clone();
        if std::fs::symlink_metadata(&path).is_ok() && pid::read(&path).is_err() {
            sys::log!(Alert, "\"{}\" is somebody else's now, it stays", path.display());
            return;
        }
        if let Err(error) = std::fs::rename(&old, &path) {
            let errno = sys::log::errno(&error);
            sys::log!(Alert, "rename() \"{}\" failed {errno}", old.display());
            return;
        }
        self.move_control(&path);
        sys::log!(Notice, "the new binary is gone, this one stays");
    }

    /// The reload has named another pid file. One that is only spelled otherwise stays.
    pub(crate) fn move_files(&mut self, before: &Cycle) {
        let path = self.cycle.pid.clone();
        if pid::is_same(&before.pid, &path) {
            return;
        }
        if let Err(error) = pid::write(&path) {
            let errno = sys::log::errno(&error);
            sys::log!(Error, "open() \"{}\" failed {errno}", path.display());
            return;
        }
        self.other_pid_files.push(before.pid.clone());
        pid::remove(&before.pid);
        match pid::is_device(&path) {
            false => self.move_control(&path),
            true => self.control.take().iter().for_each(Control::remove),
        }
    }

    /// Moves the control socket beside its pid file; a place that is a stranger's stays as it is.
    fn move_control(&mut self, pid_file: &std::path::Path) {
        let path = pid::control_socket(pid_file);
        let moved = match &mut self.control {
            Some(control) => control.move_to(&path),
            None => Control::open(&path).map(|control| self.control = Some(control)),
        };
        if let Err(error) = moved {
            let errno = sys::log::errno(&error);
            sys::log!(Warn, "no control socket at \"{}\" {errno}", path.display());
            self.control.take().iter().for_each(Control::remove);
        }
    }

    /// Takes away the files of Unix sockets that no configuration wants any more. While there is another
    /// binary, it may listen there.
    pub(crate) fn remove_unused_sockets(&mut self) {
        let wanted = self.cycle.socket_files();
        let partner = self.has_partner();
        let unused = |file: &mut SocketFile| !(wanted.contains(file) || partner && file.is_bound());
        self.socket_files.extract_if(.., unused).for_each(|file| file.remove());
    }

    /// Takes away what is ours, at the end: a newer binary may have the plain names, an older one the
    /// others; and one of them may still listen on the sockets.
    pub(crate) fn remove_files(&mut self) {
        if let Some(control) = &self.control {
            control.remove();
        }
        let mut pid_files = std::mem::take(&mut self.other_pid_files);
        pid_files.push(self.cycle.pid.clone());
        for path in pid_files {
            pid::remove(&path);
            pid::remove(&pid::old_binary(&path));
        }
        drop(self.cycle.sockets.take());
        let partner = self.has_partner();
        let ours = |file: &&SocketFile| !(partner && file.is_bound());
        self.socket_files.iter().filter(ours).for_each(SocketFile::remove);
    }
}
