//! A fixed table in shared memory: entries by key, and which of them was used last.
//!
//! ```text
//! Header │ buckets │ cells, of 64 bytes
//!                    ├ head: tag, length │ hash │ links of bucket and use │ when used │ value │ 16 bytes of the key
//!                    └ more: the entry it belongs to, and 40 bytes of its key
//! ```
//! Keys are byte strings of up to 65535 bytes, as far as the table has cells for them, and are stored whole; a value
//! is two words. A key may have several entries with different *tags*: those of processes ([`rows`](crate::rows)).
//! Everything is numbers: processes map the region at different addresses. Cell 0 is nobody.
//!
//! *One lock*, which outlives its owner ([`BoundedLock`]). The word `head` of an entry is the only truth about it: it
//! is published last, and taken back first. Buckets, the order of use, counts and the list of free cells are derived,
//! and are rebuilt, in one walk, when a process has died with the lock (`derived.rs`). A value of two words may
//! then have one of them: whoever uses both says what that means.

use std::io;
use std::sync::Arc;

use crate::hash::{self, Secret};
use crate::{BoundedLock, Holder, Origin, Region, U32, U64};

/// "RSERVETB": another region is recognised.
const MAGIC: [u8; 8] = *b"RSERVETB";
/// The version of the layout, for the shape of a region: a table of another version is another binary's.
pub const TABLE_VERSION: u32 = 1;
/// Processes that may have entries of their own at the same time, of all generations of workers.
pub(crate) const ROWS: usize = 1024;
/// The longest key.
pub const MAX_KEY: usize = u16::MAX as usize;

/// Bits of a head: an entry's, and a continuation's.
pub(crate) const LIVE: u32 = 1 << 31;
pub(crate) const MORE: u32 = 1 << 30;
pub(crate) const TAG_SHIFT: u32 = 16;

const CELL: usize = size_of::<Cell>();
/// Bytes of a key that are in the entry itself, and in each further cell.
pub(crate) const FIRST: usize = 16;
pub(crate) const FURTHER: usize = 40;

#[repr(C, align(64))]
pub(crate) struct Header {
    pub(crate) magic: U64,
    pub(crate) size: U64,
    pub(crate) version: U32,
    /// How many there are, nobody's aside.
    pub(crate) cells: U32,
    pub(crate) secret: Secret,
    pub(crate) lock: BoundedLock,
    /// Counts uses.
    pub(crate) clock: U64,
    /// The last cell that was ever taken.
    pub(crate) fresh: U32,
    /// From here on it is derived: the first cell that was given back, and how many of them there are.
    pub(crate) free: U32,
    pub(crate) given_back: U32,
    pub(crate) entries: U32,
    pub(crate) newest: U32,
    pub(crate) oldest: U32,
    /// The processes that have entries of their own.
    pub(crate) rows: [U32; ROWS],
}

#[repr(C, align(64))]
pub(crate) struct Cell {
    pub(crate) head: U32,
    pub(crate) hash: U32,
    /// In the bucket; of free cells the next one; of a continuation its entry.
    pub(crate) next: U32,
    pub(crate) newer: U32,
    pub(crate) older: U32,
    /// The next cell of the key.
    pub(crate) more: U32,
    /// Of an entry: when it was used, its value, its key. Of a continuation: its key.
    pub(crate) words: [U64; 5],
}

impl Cell {
    pub(crate) fn used(&self) -> &U64 {
        &self.words[0]
    }

    pub(crate) fn value(&self) -> [&U64; 2] {
        [&self.words[1], &self.words[2]]
    }

    pub(crate) fn key(&self) -> &[U64] {
        &self.words[3..]
    }
}

/// A table in a region, as this process sees it.
pub struct Table {
    region: Arc<Region>,
    pub(crate) cells: u32,
}

/// An entry, as long as the lock is held in which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(pub(crate) u32);

/// A key with its hash.
#[derive(Clone, Copy)]
pub struct Key<'k> {
    pub(crate) bytes: &'k [u8],
    pub(crate) hash: u32,
}

impl Key<'_> {
    /// What is in the entry itself, and what is in further cells.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.bytes.len().min(FIRST))
    }

    pub(crate) fn cells(&self) -> u32 {
        1 + self.parts().1.len().div_ceil(FURTHER) as u32
    }
}

impl Table {
    /// The table of a region: initialised if the region is new, shared if another process has it.
    pub fn of(region: Arc<Region>) -> io::Result<Table> {
        let cells = cells(region.len()).ok_or_else(|| io::Error::other("it is too small"))?;
        let claimed = region.claim();
        let table = Table { region, cells };
        let header = table.header();
        let size = table.region.len() as u64;
        match claimed {
            Origin::Fresh => {
                hash::make_secret(&header.secret)?;
                header.size.set(size);
                header.version.set(TABLE_VERSION);
                header.cells.set(cells);
                // SAFETY: the region is fresh: nobody else knows it.
                unsafe { header.lock.init() };
                header.magic.publish(u64::from_le_bytes(MAGIC));
                Ok(table)
            }
            Origin::Shared => {
                let known = (header.magic.published(), header.size.get(), header.version.get());
                match known == (u64::from_le_bytes(MAGIC), size, TABLE_VERSION) {
                    true => Ok(table),
                    false => Err(io::Error::other("the memory is that of something else")),
                }
            }
        }
    }

    /// The region behind it.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// How many entries with keys of up to 16 bytes it has room for.
    pub fn capacity(&self) -> usize {
        self.cells as usize
    }

    /// A key, to be looked for. It is cut at [`MAX_KEY`] bytes.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        let bytes = &bytes[..bytes.len().min(MAX_KEY)];
        Key { bytes, hash: (hash::hash(&self.header().secret, bytes) >> 32) as u32 }
    }

    /// Looks who has the lock, at a time in milliseconds ([`Holder::look`]).
    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        holder.look(&self.header().lock, now, patience)
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the region begins with a header, is as large as one, and lives as long as the table; all in it is words.
        unsafe { self.region.base().cast().as_ref() }
    }

    pub(crate) fn buckets(&self) -> &[U32] {
        // SAFETY: there are as many buckets as cells, behind the header; they are words, and live as long as the table.
        unsafe {
            let first = self.region.base().add(size_of::<Header>()).cast::<U32>();
            std::slice::from_raw_parts(first.as_ptr(), self.cells as usize)
        }
    }

    pub(crate) fn bucket(&self, hash: u32) -> &U32 {
        let at = (u64::from(hash) * u64::from(self.cells)) >> 32;
        &self.buckets()[at as usize]
    }

    pub(crate) fn cell(&self, index: u32) -> &Cell {
        assert!(index <= self.cells, "not a cell");
        // SAFETY: the cells, nobody's included, are behind the buckets, and the index was looked at.
        unsafe {
            let cells = self.region.base().add(cells_at(self.cells));
            cells.cast::<Cell>().add(index as usize).as_ref()
        }
    }
}

/// How many cells so many bytes make, nobody's aside: each has a bucket.
fn cells(size: usize) -> Option<u32> {
    let room = size.checked_sub(size_of::<Header>() + 2 * CELL)?;
    let cells = (room / (CELL + size_of::<U32>())).min(u32::MAX as usize / 2);
    (cells > 0).then_some(cells as u32)
}

fn cells_at(cells: u32) -> usize {
    (size_of::<Header>() + cells as usize * size_of::<U32>()).next_multiple_of(CELL)
}
