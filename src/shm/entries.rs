//! The entries of a table, under its lock: found, added, made the newest, taken away.

use crate::cell::words;
use crate::table::{Cell, Entry, FURTHER, Header, Key, LIVE, MORE, TAG_SHIFT, Table};
use crate::{Acquired, U64};

impl Table {
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

    fn locked(&self, acquired: Acquired) -> Locked<'_> {
        let locked = Locked { table: self, panicking: std::thread::panicking() };
        if acquired == Acquired::OwnerDied {
            locked.repair();
            self.header().lock.mended();
        }
        locked
    }
}

/// The table, with its lock.
pub struct Locked<'t> {
    pub(crate) table: &'t Table,
    /// It was taken on the way out of a panic, which was elsewhere.
    panicking: bool,
}

impl<'t> Locked<'t> {
    /// The table.
    pub fn table(&self) -> &'t Table {
        self.table
    }

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

    /// Its key.
    pub fn key(&self, entry: Entry) -> Vec<u8> {
        let cell = self.cell(entry.0);
        let len = (cell.head.get() & 0xffff) as usize;
        let mut key: Vec<u8> =
            cell.key().iter().flat_map(|word| word.get().to_le_bytes()).collect();
        let mut more = cell.more.get();
        while key.len() < len && more != 0 {
            let cell = self.cell(more);
            key.extend(cell.words.iter().flat_map(|word| word.get().to_le_bytes()));
            more = cell.more.get();
        }
        key.truncate(len);
        key
    }

    /// Its tag.
    pub fn tag(&self, entry: Entry) -> u16 {
        (self.cell(entry.0).head.get() >> TAG_SHIFT & 0x3fff) as u16
    }

    /// Whether this is an entry with that tag still.
    pub fn is_tagged(&self, entry: Entry, tag: u16) -> bool {
        self.cell(entry.0).head.get() & LIVE != 0 && self.tag(entry) == tag
    }

    /// The least recently used one.
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

    pub(crate) fn header(&self) -> &'t Header {
        self.table.header()
    }

    pub(crate) fn cell(&self, index: u32) -> &'t Cell {
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

    fn stamp(&self, index: u32) {
        self.header().clock.add(1);
        self.cell(index).used().set(self.header().clock.get());
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A fault of the program in the middle of a change: as if the process had died here.
        if std::thread::panicking() && !self.panicking {
            self.repair();
        }
        self.header().lock.unlock();
    }
}

fn write(to: &[U64], bytes: &[u8]) {
    to.iter().zip(words(bytes)).for_each(|(to, word)| to.set(word));
}

/// Whether the words are those that bytes of this length make.
fn is(known: &[U64], bytes: &[u8]) -> bool {
    known.iter().zip(words(bytes)).all(|(known, word)| known.get() == word)
}
