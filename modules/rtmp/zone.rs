//! The memory of the streams: made by the master, shared by all workers and by their successors.

use std::cell::{OnceCell, RefCell};
use std::num::NonZero;
use std::rc::Rc;

use broadcast::{Holder, OpenError, Shape, Zone};
use conf::Error;
use module::{Previous, Regions, Setup, Slot, Wanted};

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
    /// Another configuration's, until it is decided which of the two serves.
    previous: RefCell<Option<Zone>>,
    holder: RefCell<Holder>,
}

impl ZoneConf {
    /// `None`: the size makes no zone.
    pub fn new(size: usize, workers: usize) -> Option<ZoneConf> {
        // The number of processors does not change with a reload: that of workers may. Players keep workers of
        // many generations.
        let rows = (sys::process::processors() * 32).max(workers * 3).next_multiple_of(64);
        let rows = rows.clamp(256, 4096);
        let channels = (size / (64 << 10)).clamp(64, 16 << 10);
        // Players of streams that nobody publishes wait in slots of their own.
        let shape = Shape { block_size: BLOCK, rows, channels, readers: channels / 2, counted: 0 };
        let fits = (SMALLEST..=LARGEST).contains(&size) && Zone::fits(size, shape);
        fits.then(|| ZoneConf {
            size,
            shape,
            region: OnceCell::new(),
            zone: OnceCell::new(),
            previous: RefCell::default(),
            holder: RefCell::default(),
        })
    }

    /// Asks for the memory.
    pub fn install(&self, setup: &mut Setup<'_>) {
        let Shape { block_size, rows, channels, .. } = self.shape;
        let slot = setup.region(Wanted {
            name: "rtmp".to_owned(),
            shape: format!("{}.{block_size}.{rows}.{channels}", broadcast::VERSION),
            len: self.size,
            file: None,
        });
        let _ = self.region.set(slot);
    }

    /// Master: the memory is open.
    pub fn opened(&self) -> Result<(), Error> {
        let failed =
            |error: OpenError| Error::new(format!("the rtmp_zone cannot be used: {error}"));
        let slot = self.region.get();
        let region = slot.and_then(|slot| slot.region()).cloned();
        let region =
            region.ok_or_else(|| Error::new("the memory of the rtmp_zone is not there"))?;
        let zone = Zone::of(region, self.shape).map_err(failed)?;
        // In another size: what its streams have comes along, for the players that come over. Of two binaries
        // either may stay: they do not take over from each other.
        if let Some(Previous { region, handed: false }) = slot.and_then(|slot| slot.take_previous())
            && let Ok(previous) = Zone::open(region)
        {
            if !zone.copy(&previous) || zone.take_over(&previous).is_err() {
                let _ = previous.reopen(&zone);
                let why = "the rtmp_zone cannot be changed: a process keeps its lock";
                return Err(Error::new(why));
            }
            self.previous.replace(Some(previous));
        }
        let _ = self.zone.set(Rc::new(zone));
        Ok(())
    }

    /// Master, at a reload: this configuration serves now, or it does not come to serve.
    pub fn decided(&self, serves: bool) {
        if let (Some(previous), Some(zone)) = (self.previous.take(), self.zone.get())
            && !serves
            && previous.reopen(zone).is_err()
        {
            sys::log!(Alert, "the rtmp_zone stays locked: nothing can be published");
        }
    }

    /// Master, at a reload: workers with these regions serve now.
    pub fn replaced(&self, by: &Regions) {
        if let Some(zone) = self.zone.get()
            && !by.contains(zone.region())
        {
            zone.retire();
        }
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

    /// Master: how many more processes can use the zone.
    pub fn room(&self) -> usize {
        self.zone.get().map_or(usize::MAX, |zone| zone.free_rows())
    }

    /// Master: the processes that use the zone.
    pub fn attached(&self) -> Vec<i32> {
        self.zone.get().map(|zone| zone.processes()).unwrap_or_default()
    }

    /// Master: the process that keeps the zone's lock, and gets no further.
    pub fn stuck(&self) -> Option<i32> {
        let zone = self.zone.get()?;
        self.holder.borrow_mut().look(zone, sys::clock::monotonic_ms(), broadcast::PATIENCE_MS)
    }
}
