//! Sound and pictures are heard and seen together: each frame of a labelled film tells when it was in that, and a segment when it
//! is to be played.

use crate::checker::{Checker, Segment};
use crate::film::LENGTH;
use crate::{times, ts};

/// What stands in a labelled frame.
fn time(frame: &[u8]) -> Option<f64> {
    let mark = b"label ";
    let at = frame.windows(mark.len()).position(|bytes| bytes == mark)? + mark.len();
    let number = std::str::from_utf8(frame.get(at..at + 8)?).ok()?;
    number.parse().ok().map(|ms: f64| ms / 1000.0)
}

/// By how much the frames of a segment are played later than they were in the film, whose beginning comes again and again.
fn delays(segment: &Segment, bytes: &[u8], scale: u32, is_sound: bool) -> Vec<f64> {
    let frames: Vec<(f64, f64)> = match segment.map {
        Some(_) => {
            let all = times::frames(bytes).into_iter();
            all.filter_map(|(at, data)| Some((at as f64 / f64::from(scale), time(data)?))).collect()
        }
        None => {
            let all = ts::packets(bytes).into_iter().filter(|it| it.is_sound == is_sound);
            all.filter_map(|it| Some((it.dts as f64 / 90_000.0, time(&it.payload)?))).collect()
        }
    };
    frames.into_iter().map(|(at, time)| at - time).collect()
}

/// In each segment sound and pictures are less than a frame apart. Of a transport stream there is one playlist.
#[track_caller]
pub fn are_together(pictures: &Checker, sound: &Checker) {
    let mut count = 0;
    for (number, segment, bytes) in pictures.all().filter(|it| !it.1.gap) {
        let Some((_, of_sound, sound)) = sound.all().find(|it| it.0 == number) else { continue };
        if of_sound.gap {
            continue;
        }
        let seen = delays(segment, bytes, 90_000, false);
        let heard = delays(of_sound, sound, 44_100, true);
        let long = f64::from(LENGTH) / 1000.0;
        let apart = |delay: &f64| (delay - seen[0] + long / 2.0).rem_euclid(long) - long / 2.0;
        let most = seen.iter().chain(&heard).map(|delay| apart(delay).abs()).fold(0.0, f64::max);
        // A worker's death may cut off what was sent right behind a key frame.
        assert!(!heard.is_empty() || segment.duration < 0.1, "no sound in {segment:?}");
        assert!(most < 0.040, "{most} s apart in {}", segment.uri);
        count += 1;
    }
    assert!(count > 10, "{count}");
}
