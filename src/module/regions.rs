//! Shared memory that modules ask for. It is made once, and outlives the configuration, the worker and
//! the binary that asked for it.

use std::cell::{Cell, OnceCell};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use shm::Region;

/// A region that some module asked for. Regions with the same words are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name: letters, digits, `_`, `.`, `-`.
    pub name: String,
    /// How it is divided, in the same letters: one that is divided otherwise is another.
    pub shape: String,
    /// Bytes.
    pub len: usize,
    /// The file that what is in it is kept in.
    pub file: Option<PathBuf>,
}

/// Where the module finds its region once it is open.
#[derive(Default)]
pub struct Place {
    region: OnceCell<Arc<Region>>,
    previous: Cell<Option<Previous>>,
    /// Of a file that goes with it; its descriptor is the module's.
    file: Cell<Option<RawFd>>,
    inherited: Cell<Option<OwnedFd>>,
}

/// A region of the same name in another form.
#[derive(Debug)]
pub struct Previous {
    /// It.
    pub region: Arc<Region>,
    /// The binary before has handed it over: that one may go on with it, should the new one not stay.
    pub handed: bool,
}

/// Where the module finds its region once it is open.
pub type Slot = Rc<Place>;

impl Place {
    /// The region.
    pub fn region(&self) -> Option<&Arc<Region>> {
        self.region.get()
    }

    /// The region of the same name that the configuration before has, or the binary before, and that is of another
    /// shape or size: what is in it is to be taken over, now.
    pub fn take_previous(&self) -> Option<Previous> {
        self.previous.take()
    }

    /// The file that goes with it, which the binary before has handed over.
    pub fn take_file(&self) -> Option<OwnedFd> {
        self.inherited.take()
    }

    /// Says which file goes with it: a new binary gets its descriptor, too. It stays open as long as the region is
    /// used.
    pub fn set_file(&self, file: Option<RawFd>) {
        self.file.set(file);
    }
}

/// The regions of a configuration.
#[derive(Default)]
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
    /// The file that goes with it.
    pub file: Option<OwnedFd>,
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

    /// How many bytes one of this name has, if it was asked for.
    pub fn len_of(&self, name: &str) -> Option<usize> {
        self.all.iter().find(|(known, _)| known.name == name).map(|(known, _)| known.len)
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
            let handed = inherited.iter().position(|one| one.name == wanted.name);
            let handed = handed.map(|at| inherited.swap_remove(at));
            let opened = match before.same(wanted) {
                Some((known, place)) => slot.share(wanted, known, place),
                None => slot.inherit(wanted, handed),
            };
            opened.map_err(|error| (wanted.name.clone(), error))?;
        }
        Ok(())
    }

    /// The one of that name; else the one that is kept in the same file.
    fn same(&self, wanted: &Wanted) -> Option<(&Wanted, &Slot)> {
        let by_name = self.all.iter().find(|(known, _)| known.name == wanted.name);
        let in_file = |known: &Wanted| wanted.file.is_some() && known.file == wanted.file;
        let found = by_name.or_else(|| self.all.iter().find(|(known, _)| in_file(known)));
        found.map(|(known, slot)| (known, slot))
    }

    /// Whether a region is one of these.
    pub fn contains(&self, region: &Arc<Region>) -> bool {
        self.all
            .iter()
            .any(|(_, slot)| slot.region().is_some_and(|known| Arc::ptr_eq(known, region)))
    }

    /// Processes that are forked from now on do, or do not, have those regions that `others` have not.
    pub fn inherit_only(&self, others: &Regions, all: bool) {
        let regions = self.all.iter().filter_map(|(_, slot)| slot.region());
        for region in regions.filter(|region| !others.contains(region)) {
            region.set_inherited(all);
        }
    }

    /// Descriptors of files of those regions that `others` have not: new workers have no business with them.
    pub fn files_without(&self, others: &Regions) -> Vec<RawFd> {
        let left = self
            .all
            .iter()
            .filter(|(_, slot)| slot.region().is_some_and(|region| !others.contains(region)));
        left.filter_map(|(_, slot)| slot.file.get()).collect()
    }

    /// The open ones, for the environment of a new binary.
    pub fn iter(&self) -> impl Iterator<Item = (&Wanted, &Region, Option<RawFd>)> {
        self.all
            .iter()
            .filter_map(|(wanted, slot)| Some((wanted, &**slot.region()?, slot.file.get())))
    }

    /// Their descriptors.
    pub fn descriptors(&self) -> Vec<i32> {
        let of = |(_, region, file): (_, &Region, Option<RawFd>)| [Some(region.as_raw_fd()), file];
        self.iter().flat_map(of).flatten().collect()
    }
}

impl Place {
    /// The configuration before has a region of this name.
    fn share(&self, wanted: &Wanted, known: &Wanted, place: &Place) -> io::Result<()> {
        let Some(region) = place.region() else { return self.create(wanted) };
        if known == wanted {
            let _ = self.region.set(region.clone());
            self.file.set(place.file.get());
            return Ok(());
        }
        self.previous.set(Some(Previous { region: region.clone(), handed: false }));
        self.create(wanted)
    }

    fn inherit(&self, wanted: &Wanted, handed: Option<Inherited>) -> io::Result<()> {
        let Some(handed) = handed else { return self.create(wanted) };
        let region = Arc::new(Region::inherit(handed.fd)?);
        self.inherited.set(handed.file);
        if region.len() == wanted.len && handed.shape == wanted.shape {
            let _ = self.region.set(region);
            return Ok(());
        }
        self.previous.set(Some(Previous { region, handed: true }));
        self.create(wanted)
    }

    fn create(&self, wanted: &Wanted) -> io::Result<()> {
        let region = Region::create(&format!("rserve-{}", wanted.name), wanted.len)?;
        let _ = self.region.set(Arc::new(region));
        Ok(())
    }
}
