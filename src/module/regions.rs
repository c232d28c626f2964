//! Shared memory that modules ask for. It is made once, and outlives the configuration, the worker and
//! the binary that asked for it.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;

use shm::{Backing, Region};

/// A region that some module asked for. Regions with the same words are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name: letters, digits, `_`, `.`, `-`.
    pub name: String,
    /// How it is divided, in the same letters: one that is divided otherwise is another.
    pub shape: String,
    /// Bytes.
    pub len: usize,
    /// In memory or in a file.
    pub backing: Backing,
}

/// Where the module finds its region once it is open.
pub type Slot = Rc<OnceCell<Arc<Region>>>;

/// The regions of a configuration.
#[derive(Debug, Default)]
pub struct Regions {
    all: Vec<(Wanted, Slot)>,
}

/// A region that the predecessor of this binary handed over.
#[derive(Debug)]
pub struct Inherited {
    /// The name that it goes by.
    pub name: String,
    /// Its shape.
    pub shape: String,
    /// It.
    pub fd: OwnedFd,
}

impl Regions {
    /// Asks for a region.
    pub fn want(&mut self, wanted: Wanted) -> Slot {
        if let Some((_, slot)) = self.all.iter().find(|(known, _)| *known == wanted) {
            return slot.clone();
        }
        let slot = Slot::default();
        self.all.push((wanted, slot.clone()));
        slot
    }

    /// Opens all: those of `before` that are the same, those that were handed over, new ones. The
    /// error names the region.
    pub fn open(
        &self,
        before: &Regions,
        inherited: Vec<Inherited>,
    ) -> Result<(), (String, io::Error)> {
        let mut inherited = inherited;
        for (wanted, slot) in &self.all {
            let same = before.all.iter().find(|(known, _)| known == wanted);
            let handed = |one: &Inherited| one.name == wanted.name && one.shape == wanted.shape;
            let region = if let Some(region) = same.and_then(|(_, slot)| slot.get()) {
                Ok(region.clone())
            } else if let Some(at) = inherited.iter().position(handed) {
                open_inherited(inherited.swap_remove(at), wanted)
            } else {
                Region::create(&wanted.backing, wanted.len).map(Arc::new)
            };
            let region = region.map_err(|error| (wanted.name.clone(), error))?;
            let _ = slot.set(region);
        }
        Ok(())
    }

    /// The open ones, for the environment of a new binary.
    pub fn iter(&self) -> impl Iterator<Item = (&Wanted, &Region)> {
        self.all.iter().filter_map(|(wanted, slot)| Some((wanted, &**slot.get()?)))
    }

    /// Their descriptors.
    pub fn descriptors(&self) -> Vec<i32> {
        self.iter().map(|(_, region)| region.as_raw_fd()).collect()
    }
}

fn open_inherited(inherited: Inherited, wanted: &Wanted) -> io::Result<Arc<Region>> {
    let region = Region::inherit(inherited.fd)?;
    match region.len() == wanted.len {
        true => Ok(Arc::new(region)),
        // Of another size it is another one.
        false => {
            drop(region);
            Region::create(&wanted.backing, wanted.len).map(Arc::new)
        }
    }
}
