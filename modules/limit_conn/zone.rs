//! `limit_conn_zone`: the keys of requests, and how many of each are being served.
//!
//! Of each key every worker has an entry of its own in the table, which is taken away when the worker ends, in whichever
//! way: what it has counted never outlives it.

use std::cell::OnceCell;
use std::rc::Rc;

use conf::{Error, Setting, Word};
use http::{Declarations, Hooks, Template};
use module::{TableZone, zone_argument};
use shm::Entry;

/// A zone as it was written.
pub struct Zone {
    /// Its memory.
    pub table: Rc<TableZone>,
    key: Word,
    template: OnceCell<Template>,
}

impl Zone {
    /// Reads the directive; `before`: those that are declared already.
    pub fn read(setting: &Setting<'_>, before: &[Rc<Zone>]) -> Result<Zone, Error> {
        let key = setting.args()[0].clone();
        let Some(named) = zone_argument(setting, 1)? else {
            let word = setting.arg(1);
            return Err(setting.error_at(1, format!("invalid parameter \"{word}\"")));
        };
        let (name, size) = named;
        if name.text.is_empty() {
            return Err(
                setting.error(format!("\"{}\" must have \"zone\" parameter", setting.name()))
            );
        }
        let conflict = before.iter().find_map(|zone| zone.table.conflict(&name.text, size));
        if let Some(conflict) = conflict {
            return Err(setting.error(conflict));
        }
        let table = TableZone::new("limit_conn_zone", (name, size), &key.text, true);
        Ok(Zone { table: Rc::new(table), key, template: OnceCell::new() })
    }

    /// Compiles the key, when all variables are known.
    pub fn compile(&self, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        let _ = self.template.set(declarations.template(&self.key)?);
        Ok(())
    }

    /// Asks for the memory.
    pub fn install(&self, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if self.table.install(hooks.setup())? {
            hooks.process(self.table.clone());
        }
        Ok(())
    }

    /// What a request's key is made of.
    pub fn key(&self) -> Option<&Template> {
        self.template.get()
    }

    /// Counts a request of a key, if fewer than `most` are being served.
    pub fn count(&self, key: &[u8], most: u64) -> Result<Counted, Refused> {
        let (table, tag) = self.table.table().zip(self.table.tag()).ok_or(Refused::Full)?;
        let key = table.key(key);
        let locked = table.lock();
        let (mut own, mut served) = (None, 0);
        for entry in locked.all(key) {
            served += locked.value(entry)[0].get();
            if locked.tag(entry) == tag {
                own = Some(entry);
            }
        }
        if served >= most {
            return Err(Refused::Above);
        }
        let entry = match own {
            Some(entry) => {
                locked.value(entry)[0].add(1);
                entry
            }
            None => locked.insert(key, tag, [1, 0]).ok_or(Refused::Full)?,
        };
        Ok(Counted { zone: self.table.clone(), entry })
    }
}

/// Why a request is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many as there may be are being served.
    Above,
    /// There is no room for its key.
    Full,
}

/// A request that is counted, until this is dropped.
pub struct Counted {
    zone: Rc<TableZone>,
    entry: Entry,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((table, tag)) = self.zone.table().zip(self.zone.tag()) else { return };
        let locked = table.lock();
        // Who was taken for dead, and was not, has nothing left to give back.
        if !locked.is_tagged(self.entry, tag) {
            return;
        }
        let [served, _] = locked.value(self.entry);
        served.sub(1);
        if served.get() == 0 {
            locked.remove(self.entry);
        }
    }
}
