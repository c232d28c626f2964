//! Readers of patterns: they are counted by the beginning of the names, and woken for every channel that matches.
//!
//! A channel's name has as many beginnings as bytes. Each row says which lengths its patterns have, so that an append
//! looks for those alone.

use crate::counts::{CountKind, Counted};
use crate::layout::LENGTHS;
use crate::lock::Locked;
use crate::row::{Attachment, Wakes};

impl Locked<'_> {
    /// Counts the readers of the patterns that a name matches, and notes their rows.
    pub fn wake_patterns(&self, name: &[u8], wakes: &mut Wakes) -> u32 {
        let mut lengths = [0u64; LENGTHS];
        for row in self.used_rows() {
            let of_row = &self.memory.row(row).pattern_lengths;
            lengths.iter_mut().zip(of_row).for_each(|(bits, more)| *bits |= more.get());
        }
        let mut readers = 0u32;
        for len in (0..=name.len()).filter(|len| lengths[len / 64] & 1 << (len % 64) != 0) {
            let pattern = self.counted(CountKind::Pattern, &name[..len]);
            self.counts(pattern, |row, count| {
                readers = readers.saturating_add(count);
                wakes.add(row as u32);
            });
        }
        readers
    }
}

impl Attachment {
    /// Counts a reader of a pattern: from now on this process is woken for what it matches. Gives its readers in all
    /// processes.
    pub fn join_pattern(&self, prefix: &[u8]) -> (Counted, u32) {
        let locked = self.zone.lock();
        let pattern = self.zone.counted(CountKind::Pattern, prefix);
        let readers = self.count_one(&locked, pattern);
        self.count_length(pattern, |count| count + 1);
        (pattern, readers)
    }

    /// It has one less.
    pub fn leave_pattern(&self, pattern: Counted) {
        let locked = self.zone.lock();
        self.count_less(&locked, pattern, 1);
        if !self.has_left() {
            self.count_length(pattern, |count| count.saturating_sub(1));
        }
    }

    fn count_length(&self, pattern: Counted, change: impl FnOnce(u32) -> u32) {
        let len = usize::from(pattern.len);
        let count = self.lengths.change(len, change);
        let bits = &self.zone.memory.row(self.row).pattern_lengths[len / 64];
        let bit = 1 << (len % 64);
        match count {
            0 => bits.set(bits.get() & !bit),
            _ => bits.set(bits.get() | bit),
        }
    }
}
