//! What a module of `rtmp {}` is: it has directives in the blocks there, and follows the streams of applications.

use std::any::Any;
use std::rc::Rc;

use conf::{Directive, Error, erase};
use module::{Process, Setup};

use crate::events::channel::Events;
use crate::follow::Followers;
use crate::hooks::hook::Hook;
use crate::hooks::telling::Telling;
use crate::settings::callbacks::Callbacks;

/// A module of `rtmp {}`, compiled in and listed in the binary's `modules.rs`.
///
/// It has one `Conf` for each block (`rtmp`, `server`, `application`); what a block leaves unset it inherits. Then
/// [`StreamModule::install`] is asked, for each application, what is to be done with its streams.
pub trait StreamModule: 'static {
    /// Its name, as the directive reference shows it.
    const NAME: &'static str;
    /// What its directives set.
    type Conf: Default + 'static;
    /// Its directives.
    const DIRECTIVES: &'static [Directive<Self::Conf>];

    /// The `rtmp` block was read: completes what its servers inherit.
    fn complete(conf: &mut Self::Conf) -> Result<(), Error> {
        let _ = conf;
        Ok(())
    }

    /// Fills what this block left unset from the enclosing block.
    fn inherit(conf: &mut Self::Conf, outer: &Self::Conf);

    /// Checks the conf of one application, and says what is to be done with its streams. Runs in the master.
    fn install(conf: &Self::Conf, application: &mut Application<'_, '_>) -> Result<(), Error>;
}

/// An `application {}` that is being put together.
pub struct Application<'a, 's> {
    /// Its name.
    pub name: &'a str,
    /// What its streams' names begin with in logs: the applications of one name in several servers differ in it.
    pub prefix: &'a str,
    /// The server that is being set up.
    pub setup: &'a mut Setup<'s>,
    /// Its `publish_grace`, milliseconds.
    pub publish_grace: u64,
    pub(crate) callbacks: &'a Callbacks,
    pub(crate) followers: Vec<Rc<dyn Followers>>,
    pub(crate) processes: Vec<Rc<dyn Process>>,
}

impl Application<'_, '_> {
    /// Its streams are followed by these from now on.
    pub fn follow(&mut self, followers: Rc<dyn Followers>) {
        self.followers.push(followers);
    }

    /// How what happens to its streams is told: as events, and to this hook if there is one.
    pub fn telling(&mut self, hook: Option<&Hook>) -> Result<Telling, Error> {
        let hooks = self.callbacks.hooks();
        let hook = match hook {
            Some(hook) => {
                self.setup.connects("hooks");
                let secure = hook.is_secure().then(|| self.callbacks.trusting(self.setup.env));
                Some(hook.secured(secure.transpose()?.as_ref()))
            }
            None => None,
        };
        let events = self.callbacks.rtmp_events.get();
        let events = events.and_then(|word| Events::parse(&word.text));
        Ok(Telling::new(events, hook, hooks.method, hooks.timeout))
    }

    /// Makes something a part of the processes' life. What several applications share is given once.
    pub fn process(&mut self, process: Rc<dyn Process>) {
        self.processes.push(process);
    }
}

/// A module in the list.
#[derive(Clone, Copy)]
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) directives: fn() -> Vec<conf::Entry>,
    pub(crate) create: fn() -> Box<dyn Any>,
    pub(crate) complete: fn(&mut dyn Any) -> Result<(), Error>,
    pub(crate) inherit: fn(&mut dyn Any, &dyn Any),
    pub(crate) install: fn(&dyn Any, &mut Application<'_, '_>) -> Result<(), Error>,
}

/// The entry of module `M` for the list in the binary's `modules.rs`.
pub const fn entry<M: StreamModule>() -> Entry {
    Entry {
        name: M::NAME,
        directives: || erase(M::DIRECTIVES).collect(),
        create: || Box::new(M::Conf::default()),
        complete: |conf| conf.downcast_mut().map_or_else(|| Err(another()), M::complete),
        inherit: |conf, outer| {
            if let (Some(conf), Some(outer)) = (conf.downcast_mut(), outer.downcast_ref()) {
                M::inherit(conf, outer);
            }
        },
        install: |conf, application| match conf.downcast_ref() {
            Some(conf) => M::install(conf, application),
            None => Err(another()),
        },
    }
}

fn another() -> Error {
    Error::new("a module was given the configuration of another")
}
