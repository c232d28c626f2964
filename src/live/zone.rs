//! A zone as it is written, its memory in the master, its hub in each worker.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::num::NonZero;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use broadcast::{OpenError, Shape, Zone};
use conf::Error;
use module::{Previous, Process, Regions, Setup, Slot, Wanted};
use shm::{Holder, Origin, Region};

use crate::file::{FileConf, Pending};
use crate::hub::Hub;
use crate::protocol::Protocol;

thread_local! {
    /// The zones of this process.
    static ZONES: RefCell<Vec<Weak<Zone>>> = const { RefCell::new(Vec::new()) };
    /// Those of the newest configuration, by directive and name.
    static NAMED: RefCell<HashMap<(&'static str, String), Rc<Zone>>> = RefCell::default();
    /// The hubs of this process, by their memory.
    static HUBS: RefCell<Vec<(NonZero<usize>, &'static dyn Any)>> = const { RefCell::new(Vec::new()) };
}

/// The zone of that name, in the master or a worker.
pub fn by_name(directive: &'static str, name: &str) -> Option<Rc<Zone>> {
    NAMED.with_borrow(|zones| zones.get(&(directive, name.to_owned())).cloned())
}

/// What is written of a zone.
pub struct Form {
    /// What it is written with: for messages.
    pub directive: &'static str,
    /// Its name; empty: there is one.
    pub name: String,
    /// Bytes.
    pub size: usize,
    /// How it is divided, the number of rows aside.
    pub shape: Shape,
    /// Processes that it has room for, with so many workers. It is copied when this changes.
    pub rows: fn(usize) -> usize,
    /// Where it is kept.
    pub file: Option<FileConf>,
}

/// A zone as it was written, and what came of it in this process.
pub struct ZoneConf<P: Protocol> {
    form: Form,
    shape: Cell<Shape>,
    installed: Cell<bool>,
    region: OnceCell<Slot>,
    zone: OnceCell<Rc<Zone>>,
    hub: OnceCell<&'static Hub<P>>,
    /// What another configuration has of it, until it is decided which of the two serves.
    previous: RefCell<Option<Rc<Zone>>>,
    pending: RefCell<Pending>,
    holder: RefCell<Holder>,
}

impl<P: Protocol> ZoneConf<P> {
    /// `None`: the size makes no zone.
    pub fn new(form: Form) -> Option<ZoneConf<P>> {
        let shape = Shape { rows: (form.rows)(1), ..form.shape };
        Zone::fits(form.size, shape).then(|| ZoneConf {
            form,
            shape: Cell::new(shape),
            installed: Cell::new(false),
            region: OnceCell::new(),
            zone: OnceCell::new(),
            hub: OnceCell::new(),
            previous: RefCell::default(),
            pending: RefCell::default(),
            holder: RefCell::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.form.name
    }

    /// Its bytes.
    pub fn size(&self) -> usize {
        self.form.size
    }

    /// Where it is kept.
    pub fn file(&self) -> Option<&FileConf> {
        self.form.file.as_ref()
    }

    /// As it is called in messages.
    fn label(&self) -> String {
        match self.form.name.as_str() {
            "" => self.form.directive.to_owned(),
            name => format!("{} \"{name}\"", self.form.directive),
        }
    }

    /// Asks for the memory. `false`: that was done before; else it is to become a part of the processes' life.
    pub fn install(&self, setup: &mut Setup<'_>) -> Result<bool, Error> {
        if self.installed.replace(true) {
            return Ok(false);
        }
        let shape = Shape { rows: (self.form.rows)(setup.workers), ..self.shape.get() };
        if !Zone::fits(self.form.size, shape) {
            let (label, workers) = (self.label(), setup.workers);
            return Err(Error::new(format!(
                "the {label} is too small for {workers} worker_processes"
            )));
        }
        self.shape.set(shape);
        let Shape { block_size, rows, channels, .. } = shape;
        let slot = setup.region(Wanted {
            name: match self.form.name.as_str() {
                "" => self.form.directive.to_owned(),
                name => format!("{}.{name}", self.form.directive),
            },
            shape: format!(
                "{}.{block_size}.{rows}.{channels}.{}",
                broadcast::VERSION,
                self.file().map_or("memory", FileConf::word)
            ),
            len: self.form.size,
            file: self.file().map(|file| file.path.clone()),
        });
        let _ = self.region.set(slot);
        Ok(true)
    }

    /// The zone, in the master and in workers.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.get().map(|zone| &**zone)
    }

    /// The hub of this worker.
    pub fn hub(&self) -> Option<&'static Hub<P>> {
        self.hub.get().copied()
    }

    /// Master: a worker has ended. Gives the channels that it owned. `None`: somebody has the lock.
    pub fn sweep(&self, pid: i32) -> Option<Vec<Vec<u8>>> {
        self.zone().map_or(Some(Vec::new()), |zone| zone.sweep(pid))
    }

    /// The zone in a region, with what the configuration or the binary before has had, or what is in its file.
    fn make(&self, slot: &Slot, region: Arc<Region>) -> Result<Zone, Error> {
        let label = self.label();
        let failed = |error: OpenError| Error::new(format!("the {label} cannot be used: {error}"));
        let handed = region.origin() == Origin::Shared;
        let zone = Zone::of(region, self.shape.get()).map_err(failed)?;
        let Some(file) = self.file() else {
            self.copy(&zone, slot)?;
            self.take_over(&zone)?;
            return Ok(zone);
        };
        if handed {
            let missing = || Error::new(format!("the file of {label} was not handed over"));
            file.inherit(&label, &zone, slot.take_file().ok_or_else(missing)?)?;
        } else {
            self.copy(&zone, slot)?;
            if self.is_anothers(file) {
                let path = file.path.display();
                let directive = self.form.directive;
                let why = format!(
                    "{path} is the file of another {directive}: that one gives it up first"
                );
                return Err(Error::new(format!("the file of {label}: {why}")));
            }
            let pending = match &*self.previous.borrow() {
                Some(previous) => file.replace(&label, &zone, previous, self.form.size),
                None => file.open(&label, &zone, self.form.size),
            };
            self.pending.replace(pending?);
            self.take_over(&zone)?;
        }
        Ok(zone)
    }

    /// Whether another zone of this server is kept there: a wait for its lock would be one for ourselves.
    fn is_anothers(&self, file: &FileConf) -> bool {
        let previous = self.previous.borrow();
        let own = previous.as_ref().map(Rc::as_ptr);
        let mut zones = ZONES.with_borrow(|zones| zones.clone()).into_iter();
        zones.any(|zone| {
            let zone = zone.upgrade().filter(|zone| Some(Rc::as_ptr(zone)) != own);
            zone.and_then(|zone| zone.file_fd()).is_some_and(|fd| file.is_at(fd))
        })
    }

    /// The zone does not come to serve: the one whose place it has taken goes on.
    fn undo(&self, zone: &Zone) {
        if let Some(Err(error)) = self.previous.take().map(|previous| previous.reopen(zone)) {
            sys::log!(Alert, "the {} cannot go on: {error}", self.label());
        }
    }

    /// The last of what another configuration has: it is published here from now on.
    fn take_over(&self, zone: &Zone) -> Result<(), Error> {
        let taken = match &*self.previous.borrow() {
            Some(previous) => zone.take_over(previous),
            None => Ok(()),
        };
        taken.map_err(|error| {
            self.undo(zone);
            Error::new(format!("the {} cannot be changed: {error}", self.label()))
        })
    }

    /// Another configuration has this zone in another form: all that it has comes along.
    fn copy(&self, zone: &Zone, slot: &Slot) -> Result<(), Error> {
        let Some(Previous { region, handed }) = slot.take_previous() else { return Ok(()) };
        let label = self.label();
        let previous = match known(&region).map_or_else(|| Zone::open(region).map(Rc::new), Ok) {
            // Two binaries serve at the same time, and either may stay: both must have the same zone.
            Ok(_) if handed => {
                let why = "is another one in the binary before; upgrade first, then change it by a reload";
                return Err(Error::new(format!("the {label} {why}")));
            }
            Ok(previous) => previous,
            Err(error) if self.file().is_some() && handed => {
                let why = "cannot be taken over from the binary before; stop that one, and start this one";
                return Err(Error::new(format!("the {label} {why} ({error})")));
            }
            Err(error) => {
                sys::log!(Warn, "what the {label} had is lost: {error}");
                return Ok(());
            }
        };
        if !zone.copy(&previous) {
            let why = "a process keeps its lock";
            return Err(Error::new(format!("the {label} cannot be changed: {why}")));
        }
        self.previous.replace(Some(previous));
        Ok(())
    }

    fn key(&self) -> (&'static str, String) {
        (self.form.directive, self.form.name.clone())
    }
}

/// The zone of a region that this process has already: there is one for each, whatever the configuration.
fn known(region: &Arc<Region>) -> Option<Rc<Zone>> {
    ZONES.with_borrow_mut(|zones| {
        zones.retain(|zone| zone.strong_count() > 0);
        zones.iter().filter_map(Weak::upgrade).find(|zone| Arc::ptr_eq(zone.region(), region))
    })
}

impl<P: Protocol> Process for ZoneConf<P> {
    fn opened(&self) -> Result<(), Error> {
        let missing = || Error::new(format!("the memory of the {} is not there", self.label()));
        let slot = self.region.get().ok_or_else(missing)?;
        let region = slot.region().cloned().ok_or_else(missing)?;
        let zone = match known(&region) {
            Some(zone) => zone,
            None => {
                let zone = Rc::new(self.make(slot, region)?);
                ZONES.with_borrow_mut(|zones| zones.push(Rc::downgrade(&zone)));
                zone
            }
        };
        slot.set_file(zone.file_fd());
        NAMED.with_borrow_mut(|zones| zones.insert(self.key(), zone.clone()));
        let _ = self.zone.set(zone);
        Ok(())
    }

    fn outgoing(&self, next: &Regions, back: bool) {
        let Some(zone) = self.zone.get() else { return };
        NAMED.with_borrow_mut(|zones| match back {
            true => drop(zones.insert(self.key(), zone.clone())),
            false if next.contains(zone.region()) => {}
            false => {
                if zones.get(&self.key()).is_some_and(|known| Rc::ptr_eq(known, zone)) {
                    zones.remove(&self.key());
                }
            }
        });
    }

    fn decided(&self, serves: bool) {
        let pending = self.pending.take();
        match self.zone().filter(|_| !serves) {
            Some(zone) => self.undo(zone),
            None => drop(self.previous.take()),
        }
        if let Some(zone) = self.zone().filter(|_| serves)
            && let Err(error) = pending.install(zone)
        {
            sys::log!(Emerg, "the file of {} is not in its place: {error}", self.label());
        }
    }

    fn replaced(&self, by: &Regions) {
        let Some(zone) = self.zone().filter(|zone| !by.contains(zone.region())) else { return };
        zone.retire();
        self.closed();
        zone.let_go();
    }

    fn orphaned(&self) {
        if let Some(zone) = self.zone() {
            zone.let_go();
        }
    }

    fn closed(&self) {
        if let Some(zone) = self.zone()
            && let Err(error) = zone.close_file()
        {
            let (label, errno) = (self.label(), sys::log::errno(&error));
            sys::log!(Alert, "the file of {label} was not closed in order {errno}");
        }
    }

    fn started(&'static self) -> Result<(), String> {
        if self.hub.get().is_some() {
            return Ok(());
        }
        let zone = self.zone.get().ok_or_else(|| format!("the {} was not opened", self.label()))?;
        // In a process without master the configuration before has a hub of the same memory already.
        let place = zone.region().base().addr();
        let known = HUBS.with_borrow(|hubs| {
            let known = hubs.iter().find(|(known, _)| *known == place);
            known.and_then(|(_, hub)| hub.downcast_ref::<Hub<P>>())
        });
        if let Some(hub) = known {
            let _ = self.hub.set(hub);
            return Ok(());
        }
        let attachment = zone.attach().map_err(|error| {
            let errno = sys::log::errno(&error);
            format!("the {} has no place for another process {errno}", self.label())
        })?;
        let hub = Hub::start(attachment, self.file().map(|file| file.sync));
        let hub = hub.map_err(|error| sys::log::errno(&error))?;
        HUBS.with_borrow_mut(|hubs| hubs.push((place, hub)));
        let _ = self.hub.set(hub);
        Ok(())
    }

    fn draining(&'static self, within: Option<u64>) {
        if let Some(hub) = self.hub() {
            hub.drain(within);
        }
    }

    fn worker_ended(&self, pid: i32) -> bool {
        self.sweep(pid).is_some()
    }

    fn capacity(&self) -> usize {
        self.zone().map_or(usize::MAX, |zone| zone.free_rows())
    }

    fn attached(&self) -> Vec<i32> {
        self.zone().map(|zone| zone.processes()).unwrap_or_default()
    }

    fn stuck(&self) -> Vec<i32> {
        let now = sys::clock::monotonic_ms();
        let look = |zone: &Zone| zone.look(&mut self.holder.borrow_mut(), now, shm::PATIENCE_MS);
        self.zone().and_then(look).into_iter().collect()
    }
}
