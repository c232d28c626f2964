//! What a module asks for while it is installed in a block, whatever that block serves: words, files, memory.

use std::rc::Rc;
use std::sync::Arc;

use conf::{Error, Files, Word};
use module::{LogFile, Process, Setup, Slot, Wanted};
use sys::log::{Level, Log, Target};

use crate::route::regex::Regex;
use crate::vars::lookup::Lookup;
use crate::vars::names::Names;
use crate::vars::scope::Scope;
use crate::vars::template::Template;

/// What is asked for goes to the configuration that is being made. `R`: what words with variables are evaluated for.
pub struct Installing<'a, 's, R: 'static> {
    names: &'a Rc<Names<R>>,
    processes: &'a mut Vec<Rc<dyn Process>>,
    setup: &'a mut Setup<'s>,
}

impl<'a, 's, R: Scope> Installing<'a, 's, R> {
    /// With these variables; what takes part in the life of the processes is added to `processes`.
    pub fn new(
        names: &'a Rc<Names<R>>,
        processes: &'a mut Vec<Rc<dyn Process>>,
        setup: &'a mut Setup<'s>,
    ) -> Installing<'a, 's, R> {
        Installing { names, processes, setup }
    }

    /// Adds a part in the life of the processes. What several locations share, because they have inherited it, is added once.
    pub fn process(&mut self, process: Rc<dyn Process>) {
        let same = |known: &Rc<dyn Process>| std::ptr::addr_eq(&**known, &*process);
        if !self.processes.iter().any(same) {
            self.processes.push(process);
        }
    }

    /// Shared memory, which outlives this configuration; it is there when `Process::opened` is called.
    pub fn region(&mut self, wanted: Wanted) -> Slot {
        self.setup.region(wanted)
    }

    /// What the configuration asks the server for.
    pub fn setup(&mut self) -> &mut Setup<'s> {
        self.setup
    }

    /// Compiles a word with variables.
    pub fn template(&self, word: &Word) -> Result<Template<R>, Error> {
        Template::compile(&word.text, self.names).map_err(|message| self.error(word, message))
    }

    /// The variables that are known, for what names them while requests are served.
    pub fn lookup(&self) -> Lookup<R> {
        Lookup::new(self.names)
    }

    /// Compiles an expression.
    pub fn regex(&self, word: &Word, pattern: &str, caseless: bool) -> Result<Regex, Error> {
        let place = self.files().place(word.span);
        Regex::new(pattern, caseless, &place).map_err(|why| self.error(word, why))
    }

    /// A path, relative to the prefix.
    pub fn path(&self, path: &str) -> std::path::PathBuf {
        self.setup.env.prefix.join(conf::text::path(path))
    }

    /// A log file, opened by the server, reopened after rotation.
    pub fn log_file(&mut self, path: std::path::PathBuf) -> Rc<LogFile> {
        self.setup.log_file(path)
    }

    /// An error log, likewise.
    pub fn error_log(&mut self, target: Target, level: Level) -> Arc<Log> {
        self.setup.error_log(target, level)
    }

    /// An error at a word of the configuration.
    pub fn error(&self, word: &Word, message: impl Into<String>) -> Error {
        Error::at(message, word.span, self.files())
    }

    /// A warning at a word of the configuration.
    pub fn warn(&self, word: &Word, message: impl Into<String>) {
        self.setup.env.warnings.borrow_mut().push(self.error(word, message));
    }

    /// The configuration's files, for messages.
    fn files(&self) -> &Files {
        self.setup.env.files
    }
}
