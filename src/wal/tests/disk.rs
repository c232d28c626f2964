//! A disk in memory that forgets, at a power cut, any part of what was not synced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::rc::Rc;

use super::Random;
use crate::device::{Device, Witness};
use crate::step::step;

#[derive(Clone, Debug)]
struct Inner {
    /// What a process reads.
    now: Vec<u8>,
    /// What is on the disk for certain.
    durable: Vec<u8>,
    /// What was written since, unit by unit: each state it had, for any of them may have got there.
    dirty: BTreeMap<usize, Vec<Vec<u8>>>,
    /// What is written as a whole: a page, or a sector.
    unit: usize,
    witness: Witness,
    boot: u128,
    clock: u64,
    /// Writes that are still possible before the disk is full.
    room: Option<usize>,
    /// A sync fails.
    broken: bool,
}

/// The disk; its clones are the same one.
#[derive(Clone, Debug)]
pub struct Disk(Rc<RefCell<Inner>>);

impl Disk {
    pub fn new(len: usize, unit: usize) -> Disk {
        Disk(Rc::new(RefCell::new(Inner {
            now: vec![0; len],
            durable: vec![0; len],
            dirty: BTreeMap::new(),
            unit,
            witness: Witness { device: 1, inode: 2, changed_ns: 0 },
            boot: 1,
            clock: 1_000_000_000_000_000_000,
            room: None,
            broken: false,
        })))
    }

    /// One with these bytes.
    pub fn of(bytes: Vec<u8>) -> Disk {
        let disk = Disk::new(bytes.len(), 4096);
        disk.restore(&bytes);
        disk
    }

    /// The power fails, and the machine starts again.
    pub fn cut(&self, random: &mut Random) {
        let inner = &mut *self.0.borrow_mut();
        // Whether much or little of it got there.
        let odds = 1 + random.below(4);
        for (unit, states) in std::mem::take(&mut inner.dirty) {
            if random.below(5) < odds {
                let state = &states[random.below(states.len())];
                let at = unit * inner.unit;
                inner.durable[at..at + state.len()].copy_from_slice(state);
            }
        }
        inner.now = inner.durable.clone();
        self.restarted(inner);
    }

    /// The machine starts again in order.
    pub fn restart(&self) {
        let inner = &mut *self.0.borrow_mut();
        inner.write_back();
        self.restarted(inner);
    }

    fn restarted(&self, inner: &mut Inner) {
        inner.boot += 1;
        inner.clock += 10_000_000_000;
        inner.room = None;
    }

    /// The bytes that a copy of the file has.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.borrow().now.clone()
    }

    /// Copies these bytes over the file.
    pub fn restore(&self, bytes: &[u8]) {
        let inner = &mut *self.0.borrow_mut();
        inner.now = bytes.to_vec();
        inner.write_back();
        inner.clock += 2_000_000_000;
        inner.witness.changed_ns = inner.clock;
    }

    /// Changes the file's bytes without a trace in its dates.
    pub fn corrupt(&self, at: usize, with: impl FnOnce(&mut [u8])) {
        let inner = &mut *self.0.borrow_mut();
        with(&mut inner.now[at..]);
        inner.write_back();
    }

    pub fn set_inode(&self, inode: u64) {
        self.0.borrow_mut().witness.inode = inode;
    }

    /// After `writes` pages more the disk is full.
    pub fn set_room(&self, writes: Option<usize>) {
        self.0.borrow_mut().room = writes;
    }

    pub fn set_broken(&self, broken: bool) {
        self.0.borrow_mut().broken = broken;
    }

    /// Time passes.
    pub fn pass(&self, ns: u64) {
        self.0.borrow_mut().clock += ns;
    }
}

impl Inner {
    fn write_back(&mut self) {
        self.dirty.clear();
        self.durable = self.now.clone();
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        if self.now.len() < at + bytes.len() {
            self.now.resize(at + bytes.len(), 0);
            self.durable.resize(at + bytes.len(), 0);
        }
        self.now[at..at + bytes.len()].copy_from_slice(bytes);
        for unit in at / self.unit..=(at + bytes.len() - 1) / self.unit {
            let from = unit * self.unit;
            let to = (from + self.unit).min(self.now.len());
            self.dirty.entry(unit).or_default().push(self.now[from..to].to_vec());
        }
        self.witness.changed_ns = self.clock;
        Ok(())
    }
}

impl Device for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.borrow().now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let inner = self.0.borrow();
        let rest = inner.now.get(at as usize..).unwrap_or(&[]);
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    /// As the kernel does: page by page, and whoever is killed stops between two.
    fn write_at(&self, parts: &[IoSlice<'_>], at: u64) -> io::Result<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let (mut at, mut rest) = (at as usize, &bytes[..]);
        while !rest.is_empty() {
            step("disk: a page");
            let (page, later) = rest.split_at(rest.len().min(4096 - at % 4096));
            self.0.borrow_mut().write(at, page)?;
            at += page.len();
            rest = later;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        step("disk: sync");
        let inner = &mut *self.0.borrow_mut();
        if inner.broken {
            return Err(io::Error::other("the disk is broken"));
        }
        inner.write_back();
        Ok(())
    }

    fn witness(&self) -> io::Result<Witness> {
        Ok(self.0.borrow().witness)
    }

    fn now_ns(&self) -> u64 {
        self.0.borrow().clock
    }

    fn boot(&self) -> u128 {
        self.0.borrow().boot
    }
}
