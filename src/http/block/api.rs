//! What an HTTP module is.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use conf::{Directive, Error, Files, Word, erase};
use module::{LogFile, Process, Setup, Slot, Wanted};
use sys::log::{Level as LogLevel, Log, Target};

use crate::block::parts::Parts;
use crate::block::settings::Settings;
use crate::request::flow::{Order, Phase};
use crate::request::{
    BodyFilter, Filter, Handler, Logger, Names, Request, Template, Trailers, Variable,
};
use crate::response::encoder::Encoder;
use crate::route::regex::Regex;
use crate::vars::lookup::Lookup;
use crate::vars::scope::Value;
use crate::vars::settable::Settable;

/// An HTTP module, compiled in and listed in the binary's `modules.rs`.
///
/// It has one `Conf` for each block (`http`, `server`, `location`); what a block leaves unset it
/// inherits. Then [`Module::install`] is asked, for each location, which hooks it wants there.
pub trait Module: 'static {
    /// Its name, as `-V` and the directive reference show it.
    const NAME: &'static str;
    /// What its directives set.
    type Conf: Default + 'static;
    /// Its directives.
    const DIRECTIVES: &'static [Directive<Self::Conf>];
    /// The variables it provides.
    const VARIABLES: &'static [Variable] = &[];
    /// The directive of its own whose block is a branch: what else may be done in the location that it stands in.
    const BRANCH: Option<&'static str> = None;

    /// A branch was read, after its directive was set in `conf`, which is the conf of the block that it stands in. The
    /// module may take what is done in that block itself. Branches of a block count from 0 ([`Request::enter_branch`]).
    fn branch(conf: &mut Self::Conf, branch: &mut Self::Conf) {
        let _ = (conf, branch);
    }

    /// Makes the variables that a block asks for, before any word is compiled. Runs in the master.
    fn declare(conf: &Self::Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let _ = (conf, declarations);
        Ok(())
    }

    /// Fills what this block left unset from the enclosing block.
    fn inherit(conf: &mut Self::Conf, outer: &Self::Conf);

    /// Fills what a branch (`if`) has of its location besides: what makes the answer there. As in nginx a request keeps its
    /// content handler when it goes on in a branch.
    fn keep_content(conf: &mut Self::Conf, outer: &Self::Conf) {
        let _ = (conf, outer);
    }

    /// Checks the conf of one location (or of a server, for requests that no location takes) and
    /// adds the hooks that it needs there. Runs in the master.
    fn install(conf: &Self::Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error>;

    /// Worker: it has its loop, and accepts nothing yet ([`module::Process::started`]).
    fn started() -> Result<(), String> {
        Ok(())
    }

    /// Worker: log files are about to be reopened, or it is about to exit: writes what is buffered
    /// ([`module::Instance::flush`]).
    fn flush() {}
}

/// Which block the hooks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A server: for its rewrite phase, and for requests that no location takes.
    Server,
    /// A location.
    Location,
}

/// What blocks declare.
pub struct Declarations<'a, 's> {
    pub(crate) names: &'a Names,
    pub(crate) env: &'a conf::Env<'s>,
    /// What can be done when everything is declared.
    pub(crate) later: RefCell<Vec<Later>>,
}

pub(crate) type Later = Box<dyn FnOnce(&Declarations<'_, '_>) -> Result<(), Error>>;

impl Declarations<'_, '_> {
    /// Makes the variable that a word names, with its `$`.
    pub fn make(&self, word: &Word, value: Rc<dyn Value<Request>>) -> Result<(), Error> {
        let name = self.name(word)?;
        self.names.make(name, value).map_err(|why| self.error(word, why))
    }

    /// The variable that a word names, with its `$`, as one that requests set.
    pub fn settable(&self, word: &Word) -> Result<Settable, Error> {
        let name = self.name(word)?;
        self.names.settable(name).map_err(|why| self.error(word, why))
    }

    /// The variable that a word names, with its `$`, as one that has no value until a request gives it one.
    pub fn result(&self, word: &Word) -> Result<Settable, Error> {
        let name = self.name(word)?;
        self.names.result(name).map_err(|why| self.error(word, why))
    }

    fn name<'w>(&self, word: &'w Word) -> Result<&'w str, Error> {
        let name = word.text.strip_prefix('$').filter(|name| !name.is_empty());
        name.ok_or_else(|| self.error(word, format!("invalid variable name \"{}\"", word.text)))
    }

    /// Makes variables of an expression's named groups.
    pub fn capture(&self, word: &Word, regex: &Regex) -> Result<(), Error> {
        self.names.capture(regex).map_err(|why| self.error(word, why))
    }

    /// Calls `later` when all variables are made: then words with variables can be compiled.
    pub fn later(&self, later: impl FnOnce(&Declarations<'_, '_>) -> Result<(), Error> + 'static) {
        self.later.borrow_mut().push(Box::new(later));
    }

    /// Compiles a word with variables.
    pub fn template(&self, word: &Word) -> Result<Template, Error> {
        Template::compile(&word.text, self.names).map_err(|why| self.error(word, why))
    }

    /// Compiles an expression.
    pub fn regex(&self, word: &Word, pattern: &str, caseless: bool) -> Result<Regex, Error> {
        let place = self.env.files.place(word.span);
        Regex::new(pattern, caseless, &place).map_err(|why| self.error(word, why))
    }

    /// An error at a word of the configuration.
    pub fn error(&self, word: &Word, message: impl Into<String>) -> Error {
        Error::at(message, word.span, self.env.files)
    }
}

/// What a module may hook into.
pub struct Hooks<'a, 's> {
    /// The core's settings of this location.
    pub settings: &'a Settings,
    /// Which block this is.
    pub level: Level,
    /// The names of the server that this is of, as they are written.
    pub server_names: Vec<Word>,
    pub(crate) parts: Parts,
    pub(crate) processes: &'a mut Vec<Rc<dyn Process>>,
    pub(crate) limits_bodies: bool,
    pub(crate) counts_connections: bool,
    pub(crate) automatic: Option<tls::fresh::Automatic>,
    pub(crate) names: &'a Rc<Names>,
    pub(crate) setup: &'a mut Setup<'s>,
}

impl<'s> Hooks<'_, 's> {
    /// Adds a handler to a phase, behind those of the modules listed before.
    pub fn on(&mut self, phase: Phase, handler: impl Handler) {
        self.parts.handlers.push((phase, Box::new(handler)));
    }

    /// Adds a header filter.
    pub fn filter(&mut self, order: Order, filter: impl Filter) {
        self.parts.filters.push((order, Box::new(filter)));
    }

    /// Adds a body filter: after all header filters each is given the body by the one before it.
    pub fn body_filter(&mut self, order: Order, filter: impl BodyFilter) {
        self.parts.body_filters.push((order, Box::new(filter)));
    }

    /// Adds a coding of answers: which of them one gets, the client decides.
    pub fn encoder(&mut self, encoder: Encoder) {
        self.parts.encoders.push(encoder);
    }

    /// Adds fields behind the body.
    pub fn trailers(&mut self, trailers: impl Trailers) {
        self.parts.trailers.push(Box::new(trailers));
    }

    /// Keeps what variables must know of this location ([`Request::kept`]), named by its type.
    pub fn keep(&mut self, value: impl Any) {
        self.parts.kept.push(Box::new(value));
    }

    /// Adds a logger.
    pub fn logger(&mut self, logger: impl Logger) {
        self.parts.loggers.push(Box::new(logger));
    }

    /// Adds a part in the life of the processes. What several locations share, because they have inherited it, is added once.
    pub fn process(&mut self, process: Rc<dyn Process>) {
        let same = |known: &Rc<dyn Process>| std::ptr::addr_eq(&**known, &*process);
        if !self.processes.iter().any(same) {
            self.processes.push(process);
        }
    }

    /// The module has a limit of its own for bodies here: `client_max_body_size` does not count.
    pub fn limit_bodies(&mut self) {
        self.limits_bodies = true;
    }

    /// The module keeps requests' bodies here ([`Request::keep_body`]): the directory for their files is made.
    pub fn keeps_bodies(&mut self) {
        let path = self.settings.body_folder.path.clone();
        self.setup.folder(module::Folder {
            path,
            wanted_by: "\"client_body_temp_path\"".to_owned(),
            shared: false,
        });
    }

    /// The module wants to know what all workers count: [`crate::counts()`].
    pub fn count_connections(&mut self) {
        self.counts_connections = true;
    }

    /// The server has a certificate that is not in a file, or shows proofs that names are its own.
    pub fn certify(&mut self, automatic: tls::fresh::Automatic) {
        self.automatic = Some(automatic);
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
    pub fn template(&self, word: &Word) -> Result<Template, Error> {
        Template::compile(&word.text, self.names).map_err(|message| self.error(word, message))
    }

    /// The variables that are known, for what names them while requests are served.
    pub fn lookup(&self) -> Lookup<Request> {
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
    pub fn error_log(&mut self, target: Target, level: LogLevel) -> Arc<Log> {
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

/// A module with its types hidden, for the list in the binary's `modules.rs`.
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) directives: fn() -> Vec<conf::Entry>,
    pub(crate) variables: &'static [Variable],
    pub(crate) create: fn() -> Box<dyn Any>,
    pub(crate) branches_by: Option<&'static str>,
    pub(crate) branch: fn(&mut dyn Any, &mut dyn Any),
    pub(crate) declare: fn(&dyn Any, &Declarations<'_, '_>) -> Result<(), Error>,
    pub(crate) inherit: fn(&mut dyn Any, &dyn Any),
    pub(crate) keep_content: fn(&mut dyn Any, &dyn Any),
    pub(crate) install: fn(&dyn Any, &mut Hooks<'_, '_>) -> Result<(), Error>,
    pub(crate) started: fn() -> Result<(), String>,
    pub(crate) flush: fn(),
}

/// The entry of module `M` for the list in the binary's `modules.rs`.
pub const fn entry<M: Module>() -> Entry {
    Entry {
        name: M::NAME,
        directives: || erase(M::DIRECTIVES).collect(),
        variables: M::VARIABLES,
        create: || Box::new(M::Conf::default()),
        branches_by: M::BRANCH,
        branch: |conf, branch| {
            if let (Some(conf), Some(branch)) = (conf.downcast_mut(), branch.downcast_mut()) {
                M::branch(conf, branch);
            }
        },
        declare: |conf, declarations| match conf.downcast_ref() {
            Some(conf) => M::declare(conf, declarations),
            None => Err(Error::new("a module was given the configuration of another")),
        },
        inherit: |conf, outer| {
            if let (Some(conf), Some(outer)) = (conf.downcast_mut(), outer.downcast_ref()) {
                M::inherit(conf, outer);
            }
        },
        keep_content: |conf, outer| {
            if let (Some(conf), Some(outer)) = (conf.downcast_mut(), outer.downcast_ref()) {
                M::keep_content(conf, outer);
            }
        },
        install: |conf, hooks| match conf.downcast_ref() {
            Some(conf) => M::install(conf, hooks),
            None => Err(Error::new("a module was given the configuration of another")),
        },
        started: M::started,
        flush: M::flush,
    }
}
