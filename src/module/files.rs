//! Log files: opened by the master, shared with its workers, reopened when they were rotated.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use sys::append::AppendFile;
use sys::log::Log;
use sys::user::Identity;

/// A file that is appended to, line by line.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: RefCell<Option<AppendFile>>,
}

impl LogFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, again if it is open.
    pub fn open(&self) -> io::Result<()> {
        if !self.file.borrow().as_ref().is_some_and(|file| file.is_lasting(&self.path)) {
            let file = AppendFile::open(&self.path)?;
            self.file.replace(Some(file));
        }
        Ok(())
    }

    /// Appends whole lines with one write.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        match &*self.file.borrow() {
            Some(file) => file.write(lines),
            None => Ok(()),
        }
    }
}

/// All log files of a configuration, each once.
#[derive(Debug, Default)]
pub struct Logs {
    files: Vec<Rc<LogFile>>,
    errors: Vec<Arc<Log>>,
}

impl Logs {
    /// The log file of that path.
    pub fn file(&mut self, path: PathBuf) -> Rc<LogFile> {
        if let Some(file) = self.files.iter().find(|file| file.path == path) {
            return file.clone();
        }
        let file = Rc::new(LogFile { path, file: RefCell::default() });
        self.files.push(file.clone());
        file
    }

    /// Adds an error log, to be opened with the others.
    pub fn error_log(&mut self, log: Arc<Log>) {
        self.errors.push(log);
    }

    /// Opens everything, again what is open. Goes on after a failure and gives the first.
    pub fn open(&self) -> Result<(), (PathBuf, io::Error)> {
        let mut result = Ok(());
        let files = self.files.iter().map(|file| (file.path.as_path(), file.open()));
        let errors = self.errors.iter().map(|log| (log.target().path(), log.reopen()));
        for (path, opened) in files.chain(errors) {
            if let Err(error) = opened {
                result = result.and(Err((path.to_owned(), error)));
            }
        }
        result
    }

    /// The open descriptors.
    pub fn descriptors(&self) -> Vec<RawFd> {
        let fd = |file: &Rc<LogFile>| file.file.borrow().as_ref().map(AsRawFd::as_raw_fd);
        let files = self.files.iter().filter_map(fd);
        files.chain(self.errors.iter().filter_map(|log| log.fd())).collect()
    }

    /// Gives every file to the workers' user, so that they can reopen it. The error names the file.
    pub fn give_to(&self, user: &Identity) -> Result<(), (PathBuf, io::Error)> {
        for file in &self.files {
            if let Some(open) = &*file.file.borrow() {
                open.give_to(user, &file.path).map_err(|e| (file.path.clone(), e))?;
            }
        }
        for log in &self.errors {
            log.give_to(user).map_err(|e| (log.target().path().to_owned(), e))?;
        }
        Ok(())
    }
}
