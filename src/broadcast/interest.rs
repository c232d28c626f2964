//! Which workers are interested in a channel: how many subscribers each of them has.

use crate::lock::Locked;

impl Locked<'_> {
    /// A slot begins without subscribers.
    pub fn clear_interest(&self, index: u32) {
        for row in 0..self.memory.layout.rows {
            let interest = self.memory.interest(index, row);
            interest.set(0);
        }
        for word in 0..self.memory.layout.rows.div_ceil(64) {
            self.memory.interest_bits(index, word).set(0);
        }
    }

    /// A row has no subscriber of a slot any more.
    pub fn lose_interest(&self, index: u32, row: usize) {
        let channel = self.memory.channel(index);
        if channel.behind_row.get() == row as u32 {
            channel.behind.set(0);
        }
        let interest = self.memory.interest(index, row);
        interest.set(0);
        let bits = self.memory.interest_bits(index, row / 64);
        bits.set(bits.get() & !(1 << (row % 64)));
    }

    /// Subscribers of a slot in all rows.
    pub fn subscribers(&self, index: u32) -> u32 {
        self.interested_rows(index).map(|row| self.memory.interest(index, row).get()).sum()
    }

    /// The rows that have some.
    pub fn interested_rows(&self, index: u32) -> impl Iterator<Item = usize> {
        (0..self.memory.layout.rows.div_ceil(64)).flat_map(move |word| {
            // Rows are many, and few are interested: an append looks at no others.
            let mut bits = self.memory.interest_bits(index, word).get();
            std::iter::from_fn(move || {
                let bit = bits.checked_ilog2()?;
                bits ^= 1 << bit;
                Some(word * 64 + bit as usize)
            })
        })
    }
}
