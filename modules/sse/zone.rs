//! `sse_zone`: its memory in the master, its hub in each worker.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZero;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use broadcast::{Holder, OpenError, Shape, Zone};
use conf::Error;
use http::{Hooks, Process};
use module::{Previous, Regions, Slot, Wanted};
use shm::{Origin, Region};
use sys::log::Level;

use crate::file::{FileConf, Pending};
use crate::hub::Hub;

/// Small: ten thousand channels with an event each are ten megabytes.
const BLOCK: usize = 1024;
/// Fewer make no zone.
const SMALLEST: usize = 256 << 10;
const LARGEST: usize = 1 << 40;

/// Processes that a zone has room for: of so many workers a handful of generations. The number of processors does not
/// change with a reload, and a zone is copied when this does.
fn rows(workers: usize) -> usize {
    (sys::process::processors() * 8).max(workers * 3).next_multiple_of(64)
}

thread_local! {
    /// The zones of this process.
    static ZONES: RefCell<Vec<Weak<Zone>>> = const { RefCell::new(Vec::new()) };
    /// The hubs of this process, by their memory.
    static HUBS: RefCell<Vec<(NonZero<usize>, &'static Hub)>> = const { RefCell::new(Vec::new()) };
}

/// A zone as it was written, and what came of it in this process.
pub struct ZoneConf {
    /// Its name.
    pub name: String,
    size: usize,
    shape: Cell<Shape>,
    /// Where it is kept.
    pub file: Option<FileConf>,
    installed: Cell<bool>,
    region: OnceCell<Slot>,
    zone: OnceCell<Rc<Zone>>,
    hub: OnceCell<&'static Hub>,
    /// What another configuration has of it, until it is decided which of the two serves.
    previous: RefCell<Option<Rc<Zone>>>,
    pending: RefCell<Pending>,
    holder: RefCell<Holder>,
}

impl ZoneConf {
    /// `channels`: how many there may be; by default one for each four kilobytes. `None`: the size makes no zone.
    pub fn new(
        name: &str,
        size: usize,
        channels: Option<usize>,
        file: Option<FileConf>,
    ) -> Option<ZoneConf> {
        if !(SMALLEST..=LARGEST).contains(&size) {
            return None;
        }
        let default = (size / 4096).min((16 << 10) + size / (16 << 10));
        let channels = channels.unwrap_or(default);
        // Readers take no slots. A 32nd of the size counts what they ask for, a 64th whence they come, as far as a
        // dead worker's part of it can be looked for in a moment.
        let counted = (size / 512).min(1 << 20);
        let shape = Shape { block_size: BLOCK, rows: rows(1), channels, readers: 0, counted };
        Zone::fits(size, shape).then(|| ZoneConf {
            name: name.to_owned(),
            size,
            shape: Cell::new(shape),
            file,
            installed: Cell::new(false),
            region: OnceCell::new(),
            zone: OnceCell::new(),
            hub: OnceCell::new(),
            previous: RefCell::default(),
            pending: RefCell::default(),
            holder: RefCell::default(),
        })
    }

    /// Its bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Asks for the memory, once, when the first location uses the zone.
    pub fn install(self: &Rc<ZoneConf>, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if self.installed.replace(true) {
            return Ok(());
        }
        let shape = Shape { rows: rows(hooks.workers()), ..self.shape.get() };
        let Shape { block_size, rows, channels, .. } = shape;
        if !Zone::fits(self.size, shape) {
            let (name, workers) = (&self.name, hooks.workers());
            let why =
                format!("the sse_zone \"{name}\" is too small for {workers} worker_processes");
            return Err(Error::new(why));
        }
        self.shape.set(shape);
        let slot = hooks.region(Wanted {
            name: self.name.clone(),
            shape: format!(
                "{}.{block_size}.{rows}.{channels}.{}",
                broadcast::VERSION,
                self.file.as_ref().map_or("memory", FileConf::word)
            ),
            len: self.size,
            file: self.file.as_ref().map(|file| file.path.clone()),
        });
        let _ = self.region.set(slot);
        hooks.process(self.clone());
        Ok(())
    }

    /// The zone, in the master and in workers.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.get().map(|zone| &**zone)
    }

    /// The hub of this worker.
    pub fn hub(&self) -> Option<&'static Hub> {
        self.hub.get().copied()
    }
}

impl ZoneConf {
    /// The zone in a region, with what the configuration or the binary before has had, or what is in its file.
    fn make(&self, slot: &Slot, region: Arc<Region>) -> Result<Zone, Error> {
        let failed = |error: OpenError| {
            Error::new(format!("the sse_zone \"{}\" cannot be used: {error}", self.name))
        };
        let handed = region.origin() == Origin::Shared;
        let zone = Zone::of(region, self.shape.get()).map_err(failed)?;
        let Some(file) = &self.file else {
            self.copy(&zone, slot)?;
            self.take_over(&zone)?;
            return Ok(zone);
        };
        if handed {
            let fd = slot.take_file().ok_or_else(|| {
                Error::new(format!("the file of sse_zone \"{}\" was not handed over", self.name))
            })?;
            file.inherit(&self.name, &zone, fd)?;
        } else {
            self.copy(&zone, slot)?;
            if self.is_anothers(file) {
                let path = file.path.display();
                let why =
                    format!("{path} is the file of another sse_zone: that one gives it up first");
                return Err(Error::new(format!("the file of sse_zone \"{}\": {why}", self.name)));
            }
            let pending = match &*self.previous.borrow() {
                Some(previous) => file.replace(&self.name, &zone, previous, self.size),
                None => file.open(&self.name, &zone, self.size),
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
            let name = &self.name;
            sys::log!(Alert, "the sse_zone \"{name}\" cannot go on: {error}");
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
            let name = &self.name;
            Error::new(format!("the sse_zone \"{name}\" cannot be changed: {error}"))
        })
    }

    /// Another configuration has this zone in another form: all that it has comes along.
    fn copy(&self, zone: &Zone, slot: &Slot) -> Result<(), Error> {
        let Some(Previous { region, handed }) = slot.take_previous() else { return Ok(()) };
        let name = &self.name;
        let known = known(&region);
        let previous = match known.map_or_else(|| Zone::open(region).map(Rc::new), Ok) {
            // Two binaries serve at the same time, and either may stay: both must have the same zone.
            Ok(_) if handed => {
                let why = "is another one in the binary before; upgrade first, then change it by a reload";
                return Err(Error::new(format!("the sse_zone \"{name}\" {why}")));
            }
            Ok(previous) => previous,
            Err(error) if self.file.is_some() && handed => {
                let why = "cannot be taken over from the binary before; stop that one, and start this one";
                return Err(Error::new(format!("the sse_zone \"{name}\" {why} ({error})")));
            }
            Err(error) => {
                sys::log!(Warn, "what the sse_zone \"{name}\" had is lost: {error}");
                return Ok(());
            }
        };
        if !zone.copy(&previous) {
            let why = "a process keeps its lock";
            return Err(Error::new(format!("the sse_zone \"{name}\" cannot be changed: {why}")));
        }
        self.previous.replace(Some(previous));
        Ok(())
    }
}

/// The zone of a region that this process has already: there is one for each, whatever the configuration.
fn known(region: &Arc<Region>) -> Option<Rc<Zone>> {
    ZONES.with_borrow_mut(|zones| {
        zones.retain(|zone| zone.strong_count() > 0);
        zones.iter().filter_map(Weak::upgrade).find(|zone| Arc::ptr_eq(zone.region(), region))
    })
}

impl Process for ZoneConf {
    fn opened(&self) -> Result<(), Error> {
        let missing = || Error::new("the memory of an sse_zone is not there");
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
        crate::announce::opened(&self.name, &zone);
        let _ = self.zone.set(zone);
        Ok(())
    }

    fn outgoing(&self, next: &Regions, back: bool) {
        let Some(zone) = self.zone.get() else { return };
        match back {
            true => crate::announce::opened(&self.name, zone),
            false if !next.contains(zone.region()) => crate::announce::closed(&self.name, zone),
            false => {}
        }
    }

    fn decided(&self, serves: bool) {
        let (pending, name) = (self.pending.take(), &self.name);
        match self.zone().filter(|_| !serves) {
            Some(zone) => self.undo(zone),
            None => drop(self.previous.take()),
        }
        if let Some(zone) = self.zone().filter(|_| serves)
            && let Err(error) = pending.install(zone)
        {
            sys::log!(Emerg, "the file of sse_zone \"{name}\" is not in its place: {error}");
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
            let (name, errno) = (&self.name, sys::log::errno(&error));
            sys::log!(Alert, "the file of sse_zone \"{name}\" was not closed in order {errno}");
        }
    }

    fn started(&'static self) -> Result<(), String> {
        if self.hub.get().is_some() {
            return Ok(());
        }
        let zone = self.zone.get().ok_or("an sse_zone was not opened")?;
        // In a process without master the configuration before has a hub of the same memory already.
        let place = zone.region().base().addr();
        let known = HUBS.with_borrow(|hubs| {
            hubs.iter().find(|(known, _)| *known == place).map(|(_, hub)| *hub)
        });
        if let Some(hub) = known {
            let _ = self.hub.set(hub);
            return Ok(());
        }
        let attachment = zone.attach().map_err(|error| {
            let errno = sys::log::errno(&error);
            format!("the sse_zone \"{}\" has no place for another process {errno}", self.name)
        })?;
        let sync = self.file.as_ref().map(|file| file.sync);
        let hub = Hub::start(attachment, sync).map_err(|e| sys::log::errno(&e))?;
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
        self.zone().is_none_or(|zone| zone.sweep(pid).is_some())
    }

    fn room(&self) -> usize {
        self.zone().map_or(usize::MAX, |zone| zone.free_rows())
    }

    fn attached(&self) -> Vec<i32> {
        self.zone().map(|zone| zone.processes()).unwrap_or_default()
    }

    fn stuck(&self) -> Option<i32> {
        let now = sys::clock::monotonic_ms();
        self.holder.borrow_mut().look(self.zone()?, now, broadcast::PATIENCE_MS)
    }
}

/// Says that a location has no hub: its zone is not open in this process.
pub fn log_missing() {
    sys::log::write(Level::Alert, format_args!("an sse_zone is not open in this process"));
}
