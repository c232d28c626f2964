//! A zone: its memory, its lock, its time.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, OnceLock, Weak};

use shm::{Origin, Region};
use sys::bell::Bell;

use crate::file::Hold;
use crate::layout::{Header, Layout, MAGIC, VERSION};
use crate::memory::Memory;
use crate::shape::Shape;

/// A log of channels in shared memory, as this process sees it.
pub struct Zone {
    pub(crate) memory: Memory,
    /// This process's own bell, once it is attached: others' are rung with it.
    pub(crate) bell: OnceLock<Weak<Bell>>,
    pub(crate) file: OnceLock<Hold>,
    region: Arc<Region>,
}

// SAFETY: the memory is words, and bytes under the zone's lock or pins; the region lives as long.
unsafe impl Send for Zone {}
// SAFETY: as above.
unsafe impl Sync for Zone {}

/// Why a region is no zone.
#[derive(Debug)]
pub enum OpenError {
    /// It is too small, or the shape makes no sense.
    Shape,
    /// Another version of rserve has made it.
    Version(u32),
    /// It was divided otherwise.
    Otherwise,
    /// The system refused something.
    System(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Shape => f.write_str("it is too small"),
            OpenError::Version(version) => write!(f, "its layout is of version {version}"),
            OpenError::Otherwise => f.write_str("it was made with other settings"),
            OpenError::System(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl Zone {
    /// Whether `size` bytes make a zone of that shape.
    pub fn fits(size: usize, shape: Shape) -> bool {
        Layout::new(size, shape).is_some()
    }

    /// The zone of a region: initialised if the region is new, shared if another process has it.
    pub fn of(region: Arc<Region>, shape: Shape) -> Result<Zone, OpenError> {
        match region.claim() {
            Origin::Fresh => Zone::format(region, shape),
            Origin::Shared => {
                let zone = Zone::open(region)?;
                match zone.shape() == shape {
                    true => Ok(zone),
                    false => Err(OpenError::Otherwise),
                }
            }
        }
    }

    /// Makes a new zone in a region of zeros. Nobody else may have the region yet.
    pub fn format(region: Arc<Region>, shape: Shape) -> Result<Zone, OpenError> {
        let layout = Layout::new(region.len(), shape).ok_or(OpenError::Shape)?;
        let zone = Zone::over(region, layout);
        let header = zone.memory.header();
        header.size.set(layout.size as u64);
        header.block_size.set(layout.block_size as u32);
        header.channels.set(layout.published as u32);
        header.readers.set((layout.channels - 1 - layout.published) as u32);
        header.counted.set(shape.counted as u32);
        header.rows.set(layout.rows as u32);
        header.version.set(VERSION);
        let mut random = [0; 28];
        let mut source = std::fs::File::open("/dev/urandom").map_err(OpenError::System)?;
        source.read_exact(&mut random).map_err(OpenError::System)?;
        let word =
            |at: usize| u64::from_le_bytes(random[at..at + 8].try_into().unwrap_or_default());
        header.secret[0].set(word(0));
        header.secret[1].set(word(8));
        header.bells.set(word(16));
        header.epoch.set((word(20) >> 32) as u32 | 1);
        // SAFETY: the magic number is not there yet, so nobody uses the zone.
        unsafe { header.lock.init() };
        // Seqs begin at 2: a reader's cursor is 1 when there was nothing yet, and 0 is no cursor.
        header.seq.set(1);
        header.fresh_block.set(1);
        header.fresh_channel.set(1);
        header.free_blocks.set(layout.blocks as u32);
        // Zone time begins at 1: 0 is never.
        header.clock.set(1u64.wrapping_sub(sys::clock::monotonic_ms()));
        header.magic.publish(u64::from_le_bytes(MAGIC));
        Ok(zone)
    }

    /// Opens the zone that another process has made in this region.
    pub fn open(region: Arc<Region>) -> Result<Zone, OpenError> {
        if region.len() < size_of::<Header>() {
            return Err(OpenError::Otherwise);
        }
        // SAFETY: a region begins at a page's beginning, and has room for a header, which is made of words.
        let header = unsafe { region.base().cast::<Header>().as_ref() };
        let (magic, version) = (header.magic.published(), header.version.get());
        if magic != u64::from_le_bytes(MAGIC) {
            return Err(OpenError::Otherwise);
        }
        if version != VERSION {
            return Err(OpenError::Version(version));
        }
        let shape = Shape {
            block_size: header.block_size.get() as usize,
            rows: header.rows.get() as usize,
            channels: header.channels.get() as usize,
            readers: header.readers.get() as usize,
            counted: header.counted.get() as usize,
        };
        let layout = Layout::new(region.len(), shape);
        match layout.filter(|layout| layout.size as u64 == header.size.get()) {
            Some(layout) => Ok(Zone::over(region, layout)),
            None => Err(OpenError::Otherwise),
        }
    }

    /// How it is divided.
    pub fn shape(&self) -> Shape {
        let Layout { block_size, rows, published, channels, .. } = self.memory.layout;
        let (readers, counted) = (channels - 1 - published, self.header().counted.get() as usize);
        Shape { block_size, rows, channels: published, readers, counted }
    }

    fn over(region: Arc<Region>, layout: Layout) -> Zone {
        let memory = Memory { base: region.base(), layout };
        Zone { memory, bell: OnceLock::new(), file: OnceLock::new(), region }
    }

    pub(crate) fn header(&self) -> &Header {
        self.memory.header()
    }

    /// The region behind it: its descriptor goes to a new binary.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// Names this zone's life.
    pub fn epoch(&self) -> u32 {
        self.header().epoch.get()
    }

    /// The newest record's seq; 0: there was none yet.
    pub fn newest(&self) -> u64 {
        self.header().seq.published()
    }

    /// The zone's time in milliseconds: monotonic, also across restarts with a file.
    pub fn now(&self) -> u64 {
        self.time_of(sys::clock::monotonic_ms())
    }

    /// The zone's time at a time of the system's monotonic clock.
    pub fn time_of(&self, monotonic_ms: u64) -> u64 {
        monotonic_ms.wrapping_add(self.header().clock.get())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({} blocks, seq {})", self.memory.layout.blocks, self.newest())
    }
}
