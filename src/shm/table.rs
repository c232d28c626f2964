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
//! and are made anew, in one walk, when a process has died with the lock ([`Locked::repair`]). A value of two words may
//! then have one of them: whoever uses both says what that means.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::hash::{self, Secret};
use crate::rows::ROWS;
use crate::{Acquired, BoundedLock, Holder, Origin, PATIENCE_MS, Region, U32, U64};

/// "RSERVETB": another region is recognised.
const MAGIC: [u8; 8] = *b"RSERVETB";
/// The version of the layout, for the shape of a region: a table of another version is another binary's.
pub const TABLE_VERSION: u32 = 1;
/// The longest key.
pub const MAX_KEY: usize = u16::MAX as usize;

/// Bits of a head: an entry's, and a continuation's.
const LIVE: u32 = 1 << 31;
const MORE: u32 = 1 << 30;
const TAG_SHIFT: u32 = 16;

const CELL: usize = size_of::<Cell>();
/// Bytes of a key that are in the entry itself, and in each further cell.
const FIRST: usize = 16;
const FURTHER: usize = 40;

#[repr(C, align(64))]
pub(crate) struct Header {
    magic: U64,
    size: U64,
    version: U32,
    /// How many there are, nobody's aside.
    cells: U32,
    secret: Secret,
    lock: BoundedLock,
    /// Counts uses.
    clock: U64,
    /// The last cell that was ever taken.
    fresh: U32,
    /// From here on it is derived: the first cell that was given back, and how many of them there are.
    free: U32,
    given_back: U32,
    entries: U32,
    newest: U32,
    oldest: U32,
    /// The processes that have entries of their own.
    pub(crate) rows: [U32; ROWS],
}

#[repr(C, align(64))]
struct Cell {
    head: U32,
    hash: U32,
    /// In the bucket; of free cells the next one; of a continuation its entry.
    next: U32,
    newer: U32,
    older: U32,
    /// The next cell of the key.
    more: U32,
    /// Of an entry: when it was used, its value, its key. Of a continuation: its key.
    words: [U64; 5],
}

impl Cell {
    fn used(&self) -> &U64 {
        &self.words[0]
    }

    fn value(&self) -> [&U64; 2] {
        [&self.words[1], &self.words[2]]
    }

    fn key(&self) -> &[U64] {
        &self.words[3..]
    }
}

/// A table in a region, as this process sees it.
pub struct Table {
    region: Arc<Region>,
    cells: u32,
}

/// An entry, as long as the lock is held in which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(pub(crate) u32);

/// A key with its hash.
#[derive(Clone, Copy)]
pub struct Key<'k> {
    bytes: &'k [u8],
    hash: u32,
}

impl Key<'_> {
    /// What is in the entry itself, and what is in further cells.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.bytes.len().min(FIRST))
    }

    fn cells(&self) -> u32 {
        1 + self.parts().1.len().div_ceil(FURTHER) as u32
    }
}

/// The region is of another size, or no table.
#[derive(Debug)]
pub struct NoTable;

impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the memory is that of something else")
    }
}

impl std::error::Error for NoTable {}

impl Table {
    /// The table of a region: made anew if the region is, shared if another process has it.
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
                    false => Err(io::Error::other(NoTable)),
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

    /// Takes the lock; what a dead process left half-done is mended first.
    pub fn lock(&self) -> Locked<'_> {
        self.locked(self.header().lock.lock())
    }

    /// Takes the lock if nobody has it: for those whom nobody may keep waiting.
    pub fn try_lock(&self) -> Option<Locked<'_>> {
        match self.header().lock.try_lock() {
            Acquired::Busy => None,
            acquired => Some(self.locked(acquired)),
        }
    }

    /// The process that keeps the lock and stands still, for the master's eye.
    pub fn stuck(&self, holder: &mut Holder) -> Option<i32> {
        holder.look(&self.header().lock, sys::clock::monotonic_ms(), PATIENCE_MS)
    }

    fn locked(&self, acquired: Acquired) -> Locked<'_> {
        let locked = Locked { table: self };
        if acquired == Acquired::OwnerDied {
            locked.repair();
            self.header().lock.mended();
        }
        locked
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the region begins with a header, is as large as one, and lives as long as the table; all in it is words.
        unsafe { self.region.base().cast().as_ref() }
    }

    fn buckets(&self) -> &[U32] {
        // SAFETY: there are as many buckets as cells, behind the header; they are words, and live as long as the table.
        unsafe {
            let first = self.region.base().add(size_of::<Header>()).cast::<U32>();
            std::slice::from_raw_parts(first.as_ptr(), self.cells as usize)
        }
    }

    fn bucket(&self, hash: u32) -> &U32 {
        let at = (u64::from(hash) * u64::from(self.cells)) >> 32;
        &self.buckets()[at as usize]
    }

    fn cell(&self, index: u32) -> &Cell {
        assert!(index <= self.cells, "a cell that is none");
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

/// The table, with its lock.
pub struct Locked<'t> {
    table: &'t Table,
}

impl<'t> Locked<'t> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.header().entries.get() as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry of a key and a tag.
    pub fn find(&self, key: Key<'_>, tag: u16) -> Option<Entry> {
        self.all(key).find(|&entry| self.tag(entry) == tag)
    }

    /// All entries of a key, whatever their tags.
    pub fn all<'k>(&'k self, key: Key<'k>) -> impl Iterator<Item = Entry> + use<'k, 't> {
        let mut next = self.table.bucket(key.hash).get();
        std::iter::from_fn(move || {
            while next != 0 {
                let index = next;
                next = self.cell(index).next.get();
                if self.has_key(index, key) {
                    return Some(Entry(index));
                }
            }
            None
        })
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<'_, 't> {
        let all = 1..=self.header().fresh.get();
        all.filter(|&index| self.cell(index).head.get() & LIVE != 0).map(Entry)
    }

    /// Its value.
    pub fn value(&self, entry: Entry) -> [&'t U64; 2] {
        self.cell(entry.0).value()
    }

    /// Its tag.
    pub fn tag(&self, entry: Entry) -> u16 {
        (self.cell(entry.0).head.get() >> TAG_SHIFT & 0x3fff) as u16
    }

    /// Whether this is an entry with that tag still.
    pub fn is_tagged(&self, entry: Entry, tag: u16) -> bool {
        self.cell(entry.0).head.get() & LIVE != 0 && self.tag(entry) == tag
    }

    /// The one that was used least lately.
    pub fn oldest(&self) -> Option<Entry> {
        Some(self.header().oldest.get()).filter(|&index| index != 0).map(Entry)
    }

    /// It has been used now.
    pub fn touch(&self, entry: Entry) {
        self.stamp(entry.0);
        if self.header().newest.get() != entry.0 {
            self.unlink_use(entry.0);
            self.link_use(entry.0);
        }
    }

    /// Adds an entry, which is the newest. `None`: there is no room, and whoever asks decides who has to go.
    pub fn insert(&self, key: Key<'_>, tag: u16, value: [u64; 2]) -> Option<Entry> {
        let header = self.header();
        let room = header.given_back.get() + (self.table.cells - header.fresh.get());
        if key.cells() > room {
            return None;
        }
        let (first, rest) = key.parts();
        let index = self.take();
        let cell = self.cell(index);
        write(cell.key(), first);
        let mut link = &cell.more;
        for part in rest.chunks(FURTHER) {
            let more = self.take();
            link.set(more);
            let more = self.cell(more);
            more.head.set(MORE);
            more.next.set(index);
            write(&more.words, part);
            link = &more.more;
        }
        link.set(0);
        cell.hash.set(key.hash);
        cell.value().iter().zip(value).for_each(|(word, value)| word.set(value));
        self.stamp(index);
        cell.head.publish(LIVE | u32::from(tag) << TAG_SHIFT | key.bytes.len() as u32);
        self.link_key(index);
        self.link_use(index);
        header.entries.add(1);
        Some(Entry(index))
    }

    /// Whether there would be room for a key if it were the only one.
    pub fn may_hold(&self, key: Key<'_>) -> bool {
        key.cells() <= self.table.cells
    }

    /// Takes an entry away.
    pub fn remove(&self, entry: Entry) {
        let Entry(index) = entry;
        let cell = self.cell(index);
        cell.head.publish(0);
        self.unlink_key(index);
        self.unlink_use(index);
        self.header().entries.sub(1);
        let mut more = cell.more.get();
        self.give_back(index);
        while more != 0 {
            let next = self.cell(more).more.get();
            self.give_back(more);
            more = next;
        }
    }

    /// Makes what is derived anew, from the heads of the cells.
    pub(crate) fn repair(&self) {
        let header = self.header();
        for word in
            [&header.free, &header.given_back, &header.entries, &header.newest, &header.oldest]
        {
            word.set(0);
        }
        header.fresh.set(header.fresh.get().min(self.table.cells));
        self.table.buckets().iter().for_each(|bucket| bucket.set(0));
        let mut uses: Vec<(u64, u32)> = Vec::new();
        for index in (1..=header.fresh.get()).rev() {
            let cell = self.cell(index);
            if cell.head.get() & LIVE != 0 {
                self.link_key(index);
                header.entries.add(1);
                uses.push((cell.used().get(), index));
            } else if !self.continues(cell) {
                self.give_back(index);
            }
        }
        uses.sort_unstable();
        uses.into_iter().for_each(|(_, index)| self.link_use(index));
    }

    /// Whether a cell has a part of an entry's key.
    fn continues(&self, cell: &Cell) -> bool {
        let of = cell.next.get();
        cell.head.get() == MORE && of <= self.table.cells && self.cell(of).head.get() & LIVE != 0
    }

    pub(crate) fn header(&self) -> &'t Header {
        self.table.header()
    }

    fn cell(&self, index: u32) -> &'t Cell {
        self.table.cell(index)
    }

    fn has_key(&self, index: u32, key: Key<'_>) -> bool {
        let cell = self.cell(index);
        if cell.hash.get() != key.hash || cell.head.get() & 0xffff != key.bytes.len() as u32 {
            return false;
        }
        let (first, rest) = key.parts();
        let mut more = cell.more.get();
        is(cell.key(), first)
            && rest.chunks(FURTHER).all(|part| {
                let cell = self.cell(more);
                more = cell.more.get();
                is(&cell.words, part)
            })
    }

    /// A cell that is nobody's; there is one.
    fn take(&self) -> u32 {
        let header = self.header();
        match header.free.get() {
            0 => {
                header.fresh.add(1);
                header.fresh.get()
            }
            index => {
                header.free.set(self.cell(index).next.get());
                header.given_back.sub(1);
                index
            }
        }
    }

    fn give_back(&self, index: u32) {
        let (header, cell) = (self.header(), self.cell(index));
        cell.head.set(0);
        cell.next.set(header.free.get());
        header.free.set(index);
        header.given_back.add(1);
    }

    fn link_key(&self, index: u32) {
        let cell = self.cell(index);
        let bucket = self.table.bucket(cell.hash.get());
        cell.next.set(bucket.get());
        bucket.set(index);
    }

    fn unlink_key(&self, index: u32) {
        let cell = self.cell(index);
        let mut link = self.table.bucket(cell.hash.get());
        while link.get() != index {
            link = &self.cell(link.get()).next;
        }
        link.set(cell.next.get());
    }

    fn stamp(&self, index: u32) {
        self.header().clock.add(1);
        self.cell(index).used().set(self.header().clock.get());
    }

    fn link_use(&self, index: u32) {
        let (header, cell) = (self.header(), self.cell(index));
        let older = header.newest.get();
        cell.older.set(older);
        cell.newer.set(0);
        match older {
            0 => header.oldest.set(index),
            older => self.cell(older).newer.set(index),
        }
        header.newest.set(index);
    }

    fn unlink_use(&self, index: u32) {
        let (header, cell) = (self.header(), self.cell(index));
        let (newer, older) = (cell.newer.get(), cell.older.get());
        match newer {
            0 => header.newest.set(older),
            newer => self.cell(newer).older.set(older),
        }
        match older {
            0 => header.oldest.set(newer),
            older => self.cell(older).newer.set(newer),
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A fault of the program in the middle of a change: as if the process had died here.
        if std::thread::panicking() {
            self.repair();
        }
        self.header().lock.unlock();
    }
}

/// The words that bytes make, the last one filled up.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

fn write(to: &[U64], bytes: &[u8]) {
    to.iter().zip(words(bytes)).for_each(|(to, word)| to.set(word));
}

/// Whether the words are those that bytes of this length make.
fn is(known: &[U64], bytes: &[u8]) -> bool {
    known.iter().zip(words(bytes)).all(|(known, word)| known.get() == word)
}

#[cfg(test)]
impl Locked<'_> {
    /// Panics unless all that is derived says what the entries say.
    pub(crate) fn verify(&self) {
        let header = self.header();
        let of_key = |first: u32, link: fn(&Cell) -> u32| {
            std::iter::successors((first != 0).then_some(first), move |&index| {
                Some(link(self.cell(index))).filter(|&next| next != 0)
            })
        };
        let entries: Vec<u32> = self.entries().map(|Entry(index)| index).collect();
        assert_eq!(header.entries.get() as usize, entries.len());
        for &index in &entries {
            let bucket = self.table.bucket(self.cell(index).hash.get()).get();
            assert_eq!(of_key(bucket, |cell| cell.next.get()).filter(|&i| i == index).count(), 1);
        }
        let older: Vec<u32> = of_key(header.newest.get(), |cell| cell.older.get()).collect();
        let mut newer: Vec<u32> = of_key(header.oldest.get(), |cell| cell.newer.get()).collect();
        assert!(newer.is_sorted_by_key(|&index| self.cell(index).used().get()));
        newer.reverse();
        assert_eq!(older, newer);
        assert_eq!(older.len(), entries.len());
        let used: usize = entries.iter().map(|&i| of_key(i, |cell| cell.more.get()).count()).sum();
        let free = of_key(header.free.get(), |cell| cell.next.get()).count();
        assert_eq!(header.given_back.get() as usize, free);
        assert_eq!(used + free, header.fresh.get() as usize, "a cell is lost");
    }
}
