//! Exact times of audio. A live stream's are whole milliseconds; a frame of 1024 samples at 44100 Hz lasts 23.22.

/// Counts samples from where a stream began, and begins anew where its milliseconds say something else by more than a
/// frame. A few bytes: whoever goes on elsewhere takes it along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioClock {
    timescale: u32,
    /// Where the last frame began and where it ended.
    last: Option<(u64, u64)>,
}

impl AudioClock {
    /// One of so many ticks a second, which are samples.
    pub fn new(timescale: u32) -> AudioClock {
        AudioClock { timescale, last: None }
    }

    /// One that goes on where the last frame has ended.
    pub fn resume(timescale: u32, end: u64) -> AudioClock {
        AudioClock { timescale, last: Some((end.saturating_sub(1), end)) }
    }

    /// Where a frame begins, in ticks, that has these milliseconds and so many samples.
    ///
    /// A frame that would begin before the one before it is put behind that, so that time never runs backwards; unless it
    /// is a jump of more than a second.
    pub fn at(&mut self, stream_ms: u64, samples: u32) -> u64 {
        let scale = u64::from(self.timescale);
        let told = u128::from(stream_ms) * u128::from(scale) / 1000;
        let told = u64::try_from(told).unwrap_or(u64::MAX);
        let begin = match self.last {
            Some((_, end)) if told.abs_diff(end) <= u64::from(samples) => end,
            Some((begin, end)) if told <= begin && end - told <= scale => begin.saturating_add(1),
            _ => told,
        };
        self.last = Some((begin, begin.saturating_add(samples.into())));
        begin
    }

    /// As bytes, for a record.
    pub fn to_bytes(self) -> [u8; 16] {
        let (begin, end) = self.last.unwrap_or((0, u64::MAX));
        let length = u32::try_from(end - begin).unwrap_or(u32::MAX);
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.timescale.to_be_bytes());
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        bytes[8..].copy_from_slice(&begin.to_be_bytes());
        bytes
    }

    /// From such bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> AudioClock {
        let word =
            |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word));
        let begin = u64::from(word(8)) << 32 | u64::from(word(12));
        let last = (word(4) < u32::MAX).then(|| (begin, begin.saturating_add(word(4).into())));
        AudioClock { timescale: word(0), last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_counted() {
        let mut clock = AudioClock::new(44_100);
        for frame in 0..100_000u64 {
            let ms = 5000 + frame * 1024 * 1000 / 44_100;
            assert_eq!(clock.at(ms, 1024), 220_500 + frame * 1024);
            assert_eq!(AudioClock::from_bytes(clock.to_bytes()), clock);
        }
        let new = AudioClock::new(48_000);
        assert_eq!(AudioClock::from_bytes(new.to_bytes()), new);
    }

    #[test]
    fn a_gap_is_followed_and_time_does_not_run_backwards() {
        let mut clock = AudioClock::new(48_000);
        assert_eq!(clock.at(1000, 1024), 48_000);
        assert_eq!(clock.at(1021, 1024), 49_024);
        assert_eq!(clock.at(2000, 1024), 96_000);
        // Less than a frame too late.
        assert_eq!(clock.at(2035, 1024), 97_024);
        // Again at the same time, and a little earlier: behind it.
        assert_eq!(clock.at(2000, 1024), 97_025);
        assert_eq!(clock.at(2042, 1024), 98_049);
        // From the beginning.
        assert_eq!(clock.at(0, 1024), 0);
        assert_eq!(clock.at(u64::MAX, u32::MAX), u64::MAX);
        clock.at(u64::MAX, u32::MAX);
    }
}
