//! A stream's clock, which goes on when its publisher's starts again.

use crate::publish::resume::Last;

/// A track that goes back further than this has started again: no frame is longer. Up to here it stands still.
const BACK_MS: i32 = 100;
/// A track that is further ahead than this, and than the time that has passed, has started again, too: players would wait
/// for what lies between.
const AHEAD_MS: i32 = 5000;
/// Data that differs from the frames by so much says nothing of its time.
const ASIDE_MS: i32 = 3000;

/// From the publisher's clock to the stream's. Within a track the stream's never goes back, and it never goes far ahead
/// of the time that passes.
pub struct Clock {
    /// What is added to the publisher's times, as the track has it that started again last.
    offset: u32,
    /// What the stream's clock is to be at the publisher's first message.
    begin: Option<u32>,
    /// The stream's clock at the newest message.
    last: Option<u32>,
    /// Video, and audio: those of some encoders began apart, and when both start again one of them does so first.
    tracks: [Track; 2],
}

#[derive(Clone, Copy, Default)]
struct Track {
    offset: u32,
    /// The stream's clock at the newest frame, and the zone's time then.
    last: Option<(u32, u64)>,
}

impl Track {
    /// Whether a frame may have this time. `newest`: that of the newest frame of either track, up to which one that has
    /// paused may catch up.
    fn takes(&self, stream: u32, newest: Option<u32>, now: u64) -> bool {
        let Some((last, at)) = self.last else { return true };
        let step = stream.wrapping_sub(last) as i32;
        let passed = i32::try_from(now.saturating_sub(at)).unwrap_or(i32::MAX);
        let behind = newest.map_or(0, |newest| newest.wrapping_sub(last) as i32);
        step >= -BACK_MS && step <= AHEAD_MS.saturating_add(passed.max(behind))
    }
}

impl Clock {
    /// Of a stream that begins, or is resumed behind `last`. `now`: the zone's milliseconds.
    pub fn new(last: &Last, resumed: bool, now: u64) -> Clock {
        // What has passed meanwhile has passed for the players, too.
        let passed =
            |(time, at): (u32, u64)| time.wrapping_add(now.saturating_sub(at).max(1) as u32);
        let begin = last.frame.filter(|_| resumed).map(passed);
        Clock { offset: 0, begin, last: None, tracks: [Track::default(); 2] }
    }

    /// The stream's time of data, which many send at zero whenever it comes: it sets no clock.
    pub fn aside(&self, time: u32) -> u32 {
        let stream = time.wrapping_add(self.offset);
        match (self.begin, self.last) {
            (Some(begin), _) => begin,
            (None, Some(last)) if (stream.wrapping_sub(last) as i32) < 0 => last,
            (None, Some(last)) if stream.wrapping_sub(last) as i32 >= ASIDE_MS => last,
            _ => stream,
        }
    }

    /// The stream's time of a frame.
    pub fn stream(&mut self, time: u32, now: u64, is_audio: bool) -> u32 {
        if let Some(begin) = self.begin.take() {
            self.offset = begin.wrapping_sub(time);
        }
        let track = &mut self.tracks[usize::from(is_audio)];
        if track.last.is_none() {
            track.offset = self.offset;
        }
        // As before; as the other track, which has started again; or over the end of FLV's times, from which many take
        // theirs and which have 31 bits.
        let half = 1 << 31;
        let offsets = [track.offset, self.offset, track.offset.wrapping_add(half)];
        let fit = offsets
            .into_iter()
            .find(|offset| track.takes(time.wrapping_add(*offset), self.last, now));
        let offset = fit.unwrap_or_else(|| {
            let next = track
                .last
                .map_or(time, |(last, at)| last.wrapping_add(now.saturating_sub(at).max(1) as u32));
            next.wrapping_sub(time)
        });
        if offset != track.offset {
            (track.offset, self.offset) = (offset, offset);
        }
        let mut stream = time.wrapping_add(offset);
        if let Some((last, _)) = track.last
            && (stream.wrapping_sub(last) as i32) < 0
        {
            stream = last;
        }
        track.last = Some((stream, now));
        if self.last.is_none_or(|last| stream.wrapping_sub(last) as i32 >= 0) {
            self.last = Some(stream);
        }
        stream
    }

    /// The stream's time at its newest frame.
    pub fn newest(&self) -> u32 {
        self.last.unwrap_or(0)
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
        let mut again = Clock::new(&last, false, 70_400);
        assert_eq!(again.stream(900, 70_400, false), 900);
    }

    #[test]
    fn a_clock_that_starts_again_goes_on_one_that_jitters_passes() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(100_000, 1_000, false), 100_000);
        assert_eq!(clock.stream(99_980, 1_010, true), 99_980, "audio behind video");
        assert_eq!(
            clock.stream(99_960, 1_020, false),
            100_000,
            "less than a frame: it stands still"
        );
        assert_eq!(clock.stream(0, 1_040, false), 100_020, "the encoder started again");
        assert_eq!(clock.stream(40, 1_080, false), 100_060);
        assert_eq!(clock.stream(50, 1_090, true), 100_070, "its sound, too");
        assert_eq!(clock.aside(0), 100_070);
        assert_eq!(clock.newest(), 100_070);
    }

    /// Sound and pictures step back by two seconds, one of them first, and stay together.
    #[test]
    fn a_small_step_back_is_a_new_beginning() {
        for sound_is_late in [0, 3] {
            let mut clock = Clock::new(&Last::default(), false, 0);
            let (mut newest, mut heard) = (0, 0);
            for n in 0..400_u32 {
                let time = |late: u32| n * 40 - if n >= 200 + late { 2_000 } else { 0 };
                let now = u64::from(n) * 40;
                let picture = clock.stream(time(0), now, false);
                let sound = clock.stream(time(sound_is_late), now, true);
                assert!(picture >= newest && sound >= heard, "{n}");
                assert!(picture - newest <= 80 && sound.saturating_sub(heard) <= 80, "{n}");
                assert!(picture.abs_diff(sound) <= 40, "{n}: {picture} {sound}");
                (newest, heard) = (picture, sound);
            }
        }
    }

    #[test]
    fn a_jump_ahead_is_a_new_beginning_a_pause_is_none() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(1_000, 1_000, false), 1_000);
        assert_eq!(clock.stream(1_010, 1_010, true), 1_010);
        assert_eq!(clock.stream(31_000, 31_000, false), 31_000, "nothing came for half a minute");
        assert_eq!(clock.stream(31_010, 31_010, true), 31_010);
        assert_eq!(clock.stream(3_631_040, 31_040, false), 31_040, "an hour at once");
        assert_eq!(clock.stream(31_040, 31_045, true), 31_040, "its sound has not jumped yet");
        assert_eq!(clock.stream(3_631_080, 31_080, false), 31_080);
        assert_eq!(clock.stream(3_631_063, 31_085, true), 31_063);
        assert_eq!(clock.stream(3_634_000, 31_090, false), 34_000, "a slow picture");
    }

    #[test]
    fn after_fifty_days_the_clock_wraps() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(0xFFFF_FF00, 10, false), 0xFFFF_FF00);
        assert_eq!(clock.stream(0x10, 20, false), 0x10);
        assert_eq!(clock.stream(0x20, 30, false), 0x20);
    }

    #[test]
    fn after_half_of_them_that_of_flv_does() {
        let mut clock = Clock::new(&Last::default(), false, 0);
        assert_eq!(clock.stream(0x7FFF_FFF0, 10, false), 0x7FFF_FFF0);
        assert_eq!(clock.stream(0x7FFF_FFF5, 15, true), 0x7FFF_FFF5);
        assert_eq!(clock.stream(0x10, 42, false), 0x8000_0010);
        assert_eq!(clock.stream(0x7FFF_FFFA, 44, true), 0x7FFF_FFFA, "sound is behind");
        assert_eq!(clock.stream(0x20, 58, true), 0x8000_0020);
        assert_eq!(clock.stream(0x30, 80, false), 0x8000_0030);
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
