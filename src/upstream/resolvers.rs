//! The resolvers of a configuration: one for each distinct `resolver`, all with one memory, so that of all workers one asks
//! for a name, and what it is told is known after a reload and an upgrade.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use conf::Error;
use module::{Process, Setup, Slot, Wanted};
use resolver::{Failure, Found, Resolver, Service, Settings};
use shm::{Holder, PATIENCE_MS};

/// Names that the memory has room for. What is not used of it costs nothing.
const NAMES: usize = 4096;

/// What `resolver` and `resolver_timeout` say in one place: who finds names, and how long that may take.
pub struct Resolving {
    resolver: Rc<Resolver>,
    /// The same in a worker, whose configuration stays to its end.
    kept: OnceCell<&'static Rc<Resolver>>,
    settings: Settings,
    timeout: u64,
}

impl Resolving {
    /// The addresses of a name, or the one that is written.
    pub async fn addresses(&self, name: &str) -> Result<Found, Failure> {
        self.resolver().addresses(name, self.timeout).await
    }

    /// Where a service of a name is.
    pub async fn services(&self, name: &str, service: &str) -> Result<Found<Service>, Failure> {
        self.resolver().services(name, service, self.timeout).await
    }

    /// Milliseconds that it may take.
    pub fn timeout(&self) -> u64 {
        self.timeout
    }

    /// Milliseconds for which answers hold, if that is set.
    pub fn valid(&self) -> Option<u64> {
        self.settings.valid_ms
    }

    fn resolver(&self) -> &'static Resolver {
        self.kept.get_or_init(|| Box::leak(Box::new(self.resolver.clone())))
    }
}

/// All of a configuration's.
#[derive(Default)]
pub struct Resolvers {
    all: RefCell<Vec<(Settings, Rc<Resolver>)>>,
    slot: OnceCell<Slot>,
    holder: RefCell<Holder>,
}

impl Resolvers {
    /// The one with these settings, for who waits so many milliseconds at most.
    pub fn with(&self, settings: &Settings, timeout: u64) -> Resolving {
        let mut all = self.all.borrow_mut();
        let known = all.iter().find(|(known, _)| known == settings);
        let resolver = match known {
            Some((_, resolver)) => resolver.clone(),
            None => {
                let resolver = Rc::new(Resolver::new(settings.clone()));
                all.push((settings.clone(), resolver.clone()));
                resolver
            }
        };
        Resolving { resolver, kept: OnceCell::new(), settings: settings.clone(), timeout }
    }

    /// Asks for the memory, once, if there is a resolver. `true`: it is to become a part of the processes' life.
    pub fn install(&self, setup: &mut Setup<'_>) -> bool {
        if self.slot.get().is_some() || self.all.borrow().is_empty() {
            return false;
        }
        let slot = setup.region(Wanted {
            name: "names".to_owned(),
            shape: resolver::shape(),
            len: resolver::size(NAMES),
            file: None,
        });
        self.slot.set(slot).is_ok()
    }
}

impl Process for Resolvers {
    fn opened(&self) -> Result<(), Error> {
        let missing = || Error::new("the memory of names is not there");
        let slot = self.slot.get().ok_or_else(missing)?;
        // Of another version nothing is taken over: names can be asked for again.
        drop(slot.take_previous());
        let region = slot.region().ok_or_else(missing)?;
        let unusable = |error| Error::new(format!("the memory of names cannot be used: {error}"));
        let all = self.all.borrow();
        all.iter().try_for_each(|(_, resolver)| resolver.share(region.clone())).map_err(unusable)
    }

    fn stuck(&self) -> Vec<i32> {
        let now = sys::clock::monotonic_ms();
        let all = self.all.borrow();
        // They have one lock, all of them.
        let look = |(_, resolver): &(Settings, Rc<Resolver>)| {
            resolver.look(&mut self.holder.borrow_mut(), now, PATIENCE_MS)
        };
        all.first().and_then(look).into_iter().collect()
    }
}
