//! Where a recording can be entered.

/// More entries than these do not fit the tag that they stand in.
pub const MAX_ENTRIES: usize = 900_000;

/// How far apart places are in a recording without pictures, in milliseconds.
const SOUND_INTERVAL: u64 = 1_000;

/// Places of key frames and their times. When it is full, every second one goes, and from then on only every second one comes:
/// however long the recording is, they are spread over all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    capacity: usize,
    entries: Vec<(u64, u64)>,
    /// One of so many is taken.
    step: u64,
    /// How many came.
    seen: u64,
    /// When the last of these was.
    last: Option<u64>,
}

impl Index {
    /// One of so many entries, [`MAX_ENTRIES`] at most.
    pub fn new(capacity: usize) -> Index {
        let capacity = capacity.min(MAX_ENTRIES);
        Index { capacity, entries: Vec::new(), step: 1, seen: 0, last: None }
    }

    /// A key frame: where its tag begins in the file, and its milliseconds.
    pub fn add(&mut self, position: u64, ms: u64) {
        let wanted = self.seen.is_multiple_of(self.step);
        self.seen += 1;
        self.last = Some(ms);
        if self.capacity == 0 || !wanted {
            return;
        }
        if self.entries.len() == self.capacity {
            self.thin();
            if !(self.seen - 1).is_multiple_of(self.step) {
                return;
            }
        }
        if self.entries.len() < self.capacity {
            self.entries.push((position, ms));
        }
    }

    /// A frame of sound, of a recording without pictures. One a second is an entry.
    pub fn add_sound(&mut self, position: u64, ms: u64) {
        if self.last.is_none_or(|last| ms >= last + SOUND_INTERVAL) {
            self.add(position, ms);
        }
    }

    /// Position and milliseconds of each, in their order.
    pub fn entries(&self) -> &[(u64, u64)] {
        &self.entries
    }

    /// The same with no more than so many entries.
    pub fn within(&self, capacity: usize) -> Index {
        let mut index = Index { capacity, ..self.clone() };
        while index.entries.len() > capacity.max(1) {
            index.thin();
        }
        index.entries.truncate(capacity);
        index
    }

    fn thin(&mut self) {
        let mut number = 0;
        self.entries.retain(|_| {
            number += 1;
            number % 2 == 1
        });
        self.step *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spread_over_everything() {
        for capacity in [0, 1, 2, 3, 7, 100] {
            let mut index = Index::new(capacity);
            for number in 0..1000u64 {
                index.add(number * 10, number * 1000);
                let entries = index.entries();
                assert!(entries.len() <= capacity);
                // As far apart as the first two are, and up to the end.
                let steps: Vec<_> = entries.windows(2).map(|two| two[1].1 - two[0].1).collect();
                assert!(steps.iter().all(|step| *step == steps[0]));
                if let [(0, 0), .., (_, last)] = entries {
                    assert!(
                        capacity < 4 || last + steps[0] > number * 1000 || *last == number * 1000
                    );
                }
            }
            assert!(index.entries().len() >= capacity / 2);
            let half = index.within(capacity / 2);
            assert!(half.entries().len() <= capacity / 2);
            assert!(half.entries().iter().all(|entry| index.entries().contains(entry)));
        }
    }

    #[test]
    fn sound_once_a_second() {
        let mut index = Index::new(10);
        (0..200).for_each(|number| index.add_sound(number, number * 23));
        let times: Vec<_> = index.entries().iter().map(|(_, ms)| *ms).collect();
        assert_eq!(times, [0, 1012, 2024, 3036, 4048]);
    }
}
