//! The slots of a loop.
//!
//! ```text
//! 0 … worker_connections-1 │ worker_connections …
//!   of accepted connections │ of what tasks have besides: sockets of their own, sleeps, tasks without a client
//!   allocated at once       │ in blocks, as they are needed
//! ```

use std::cell::{Cell, RefCell};

use crate::slot::{NONE, Slot};
use crate::token::MAX_SLOTS;

/// Slots of a block.
const BLOCK: u32 = 64;

pub(crate) struct Table {
    /// There are no more than so many.
    pub most: Cell<u32>,
    accepted: Box<[Slot]>,
    /// As old as the loop, which is as old as its thread.
    further: RefCell<Vec<&'static [Slot]>>,
    free: Free,
    free_further: Free,
}

/// A list of slots that nobody has.
struct Free {
    first: Cell<u32>,
    count: Cell<u32>,
}

impl Table {
    /// With slots for so many accepted connections.
    pub fn new(count: u32) -> Table {
        let count = count.clamp(1, MAX_SLOTS / 2);
        let slot = |next| Slot::new(if next < count { next } else { NONE });
        Table {
            most: Cell::new(MAX_SLOTS),
            accepted: (1..=count).map(slot).collect(),
            further: RefCell::default(),
            free: Free { first: Cell::new(0), count: Cell::new(count) },
            free_further: Free { first: Cell::new(NONE), count: Cell::new(0) },
        }
    }

    /// Slots for accepted connections.
    pub fn accepted(&self) -> &[Slot] {
        &self.accepted
    }

    /// How many of these are free.
    pub fn free(&self) -> u32 {
        self.free.count.get()
    }

    /// The slot of an index, if there is one.
    pub fn get(&self, index: u32) -> Option<&Slot> {
        let Some(behind) = index.checked_sub(self.accepted.len() as u32) else {
            return self.accepted.get(index as usize);
        };
        let block = self.further.borrow().get((behind / BLOCK) as usize).copied();
        block.map(|block| &block[(behind % BLOCK) as usize])
    }

    /// The slot of an index that was taken from here.
    pub fn at(&self, index: u32) -> &Slot {
        self.get(index).expect("indices come from this table")
    }

    /// Calls `each` with every slot.
    pub fn each(&self, mut each: impl FnMut(u32, &Slot)) {
        let blocks = self.further.borrow().clone();
        let further = blocks.into_iter().flatten();
        (0..).zip(self.accepted.iter().chain(further)).for_each(|(index, slot)| each(index, slot));
    }

    /// Takes a slot for an accepted connection.
    pub fn take(&self) -> Option<u32> {
        self.take_from(&self.free)
    }

    /// Takes one for something else.
    pub fn take_further(&self) -> Option<u32> {
        if self.free_further.first.get() == NONE {
            self.grow();
        }
        self.take_from(&self.free_further)
    }

    fn take_from(&self, free: &Free) -> Option<u32> {
        let index = free.first.get();
        let slot = self.get(index)?;
        free.first.set(slot.timer_next.replace(NONE));
        free.count.set(free.count.get() - 1);
        Some(index)
    }

    fn grow(&self) {
        let mut further = self.further.borrow_mut();
        let first = (self.accepted.len() + further.len() * BLOCK as usize) as u32;
        if first + BLOCK > self.most.get() {
            return;
        }
        let slot = |at| Slot::new(if at + 1 < BLOCK { first + at + 1 } else { NONE });
        let block: Box<[Slot]> = (0..BLOCK).map(slot).collect();
        further.push(Box::leak(block));
        self.free_further.first.set(first);
        self.free_further.count.set(BLOCK);
    }

    /// Gives a slot back.
    pub fn give(&self, index: u32) {
        let is_accepted = (index as usize) < self.accepted.len();
        let free = if is_accepted { &self.free } else { &self.free_further };
        self.at(index).timer_next.set(free.first.replace(index));
        free.count.set(free.count.get() + 1);
    }
}
