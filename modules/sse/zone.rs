//! `sse_zone`: its memory in the master, its hub in each worker.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZero;
use std::path::PathBuf;
use std::rc::Rc;

use broadcast::{OpenError, Shape, Zone};
use conf::Error;
use http::{Hooks, Process};
use module::{Slot, Wanted};
use shm::Backing;
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
    backing: Backing,
    installed: Cell<bool>,
    region: OnceCell<Slot>,
    zone: OnceCell<Rc<Zone>>,
    hub: OnceCell<&'static Hub>,
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
        let backing = match path {
            Some(path) => Backing::File(path, broadcast::MAGIC),
            None => Backing::Memory(format!("rserve-{name}")),
        };
        Zone::fits(size, shape).then(|| ZoneConf {
            name: name.to_owned(),
            size,
            shape,
            backing,
            installed: Cell::new(false),
            region: OnceCell::new(),
            zone: OnceCell::new(),
            hub: OnceCell::new(),
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
        let Shape { block_size, rows, channels } = self.shape;
        let slot = hooks.region(Wanted {
            name: self.name.clone(),
            shape: format!("{}.{block_size}.{rows}.{channels}", broadcast::VERSION),
            len: self.size,
            backing: self.backing.clone(),
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

impl Process for ZoneConf {
    fn opened(&self) -> Result<(), Error> {
        let failed = |error: OpenError| {
            Error::new(format!("the sse_zone \"{}\" cannot be used: {error}", self.name))
        };
        let region = self.region.get().and_then(|slot| slot.get()).cloned();
        let region = region.ok_or_else(|| Error::new("the memory of an sse_zone is not there"))?;
        let (zone, dropped) = Zone::of(region, self.shape).map_err(failed)?;
        if dropped {
            let name = &self.name;
            sys::log!(Warn, "the file of sse_zone \"{name}\" was of another form, it is empty now");
        }
        let zone = Rc::new(zone);
        crate::announce::opened(&self.name, &zone);
        let _ = self.zone.set(zone);
        Ok(())
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

    fn worker_ended(&self, pid: i32) {
        if let Some(zone) = self.zone() {
            zone.sweep(pid);
        }
    }
}

/// Says that a location has no hub: its zone is not open in this process.
pub fn log_missing() {
    sys::log::write(Level::Alert, format_args!("an sse_zone is not open in this process"));
}
