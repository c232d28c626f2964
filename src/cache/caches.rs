//! The caches of a configuration, by name.

use std::cell::RefCell;
use std::rc::Rc;

use conf::{Error, Setting};
use module::{Folder, Process, Role, Setup, TableZone};

use crate::zone::Zone;
use crate::{loader, manager, settings};

/// All of them.
#[derive(Default)]
pub struct Caches {
    all: RefCell<Vec<Rc<Zone>>>,
}

/// The version of what is in the entries of an index.
const VERSION: u32 = 1;
/// What a cache's memory is declared with, whichever module does it.
const MEMORY: &str = "cache_path";

impl Caches {
    /// The one that a directive declares. The errors are nginx's.
    pub fn read(setting: &Setting<'_>, before: &[Rc<Zone>]) -> Result<Rc<Zone>, Error> {
        let (settings, (name, size)) = settings::read(setting)?;
        if before.iter().any(|zone| zone.name() == name.text) {
            return Err(setting.error(format!("duplicate zone \"{}\"", name.text)));
        }
        // With another directory, or other directories in that, it is another cache.
        let key = format!("{VERSION} {} {:?}", settings.path.display(), settings.levels);
        let memory = Rc::new(TableZone::new(MEMORY, (name, size), &key, true));
        Ok(Rc::new(Zone::new(settings, memory)))
    }

    /// Asks for what a cache needs. `false`: that was done before.
    pub fn install(&self, zone: &Rc<Zone>, setup: &mut Setup<'_>) -> Result<bool, Error> {
        if self.get(zone.name()).is_some_and(|known| Rc::ptr_eq(&known, zone)) {
            return Ok(false);
        }
        let same = |known: &&Rc<Zone>| {
            known.name() == zone.name() || known.settings.path == zone.settings.path
        };
        if let Some(known) = self.all.borrow().iter().find(same) {
            let (name, path) = (known.name(), known.settings.path.display());
            let message =
                format!("cache \"{}\" has the name or the directory of another one", zone.name());
            let hint = format!("\"{name}\" is in \"{path}\"");
            return Err(zone.memory.error(message, setup).with_hint(hint));
        }
        zone.memory.install(setup)?;
        let path = zone.settings.path.clone();
        setup.folder(Folder { path, wanted_by: format!("\"{MEMORY}\""), shared: None });
        self.all.borrow_mut().push(zone.clone());
        Ok(true)
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<Rc<Zone>> {
        self.all.borrow().iter().find(|zone| zone.name() == name).cloned()
    }
}

impl Process for Caches {
    fn needs(&self, role: Role) -> bool {
        let all = self.all.borrow();
        match role {
            Role::CacheManager => !all.is_empty(),
            Role::CacheLoader => all.iter().any(|zone| zone.is_cold()),
            Role::Helper => false,
        }
    }

    fn assist(&'static self, role: Role) {
        let all = self.all.borrow().clone();
        match role {
            Role::CacheManager => all.into_iter().for_each(|zone| rt::spawn(manager::run(zone))),
            Role::CacheLoader => rt::spawn(async move {
                for zone in all.iter().filter(|zone| zone.is_cold()) {
                    loader::run(zone).await;
                }
                rt::stop();
            }),
            Role::Helper => {}
        }
    }
}
