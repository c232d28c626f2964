//! `sse_zone`: its memory in the master, its hub in each worker.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZero;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use broadcast::{Holder, OpenError, Shape, Zone};
use conf::Error;
use http::{Hooks, Process};
use module::{Regions, Slot, Wanted};
use shm::Region;
use sys::log::Level;

use crate::hub::Hub;

/// Small: ten thousand channels with an event each are ten megabytes.
const BLOCK: usize = 1024;
/// Fewer make no zone.
const SMALLEST: usize = 256 << 10;
const LARGEST: usize = 1 << 40;

thread_local! {
    /// The hubs of this process, by their memory.
    static HUBS: RefCell<Vec<(NonZero<usize>, &'static Hub)>> = const { RefCell::new(Vec::new()) };
}

/// A zone as it was written, and what came of it in this process.
pub struct ZoneConf {
    /// Its name.
    pub name: String,
    size: usize,
    shape: Shape,
    file: Option<PathBuf>,
    installed: Cell<bool>,
    region: OnceCell<Slot>,
    zone: OnceCell<Rc<Zone>>,
    hub: OnceCell<&'static Hub>,
    /// What another configuration has of it, until it is decided which of the two serves.
    previous: RefCell<Option<Zone>>,
    holder: RefCell<Holder>,
}

impl ZoneConf {
    /// `None`: the size makes no zone.
    pub fn new(name: &str, size: usize, path: Option<PathBuf>) -> Option<ZoneConf> {
        if !(SMALLEST..=LARGEST).contains(&size) {
            return None;
        }
        // The number of processors does not change with a reload: that of workers may.
        let rows = (sys::process::processors() * 4).next_multiple_of(64);
        let channels = (size / 4096).min((16 << 10) + size / (16 << 10));
        let shape = Shape { block_size: BLOCK, rows, channels };
        Zone::fits(size, shape).then(|| ZoneConf {
            name: name.to_owned(),
            size,
            shape,
            file: path,
            installed: Cell::new(false),
            region: OnceCell::new(),
            zone: OnceCell::new(),
            hub: OnceCell::new(),
            previous: RefCell::default(),
            holder: RefCell::default(),
        })
    }

    /// Asks for the memory, once, when the first location uses the zone.
    pub fn install(self: &Rc<ZoneConf>, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if self.installed.replace(true) {
            return Ok(());
        }
        let Shape { block_size, rows, channels } = self.shape;
        let slot = hooks.region(Wanted {
            name: self.name.clone(),
            shape: format!("{}.{block_size}.{rows}.{channels}", broadcast::VERSION),
            len: self.size,
            file: self.file.clone(),
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
    /// Another configuration has this zone in another size: all that it has comes along.
    fn take_over(&self, zone: &Zone, previous: Arc<Region>) -> Result<(), Error> {
        let name = &self.name;
        let previous = match Zone::open(previous) {
            Ok(previous) => previous,
            Err(error) => {
                sys::log!(Warn, "what the sse_zone \"{name}\" had is lost: {error}");
                return Ok(());
            }
        };
        if !zone.take_over(&previous) {
            let why = "a process keeps its lock";
            return Err(Error::new(format!("the sse_zone \"{name}\" cannot be changed: {why}")));
        }
        self.previous.replace(Some(previous));
        Ok(())
    }
}

impl Process for ZoneConf {
    fn opened(&self) -> Result<(), Error> {
        let failed = |error: OpenError| {
            Error::new(format!("the sse_zone \"{}\" cannot be used: {error}", self.name))
        };
        let slot = self.region.get();
        let region = slot.and_then(|slot| slot.region()).cloned();
        let region = region.ok_or_else(|| Error::new("the memory of an sse_zone is not there"))?;
        let zone = Zone::of(region, self.shape).map_err(failed)?;
        if let Some(previous) = slot.and_then(|slot| slot.previous()) {
            self.take_over(&zone, previous.clone())?;
        }
        let zone = Rc::new(zone);
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
        let Some(previous) = self.previous.take() else { return };
        let Some(zone) = self.zone().filter(|_| !serves) else { return };
        if !previous.reopen(zone) {
            let name = &self.name;
            sys::log!(
                Alert,
                "the sse_zone \"{name}\" stays locked: nothing can be published there"
            );
        }
    }

    fn replaced(&self, by: &Regions) {
        if let Some(zone) = self.zone()
            && !by.contains(zone.region())
        {
            zone.retire();
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
        let hub = Hub::start(attachment).map_err(|e| sys::log::errno(&e))?;
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

    fn stuck(&self) -> Option<i32> {
        let now = sys::clock::monotonic_ms();
        self.holder.borrow_mut().look(self.zone()?, now, broadcast::PATIENCE_MS)
    }
}

/// Says that a location has no hub: its zone is not open in this process.
pub fn log_missing() {
    sys::log::write(Level::Alert, format_args!("an sse_zone is not open in this process"));
}
