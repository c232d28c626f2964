//! The memory of the streams: made by the master, shared by all workers and by their successors.

use std::cell::{OnceCell, RefCell};
use std::num::NonZero;
use std::rc::Rc;

use broadcast::{Holder, OpenError, Shape, Zone};
use conf::Error;
use module::{Setup, Slot, Wanted};
use shm::Backing;

use crate::grace;
use crate::hub::Hub;

/// Large: a frame is a few of them, and goes out in as many pieces.
const BLOCK: usize = 16 << 10;
const SMALLEST: usize = 1 << 20;
const LARGEST: usize = 1 << 40;

thread_local! {
    /// The hubs of this process, by their memory.
    static HUBS: RefCell<Vec<(NonZero<usize>, &'static Hub)>> =
        const { RefCell::new(Vec::new()) };
}

/// `rtmp_zone`, and what came of it in this process.
pub struct ZoneConf {
    size: usize,
    shape: Shape,
    region: OnceCell<Slot>,
    zone: OnceCell<Rc<Zone>>,
    holder: RefCell<Holder>,
}

impl ZoneConf {
    /// `None`: the size makes no zone.
    pub fn new(size: usize) -> Option<ZoneConf> {
        // The number of processors does not change with a reload: that of workers may. Players keep workers of
        // many generations.
        let rows = (sys::process::processors() * 32).next_multiple_of(64).clamp(256, 2048);
        let channels = (size / (64 << 10)).clamp(64, 16 << 10);
        let shape = Shape { block_size: BLOCK, rows, channels };
        let fits = (SMALLEST..=LARGEST).contains(&size) && Zone::fits(size, shape);
        fits.then(|| ZoneConf {
            size,
            shape,
            region: OnceCell::new(),
            zone: OnceCell::new(),
            holder: RefCell::default(),
        })
    }

    /// Asks for the memory.
    pub fn install(&self, setup: &mut Setup<'_>) {
        let Shape { block_size, rows, channels } = self.shape;
        let slot = setup.region(Wanted {
            name: "rtmp".to_owned(),
            shape: format!("{}.{block_size}.{rows}.{channels}", broadcast::VERSION),
            len: self.size,
            backing: Backing::Memory("rserve-rtmp".to_owned()),
        });
        let _ = self.region.set(slot);
    }

    /// Master: the memory is open.
    pub fn opened(&self) -> Result<(), Error> {
        let failed =
            |error: OpenError| Error::new(format!("the rtmp_zone cannot be used: {error}"));
        let region = self.region.get().and_then(|slot| slot.get()).cloned();
        let region =
            region.ok_or_else(|| Error::new("the memory of the rtmp_zone is not there"))?;
        let (zone, _) = Zone::of(region, self.shape).map_err(failed)?;
        let _ = self.zone.set(Rc::new(zone));
        Ok(())
    }

    /// Worker: its part in the zone.
    pub fn start(&'static self) -> Result<&'static Hub, String> {
        let zone = self.zone.get().ok_or("the rtmp_zone was not opened")?;
        // In a process without master the configuration before has a hub of the same memory already.
        let place = zone.region().base().addr();
        let known = HUBS.with_borrow(|hubs| {
            hubs.iter().find(|(known, _)| *known == place).map(|(_, hub)| *hub)
        });
        if let Some(hub) = known {
            return Ok(hub);
        }
        let attachment = zone.attach().map_err(|error| {
            let errno = sys::log::errno(&error);
            format!("the rtmp_zone has no place for another process {errno}")
        })?;
        let hub = Hub::start(attachment).map_err(|error| sys::log::errno(&error))?;
        HUBS.with_borrow_mut(|hubs| hubs.push((place, hub)));
        Ok(hub)
    }

    /// Master: a worker has ended. What it published waits for its publishers to come back. Gives the
    /// names of these streams.
    /// `None`: the zone is locked.
    pub fn worker_ended(&self, pid: i32) -> Option<Vec<Vec<u8>>> {
        self.zone.get().map_or(Some(Vec::new()), |zone| zone.sweep(pid))
    }

    /// Master: tells a stream's players that its publisher is gone. `false`: the zone is locked.
    pub fn tell_broken(&self, channel: &[u8], max_age: u64) -> bool {
        self.zone.get().is_none_or(|zone| grace::try_tell_broken(zone, channel, max_age))
    }

    /// Master: the process that keeps the zone's lock, and gets no further.
    pub fn stuck(&self) -> Option<i32> {
        let zone = self.zone.get()?;
        self.holder.borrow_mut().look(zone, sys::clock::monotonic_ms(), broadcast::PATIENCE_MS)
    }
}
