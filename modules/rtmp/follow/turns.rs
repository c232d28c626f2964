//! When a follower is given what has come. Who has patience is given much at once; and those who began together, such as all of a
//! worker that has taken over from another, have their turns apart, so that their work does not come at once either.

use std::cell::Cell;

thread_local! {
    /// Thousandths of the patience.
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// So many moments there are in a patience: those who have the same one wake the other threads together.
const MOMENTS: u64 = 20;
/// Which part of their patience the turns of two that begin one after the other are apart, in thousandths: by the golden section
/// no part of it fills more than others.
const APART: u64 = 618;

/// The turns of one follower, in the loop's milliseconds. They are at the same places of a grid whatever comes between: so those who
/// were late together, because the loop stood still, are apart again.
pub struct Turns {
    patience: u64,
    offset: u64,
    due: u64,
}

impl Turns {
    /// The first is when something is there.
    pub fn new(patience: u64) -> Turns {
        let part = NEXT.get();
        NEXT.set((part + APART) % 1000);
        Turns { patience, offset: patience * (part * MOMENTS / 1000) / MOMENTS, due: 0 }
    }

    /// Not before this, whatever comes.
    pub fn due(&self) -> u64 {
        self.due
    }

    /// It had one.
    pub fn had(&mut self, now: u64) {
        let passed = (now + self.offset).checked_rem(self.patience).unwrap_or(0);
        self.due = now + self.patience - passed;
    }

    /// It may have the next one at once.
    pub fn hurry(&mut self) {
        self.due = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_each_second_and_few_have_the_same() {
        let mut all: Vec<Turns> = (0..200).map(|_| Turns::new(1000)).collect();
        let mut counts = vec![0; all.len()];
        for now in (5000..15_000).step_by(50) {
            let mut at_once = 0;
            for (turns, count) in all.iter_mut().zip(&mut counts) {
                if now >= turns.due() {
                    turns.had(now);
                    (*count, at_once) = (*count + 1, at_once + 1);
                }
            }
            assert!(now == 5000 || at_once <= 14, "{at_once} at {now}");
        }
        assert!(counts.iter().all(|count| (10..=11).contains(count)), "{counts:?}");
        // After a pause all are due, and apart again.
        assert!(all.iter().all(|turns| turns.due() < 60_000));
        all.iter_mut().for_each(|turns| turns.had(60_000));
        assert!(all.iter().filter(|turns| turns.due() <= 60_100).count() <= 25);
    }

    #[test]
    fn who_has_no_patience_or_is_to_hurry_waits_for_nothing() {
        let mut turns = Turns::new(0);
        turns.had(5000);
        assert_eq!(turns.due(), 5000);
        let mut turns = Turns::new(1000);
        turns.had(5000);
        assert!(turns.due() > 5000);
        turns.hurry();
        assert_eq!(turns.due(), 0);
    }
}
