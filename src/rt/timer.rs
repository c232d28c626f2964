//! Deadlines: a hashed wheel of slots, lazily kept.
//!
//! Activity only writes the slot's deadline. The slot stays linked where it was, and when that old
//! tick comes round it is linked again at the new one: a connection that is busy all the time costs
//! the wheel one move per old deadline, not one per request. A deadline that moves *nearer* is linked
//! again at once.

use std::cell::Cell;

use crate::slot::NONE;
use crate::table::Table;

/// Length of one tick in milliseconds; a deadline is late by less than this.
const TICK_MS: u64 = 16;
/// Ticks until the wheel comes round; later deadlines are looked at once a round.
const BUCKETS: usize = 2048;

pub(crate) struct Wheel {
    buckets: Box<[Cell<u32>]>,
    /// One bit for each bucket that has a slot.
    occupied: [Cell<u64>; BUCKETS / 64],
    /// The last tick that has been expired.
    tick: Cell<u64>,
}

impl Wheel {
    pub fn new(now: u64) -> Wheel {
        Wheel {
            buckets: (0..BUCKETS).map(|_| Cell::new(NONE)).collect(),
            occupied: std::array::from_fn(|_| Cell::new(0)),
            tick: Cell::new(now / TICK_MS),
        }
    }

    /// Gives slot `index` the deadline `due` (0: none).
    pub fn set(&self, slots: &Table, index: u32, due: u64) {
        let slot = slots.at(index);
        slot.due.set(due);
        if due != 0 && (slot.tick.get() == 0 || self.tick_of(due) < slot.tick.get()) {
            self.unlink(slots, index);
            self.link(slots, index, due);
        }
    }

    /// The tick at which `due` is looked at: rounded up, in the future, within the wheel.
    fn tick_of(&self, due: u64) -> u64 {
        let first = self.tick.get() + 1;
        due.div_ceil(TICK_MS).clamp(first, first + BUCKETS as u64 - 2)
    }

    fn link(&self, slots: &Table, index: u32, due: u64) {
        let tick = self.tick_of(due);
        let at = tick as usize % BUCKETS;
        let head = self.buckets[at].get();
        let slot = slots.at(index);
        slot.tick.set(tick);
        slot.timer_next.set(head);
        slot.timer_previous.set(NONE);
        if head != NONE {
            slots.at(head).timer_previous.set(index);
        }
        self.buckets[at].set(index);
        self.occupied[at / 64].set(self.occupied[at / 64].get() | 1 << (at % 64));
    }

    /// Takes the slot off the wheel.
    pub fn unlink(&self, slots: &Table, index: u32) {
        let slot = slots.at(index);
        if slot.tick.get() == 0 {
            return;
        }
        let at = slot.tick.get() as usize % BUCKETS;
        let (previous, next) = (slot.timer_previous.get(), slot.timer_next.get());
        match previous {
            NONE => self.buckets[at].set(next),
            previous => slots.at(previous).timer_next.set(next),
        }
        if next != NONE {
            slots.at(next).timer_previous.set(previous);
        }
        if self.buckets[at].get() == NONE {
            self.occupied[at / 64].set(self.occupied[at / 64].get() & !(1 << (at % 64)));
        }
        slot.tick.set(0);
    }

    /// Calls `fired` with each slot whose deadline has passed.
    pub fn expire(&self, slots: &Table, now: u64, mut fired: impl FnMut(u32)) {
        let target = now / TICK_MS;
        // After a long sleep every bucket is visited once, not once a tick.
        let first = (self.tick.get() + 1).max(target.saturating_sub(BUCKETS as u64 - 1));
        for tick in first..=target {
            self.tick.set(tick);
            let at = tick as usize % BUCKETS;
            // Nothing is linked here again before the wheel has come round. But whoever is called may free others.
            while self.buckets[at].get() != NONE {
                let index = self.buckets[at].get();
                let slot = slots.at(index);
                self.unlink(slots, index);
                match slot.due.get() {
                    0 => {}
                    due if due > now => self.link(slots, index, due),
                    _ => {
                        slot.due.set(0);
                        fired(index);
                    }
                }
            }
        }
    }

    /// Milliseconds until the next occupied tick, if there is one.
    pub fn next(&self, now: u64) -> Option<u64> {
        let from = self.tick.get() + 1;
        let mut distance = 0;
        while distance < BUCKETS {
            let at = (from as usize + distance) % BUCKETS;
            let rest = self.occupied[at / 64].get() >> (at % 64);
            if rest != 0 {
                let tick = from + distance as u64 + u64::from(rest.trailing_zeros());
                return Some((tick * TICK_MS).saturating_sub(now));
            }
            distance += 64 - at % 64;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(count: u32) -> Table {
        let slots = Table::new(count);
        while slots.take().is_some() {}
        slots
    }

    fn fired(wheel: &Wheel, slots: &Table, now: u64) -> Vec<u32> {
        let mut all = Vec::new();
        wheel.expire(slots, now, |index| all.push(index));
        all
    }

    #[test]
    fn fires_once_and_not_before() {
        let (wheel, slots) = (Wheel::new(1000), slots(2));
        wheel.set(&slots, 0, 1500);
        assert_eq!(fired(&wheel, &slots, 1499), []);
        assert_eq!(fired(&wheel, &slots, 1520), [0]);
        assert_eq!(fired(&wheel, &slots, 9000), []);
    }

    #[test]
    fn a_later_deadline_is_found_lazily_and_a_nearer_one_at_once() {
        let (wheel, slots) = (Wheel::new(1000), slots(2));
        wheel.set(&slots, 0, 1100);
        wheel.set(&slots, 0, 5000);
        wheel.set(&slots, 1, 5000);
        wheel.set(&slots, 1, 1100);
        assert_eq!(fired(&wheel, &slots, 1200), [1]);
        assert_eq!(fired(&wheel, &slots, 5016), [0]);
    }

    #[test]
    fn deadlines_beyond_the_wheel_wait_for_their_round() {
        let (wheel, slots) = (Wheel::new(0), slots(1));
        wheel.set(&slots, 0, 100_000);
        let mut now = 0;
        while now < 99_000 {
            now += 1000;
            assert_eq!(fired(&wheel, &slots, now), []);
        }
        assert_eq!(fired(&wheel, &slots, 100_016), [0]);
    }

    #[test]
    fn a_long_sleep_misses_nothing() {
        let (wheel, slots) = (Wheel::new(0), slots(3));
        for (index, due) in [(0, 100), (1, 20_000), (2, 30_000)] {
            wheel.set(&slots, index, due);
        }
        let mut all = fired(&wheel, &slots, 10_000_000);
        all.sort();
        assert_eq!(all, [0, 1, 2]);
    }

    #[test]
    fn the_next_tick_is_known() {
        let (wheel, slots) = (Wheel::new(0), slots(2));
        assert_eq!(wheel.next(0), None);
        wheel.set(&slots, 0, 1600);
        assert_eq!(wheel.next(0), Some(1600));
        wheel.set(&slots, 1, 160);
        assert_eq!(wheel.next(100), Some(60));
        wheel.unlink(&slots, 1);
        assert_eq!(wheel.next(100), Some(1500));
    }
}
