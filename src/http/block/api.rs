//! What an HTTP module is.

use std::any::Any;
use std::ops::{Deref, DerefMut};

use conf::{Directive, Error, Word, erase};
use mem::Str;

use crate::block::declarations::Declarations;
use crate::block::installing::Installing;
use crate::block::parts::Parts;
use crate::block::settings::Settings;
use crate::request::flow::{Order, Phase};
use crate::request::{BodyFilter, Filter, Handler, Logger, Request, Trailers, Variable};
use crate::response::encoder::Encoder;
use crate::route::location::MatchKind;

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
    /// What makes the answer is kept where a method is not allowed, too (`limit_except`), if who asks is: as in nginx that is
    /// so of what passes requests on, and of nothing else.
    const KEEPS_LIMITED: bool = false;

    /// Rows of blocks of its own (`upstream {}`), which its directives read: for the reference.
    fn inner_directives() -> Vec<conf::Entry> {
        Vec::new()
    }

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

/// What a module may hook into.
pub struct Hooks<'a, 's> {
    /// The core's settings of this location.
    pub settings: &'a Settings,
    /// Which block this is.
    pub level: Level,
    /// How the location takes requests, and by which pattern; of a branch, the pattern of the location that it stands in.
    pub kind: &'a MatchKind,
    /// That pattern.
    pub pattern: &'a Str,
    /// The names of the server that this is of, as they are written.
    pub server_names: Vec<Word>,
    pub(crate) parts: Parts,
    pub(crate) limits_bodies: bool,
    pub(crate) counts_connections: bool,
    pub(crate) automatic: Option<tls::fresh::Automatic>,
    pub(crate) installing: Installing<'a, 's, Request>,
}

impl<'a, 's> Deref for Hooks<'a, 's> {
    type Target = Installing<'a, 's, Request>;

    fn deref(&self) -> &Installing<'a, 's, Request> {
        &self.installing
    }
}

impl<'a, 's> DerefMut for Hooks<'a, 's> {
    fn deref_mut(&mut self) -> &mut Installing<'a, 's, Request> {
        &mut self.installing
    }
}

impl Hooks<'_, '_> {
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

    /// The module has a limit of its own for bodies here: `client_max_body_size` does not count.
    pub fn limit_bodies(&mut self) {
        self.limits_bodies = true;
    }

    /// The module keeps requests' bodies here ([`Request::keep_body`]): the directory for their files is made.
    pub fn keeps_bodies(&mut self) {
        let path = self.settings.body_folder.path.clone();
        self.setup().folder(module::Folder {
            path,
            wanted_by: "\"client_body_temp_path\"".to_owned(),
            shared: None,
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
}

/// A module with its types hidden, for the list in the binary's `modules.rs`.
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) directives: fn() -> Vec<conf::Entry>,
    pub(crate) inner_directives: fn() -> Vec<conf::Entry>,
    pub(crate) variables: &'static [Variable],
    pub(crate) create: fn() -> Box<dyn Any>,
    pub(crate) branches_by: Option<&'static str>,
    pub(crate) branch: fn(&mut dyn Any, &mut dyn Any),
    pub(crate) declare: fn(&dyn Any, &Declarations<'_, '_>) -> Result<(), Error>,
    pub(crate) inherit: fn(&mut dyn Any, &dyn Any),
    pub(crate) keeps_limited: bool,
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
        inner_directives: M::inner_directives,
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
        keeps_limited: M::KEEPS_LIMITED,
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
