//! How much a stream takes: what BANDWIDTH and AVERAGE-BANDWIDTH say (bis, §4.4.6.2).

use super::SECOND;
use std::collections::VecDeque;

/// Measures segments as they come. The peak is that of any run of them that lasts between a half and one and a half of the target
/// duration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// Microseconds.
    target: u64,
    /// The last ones, bytes and microseconds, as many as a run may have.
    recent: VecDeque<(u64, u64)>,
    peak: u64,
    bytes: u64,
    micros: u64,
}

/// A run has no more segments than this, however short they are.
const LONGEST: usize = 64;

impl Bandwidth {
    /// For segments of a playlist with that target duration, in seconds.
    pub fn new(target_duration: u64) -> Bandwidth {
        Bandwidth { target: target_duration.saturating_mul(SECOND), ..Bandwidth::default() }
    }

    /// Counts a segment.
    pub fn add(&mut self, bytes: u64, micros: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.micros = self.micros.saturating_add(micros);
        self.recent.push_back((bytes, micros));
        if self.recent.len() > LONGEST {
            self.recent.pop_front();
        }
        let (mut bytes, mut micros, mut used) = (0u64, 0u64, 0);
        for (more, longer) in self.recent.iter().rev() {
            let run = micros.saturating_add(*longer);
            if run > self.target.saturating_add(self.target / 2) {
                break;
            }
            (bytes, micros, used) = (bytes.saturating_add(*more), run, used + 1);
            if micros >= self.target / 2 {
                self.peak = self.peak.max(rate(bytes, micros));
            }
        }
        // No later run goes back farther than this one, but for the segment that comes then.
        self.recent.drain(..self.recent.len() - used.max(1));
    }

    /// Bits a second at most; the average, as long as no run was long enough.
    pub fn peak(&self) -> u64 {
        self.peak.max(self.average())
    }

    /// Bits a second over all.
    pub fn average(&self) -> u64 {
        rate(self.bytes, self.micros)
    }

    /// What to announce for a live stream: a quarter more than its peak so far, in steps of about a quarter, so that it hardly ever
    /// changes.
    pub fn announced(&self) -> u64 {
        const STEPS: [u64; 10] = [100, 125, 150, 200, 250, 300, 400, 500, 600, 800];
        let wanted = self.peak().saturating_mul(5) / 4;
        let mut unit = 1u64;
        loop {
            let mut steps = STEPS.iter().map(|step| step.saturating_mul(unit));
            if let Some(step) = steps.find(|step| *step >= wanted) {
                return step;
            }
            unit = unit.saturating_mul(10);
        }
    }
}

fn rate(bytes: u64, micros: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(SECOND);
    u64::try_from(bits.div_ceil(u128::from(micros.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks() {
        let mut measured = Bandwidth::new(4);
        // 1 s is less than half of it: no run yet, the average counts.
        measured.add(1_000_000, SECOND);
        assert_eq!((measured.peak(), measured.average()), (8_000_000, 8_000_000));
        measured.add(0, SECOND);
        assert_eq!((measured.peak(), measured.average()), (4_000_000, 4_000_000));
        // 6 s at most: with these four, but not with the first two.
        measured.add(500_000, 4 * SECOND);
        assert_eq!(measured.peak(), 4_000_000);
        measured.add(3_000_000, 2 * SECOND);
        assert_eq!((measured.peak(), measured.average()), (12_000_000, 4_500_000));
        assert_eq!(measured.announced(), 15_000_000);
        measured.add(1, 2 * SECOND);
        assert_eq!((measured.peak(), measured.announced()), (12_000_000, 15_000_000));
        let mut wild = Bandwidth::new(u64::MAX);
        (0..200).for_each(|_| wild.add(u64::MAX, u64::MAX));
        wild.add(u64::MAX, 0);
        wild.announced();
        assert_eq!(Bandwidth::new(0).announced(), 100);
    }
}
