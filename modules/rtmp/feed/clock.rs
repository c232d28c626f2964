//! A stream's clock, which goes on when its publisher's begins anew.

use crate::grace::Last;

/// A publisher's clock that goes back further than this has begun anew.
const BACK_MS: i32 = 3000;

/// From the publisher's clock to the stream's.
pub struct Clock {
    offset: u32,
    /// What the stream's clock is to be at the publisher's first message.
    begin: Option<u32>,
    /// The stream's clock at the newest message, and the zone's time then.
    last: Option<(u32, u64)>,
    /// The stream's clock at the newest frame of video, and of audio: those of some encoders began apart.
    kinds: [Option<u32>; 2],
}

impl Clock {
    /// Of a stream that begins, or is resumed behind `last`. `now`: the zone's milliseconds.
    pub fn new(last: &Last, resumed: bool, now: u64) -> Clock {
        // What has passed meanwhile has passed for the players, too.
        let passed =
            |(time, at): (u32, u64)| time.wrapping_add(now.saturating_sub(at).max(1) as u32);
        let begin = last.frame.filter(|_| resumed).map(passed);
        Clock { offset: 0, begin, last: None, kinds: [None; 2] }
    }

    /// The stream's time of data, which many send at zero whenever it comes: it sets no clock.
    pub fn aside(&self, time: u32) -> u32 {
        let stream = time.wrapping_add(self.offset);
        match (self.begin, self.last) {
            (Some(begin), _) => begin,
            (None, Some((last, _))) if (stream.wrapping_sub(last) as i32) < 0 => last,
            (None, Some((last, _))) if stream.wrapping_sub(last) as i32 >= BACK_MS => last,
            _ => stream,
        }
    }

    /// The stream's time of a frame.
    pub fn stream(&mut self, time: u32, now: u64, is_audio: bool) -> u32 {
        if let Some(begin) = self.begin.take() {
            self.offset = begin.wrapping_sub(time);
        }
        let mut stream = time.wrapping_add(self.offset);
        let kind = &mut self.kinds[usize::from(is_audio)];
        if let Some((last, at)) = self.last
            && kind.is_some_and(|last| (stream.wrapping_sub(last) as i32) < -BACK_MS)
        {
            let next = last.wrapping_add(now.saturating_sub(at).max(1) as u32);
            self.offset = next.wrapping_sub(time);
            stream = next;
        }
        *kind = Some(stream);
        let newer = self.last.is_none_or(|(last, _)| stream.wrapping_sub(last) as i32 >= 0);
        if newer {
            self.last = Some((stream, now));
        }
        stream
    }

    /// The stream's time at its newest frame.
    pub fn newest(&self) -> u32 {
        self.last.map_or(0, |(time, _)| time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_that_comes_back_goes_on() {
        let last = Last { frame: Some((5_000, 70_000)), ..Last::default() };
        let mut clock = Clock::new(&last, true, 70_400);
        assert_eq!(clock.aside(0), 5_400, "metadata does not set the clock");
        assert_eq!(clock.stream(900, 70_400, false), 5_400);
        assert_eq!(clock.stream(940, 70_440, false), 5_440);
        let mut anew = Clock::new(&last, false, 70_400);
        assert_eq!(anew.stream(900, 70_400, false), 900);
    }

    #[test]
    fn a_clock_that_begins_anew_goes_on_one_that_jitters_passes() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(100_000, 1_000, false), 100_000);
        assert_eq!(clock.stream(99_980, 1_010, true), 99_980, "audio behind video");
        assert_eq!(clock.stream(0, 1_040, false), 100_040, "the encoder began anew");
        assert_eq!(clock.stream(40, 1_080, false), 100_080);
        assert_eq!(clock.stream(3_600_000, 1_120, false), 3_700_040, "a jump forward passes");
        assert_eq!(clock.aside(0), 3_700_040);
        assert_eq!(clock.newest(), 3_700_040);
    }

    #[test]
    fn after_fifty_days_the_clock_wraps() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(0xFFFF_FF00, 10, false), 0xFFFF_FF00);
        assert_eq!(clock.stream(0x10, 20, false), 0x10);
        assert_eq!(clock.stream(0x20, 30, false), 0x20);
    }

    #[test]
    fn sound_and_pictures_that_began_apart_stay_so() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        for n in 0..10 {
            assert_eq!(clock.stream(90_000 + n * 40, 40, false), 90_000 + n * 40);
            assert_eq!(clock.stream(n * 23, 40, true), n * 23);
        }
    }
}
