//! What is derived from the heads of cells: buckets, the order of use, the cells that are nobody's.

use crate::entries::Locked;
use crate::table::{Cell, LIVE, MORE};

impl Locked<'_> {
    /// Rebuilds what is derived from the heads of the cells.
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

    /// A cell that is nobody's; there is one.
    pub(crate) fn take(&self) -> u32 {
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

    pub(crate) fn give_back(&self, index: u32) {
        let (header, cell) = (self.header(), self.cell(index));
        cell.head.set(0);
        cell.next.set(header.free.get());
        header.free.set(index);
        header.given_back.add(1);
    }

    pub(crate) fn link_key(&self, index: u32) {
        let cell = self.cell(index);
        let bucket = self.table.bucket(cell.hash.get());
        cell.next.set(bucket.get());
        bucket.set(index);
    }

    pub(crate) fn unlink_key(&self, index: u32) {
        let cell = self.cell(index);
        let mut link = self.table.bucket(cell.hash.get());
        while link.get() != index {
            link = &self.cell(link.get()).next;
        }
        link.set(cell.next.get());
    }

    pub(crate) fn link_use(&self, index: u32) {
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

    pub(crate) fn unlink_use(&self, index: u32) {
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
