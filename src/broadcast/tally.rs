//! What a worker counts for its readers, and takes back.

use std::sync::atomic::{Ordering, fence};

use crate::counts::{CountKind, Counted};
use crate::lock::Locked;
use crate::row::Attachment;
use crate::step::step;

impl Attachment {
    /// Counts one more; gives how many there are in all processes.
    pub(crate) fn count_one(&self, locked: &Locked<'_>, what: Counted) -> u32 {
        self.zone.memory.add(what, self.row);
        if what.kind != CountKind::Address {
            self.zone.memory.row(self.row).subscribers.add(1);
        }
        locked.count(what)
    }

    /// Counts so many less.
    pub(crate) fn count_less(&self, _locked: &Locked<'_>, what: Counted, by: u32) {
        // Its row may be another's meanwhile.
        if self.has_left() {
            return;
        }
        self.zone.memory.sub(what, self.row, by);
        if what.kind != CountKind::Address {
            self.zone.memory.row(self.row).subscribers.sub(by);
        }
    }

    /// Counts a stream of a client; gives those that it has in all processes.
    pub fn count_address(&self, address: &[u8]) -> (Counted, u32) {
        let address = self.zone.counted(CountKind::Address, address);
        (address, self.count_one(&self.zone.lock(), address))
    }

    /// It has one less.
    pub fn discount_address(&self, address: Counted) {
        self.count_less(&self.zone.lock(), address, 1);
    }

    /// Counts a client; gives how many there are in all processes. Takes no lock.
    pub fn count_client(&self) -> u32 {
        self.zone.memory.row(self.row).clients.add(1);
        // Of two that come at the same time, at least one sees the other.
        fence(Ordering::SeqCst);
        step("client: counted");
        let rows = 0..self.zone.memory.layout.rows;
        rows.map(|row| self.zone.memory.row(row).clients.get()).sum()
    }

    /// There is one less.
    pub fn discount_client(&self) {
        if !self.has_left() {
            self.zone.memory.row(self.row).clients.sub(1);
        }
    }
}
