//! What a module of `stream {}` is.

use std::any::Any;
use std::ops::{Deref, DerefMut};

use conf::{Directive, Error, erase};
use http::Installing;

use crate::session::{Content, Handler, Logger, Phase, Preread, Session};

/// What blocks declare.
pub type Declarations<'a, 's> = http::Declarations<'a, 's, Session>;
/// A variable of sessions.
pub type Variable = http::vars::names::Variable<Session>;
/// A word with variables of sessions.
pub type Template = http::vars::template::Template<Session>;
/// A module of `stream {}`, compiled in and listed in the binary's `modules.rs`.
///
/// It has one `Conf` for the block and one for each of its servers, which inherits what it leaves unset. Then
/// [`Module::install`] is asked, for each server, what it wants to do there.
pub trait Module: 'static {
    /// Its name, as the directive reference shows it.
    const NAME: &'static str;
    /// What its directives set.
    type Conf: Default + 'static;
    /// Its directives.
    const DIRECTIVES: &'static [Directive<Self::Conf>];
    /// The variables it provides.
    const VARIABLES: &'static [Variable] = &[];
    /// Its directives are those of a module of `http {}` as well: the reference has them there.
    const IS_OF_HTTP: bool = false;

    /// Makes the variables that a block asks for, before any word is compiled. Runs in the master.
    fn declare(conf: &Self::Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let _ = (conf, declarations);
        Ok(())
    }

    /// Fills what a server left unset from the block around it.
    fn inherit(conf: &mut Self::Conf, outer: &Self::Conf);

    /// Checks the conf of a server and adds what is to be done there. Runs in the master.
    fn install(conf: &Self::Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error>;

    /// Worker: log files are about to be reopened, or it is about to exit: writes what is buffered
    /// ([`module::Instance::flush`]).
    fn flush() {}
}

/// What is done in a server.
#[derive(Default)]
pub struct Parts {
    /// In the order in which it is done.
    pub handlers: Vec<(Phase, Box<dyn Handler>)>,
    /// Before the handlers of the phase `Preread`.
    pub prereads: Vec<Box<dyn Preread>>,
    /// The last of these that was added.
    pub content: Option<Box<dyn Content>>,
    /// In the order of the list of modules.
    pub loggers: Vec<Box<dyn Logger>>,
    /// What variables must know of the server.
    pub kept: Vec<Box<dyn Any>>,
}

/// What a module may hook into.
pub struct Hooks<'a, 's> {
    pub(crate) parts: Parts,
    pub(crate) installing: Installing<'a, 's, Session>,
    /// It listens for datagrams.
    pub datagrams: bool,
}

impl<'a, 's> Deref for Hooks<'a, 's> {
    type Target = Installing<'a, 's, Session>;

    fn deref(&self) -> &Installing<'a, 's, Session> {
        &self.installing
    }
}

impl<'a, 's> DerefMut for Hooks<'a, 's> {
    fn deref_mut(&mut self) -> &mut Installing<'a, 's, Session> {
        &mut self.installing
    }
}

impl Hooks<'_, '_> {
    /// Adds a handler to a phase, behind those of the modules listed before.
    pub fn on(&mut self, phase: Phase, handler: impl Handler) {
        self.parts.handlers.push((phase, Box::new(handler)));
    }

    /// Adds a look at what clients say first.
    pub fn preread(&mut self, preread: impl Preread) {
        self.parts.prereads.push(Box::new(preread));
    }

    /// Says what the server's sessions are there for.
    pub fn content(&mut self, content: impl Content) {
        self.parts.content = Some(Box::new(content));
    }

    /// Adds a logger.
    pub fn logger(&mut self, logger: impl Logger) {
        self.parts.loggers.push(Box::new(logger));
    }

    /// Keeps what must be known of this server ([`Session::kept`]), named by its type.
    pub fn keep(&mut self, value: impl Any) {
        self.parts.kept.push(Box::new(value));
    }
}

/// A module with its types hidden, for the list in the binary's `modules.rs`.
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) directives: fn() -> Vec<conf::Entry>,
    pub(crate) variables: &'static [Variable],
    pub(crate) is_of_http: bool,
    pub(crate) create: fn() -> Box<dyn Any>,
    pub(crate) declare: fn(&dyn Any, &Declarations<'_, '_>) -> Result<(), Error>,
    pub(crate) inherit: fn(&mut dyn Any, &dyn Any),
    pub(crate) install: fn(&dyn Any, &mut Hooks<'_, '_>) -> Result<(), Error>,
    pub(crate) flush: fn(),
}

/// The entry of module `M` for the list in the binary's `modules.rs`.
pub const fn entry<M: Module>() -> Entry {
    Entry {
        name: M::NAME,
        directives: || erase(M::DIRECTIVES).collect(),
        variables: M::VARIABLES,
        is_of_http: M::IS_OF_HTTP,
        create: || Box::new(M::Conf::default()),
        declare: |conf, declarations| match conf.downcast_ref() {
            Some(conf) => M::declare(conf, declarations),
            None => Err(Error::new("a module was given the configuration of another")),
        },
        inherit: |conf, outer| {
            if let (Some(conf), Some(outer)) = (conf.downcast_mut(), outer.downcast_ref()) {
                M::inherit(conf, outer);
            }
        },
        install: |conf, hooks| match conf.downcast_ref() {
            Some(conf) => M::install(conf, hooks),
            None => Err(Error::new("a module was given the configuration of another")),
        },
        flush: M::flush,
    }
}
