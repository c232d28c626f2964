//! Buffers whose bytes are in files: the next bytes are collected in them, which are as long as those will become, and whose pages
//! are there.

use std::ops::RangeInclusive;

/// Some buffers, for one kind of work.
#[derive(Debug)]
pub struct Spares {
    kept: Vec<Vec<u8>>,
    most: usize,
    sizes: RangeInclusive<usize>,
}

impl Spares {
    /// Keeps so many buffers at most, of these capacities.
    pub const fn new(most: usize, sizes: RangeInclusive<usize>) -> Spares {
        Spares { kept: Vec::new(), most, sizes }
    }

    /// An empty buffer, which has memory already if there is some.
    pub fn take(&mut self) -> Vec<u8> {
        self.kept.pop().unwrap_or_default()
    }

    /// Takes back what was written.
    pub fn give_back(&mut self, buffers: Vec<Vec<u8>>) {
        for mut buffer in buffers.into_iter().filter(|it| self.sizes.contains(&it.capacity())) {
            if self.kept.len() < self.most {
                buffer.clear();
                self.kept.push(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_come_back_and_none_that_is_too_small_or_too_large() {
        let mut spares = Spares::new(2, 10..=1000);
        spares.give_back(vec![Vec::with_capacity(9), vec![1; 500], Vec::with_capacity(1001)]);
        let buffer = spares.take();
        assert!(buffer.is_empty() && buffer.capacity() == 500);
        assert_eq!(spares.take().capacity(), 0);
        spares.give_back((0..3).map(|_| vec![1; 10]).collect());
        let taken: Vec<_> = (0..3).map(|_| spares.take().capacity()).collect();
        assert_eq!(taken, [10, 10, 0]);
    }
}
