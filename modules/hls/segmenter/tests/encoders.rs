//! What encoders do: rates of frames, groups of any length, sound that is late, or alone.

use proto::rtmp::message;

use super::hostile::{ALL, Rig, UNIX, with};
use super::*;

/// Parts fit, whatever the rate is, and however it changes; those of the usual length are long enough.
#[test]
fn rates_of_frames() {
    for part in [200, 300, 500, 1000] {
        for (num, den) in [(24, 1), (25, 1), (30_000, 1001), (60, 1), (15, 1)] {
            let mut rig = Rig::new(with(Some(part), None));
            rig.headers();
            for number in 0..num * 30 / den {
                let time = (number * 1000 * den / num) as u32;
                rig.picture(time, UNIX + u64::from(time), number % (2 * num / den) == 0);
                rig.sound(time, UNIX + u64::from(time));
            }
            let at = 30_000;
            // Another rate: the target stays.
            for number in 0..300_u32 {
                let time = at + number * 33;
                rig.picture(time, UNIX + u64::from(time), number % 60 == 0);
            }
            assert!(rig.segments() >= 10, "{part} {num}/{den}: {}", rig.segments());
            assert_eq!(rig.discontinuities(), 0);
            let last = rig.end().0.borrow().last.expect("a part");
            assert!((part..part + 120).contains(&last.part_target.into()), "{}", last.part_target);
        }
    }
}

#[test]
fn sound_that_is_first_begins_no_segment() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        for time in (0..20_000).step_by(23) {
            rig.sound(time, UNIX + u64::from(time));
        }
        assert_eq!(rig.segments(), 0);
        rig.usual(20_000, 9000);
        assert!(rig.discontinuities() == 0 && rig.segments() >= 4);
        let timeline = rig.end().0.take().timeline.expect("parts");
        assert!(timeline.segments.iter().all(|one| one.parts[0].independent));
    }
}

/// The table of a transport stream tells of sound when it is there, and is another one then.
#[test]
fn sound_that_comes_late() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.send(true, 0, UNIX, AVC);
        for time in (0..5000).step_by(40) {
            rig.picture(time, UNIX + u64::from(time), time % 1000 == 0);
        }
        let before = rig.zone.0.borrow().last.expect("a part");
        assert_eq!(before.audio.len, 0);
        rig.send(false, 5000, UNIX + 5000, AAC);
        rig.usual(5000, 6000);
        assert_eq!(rig.discontinuities(), 1);
        let after = rig.zone.0.borrow().last.expect("a part");
        assert!(after.version > before.version);
        assert!(after.format == Format::Cmaf || after.continuity[4] == before.continuity[4] + 1);
        rig.end();
    }
}

#[test]
fn sound_alone_has_frames_of_one_length() {
    let mut rig = Rig::new(with(None, Some(Format::Cmaf)));
    rig.send(false, 0, UNIX, AAC);
    for number in 0..1000_u64 {
        let time = (number * 10_240 / 441) as u32;
        rig.sound(time, UNIX + u64::from(time));
    }
    let timeline = rig.end().0.take().timeline.expect("parts");
    let spans = || timeline.segments.iter().flat_map(|one| &one.parts).map(|part| part.audio);
    assert!(spans().all(|span| span.duration == span.frames * 1024), "the last one, too");
    assert_eq!(spans().map(|span| span.frames).sum::<u32>(), 1000);
}

#[test]
fn groups_of_any_length() {
    for (part, format) in ALL {
        // A thousand key frames a second, and none for an hour.
        for (step, seconds, every) in [(1, 20, 1), (40, 3600, u32::MAX), (1000, 600, 30)] {
            let mut rig = Rig::new(with(part, format));
            rig.send(true, 0, UNIX, AVC);
            for number in 0..seconds * 1000 / step {
                let time = number * step;
                rig.picture(time, UNIX + u64::from(time), number % every == 0);
            }
            assert_eq!(rig.discontinuities(), 0, "{part:?} {step}");
            let segments = rig.segments();
            let most = u64::from(seconds) / 2 + 1;
            assert!((u64::from(seconds) / 21..=most).contains(&segments), "{segments}");
            assert!(!rig.segmenter.is_open() || rig.segmenter.packer.is_some());
            rig.end();
        }
    }
}

#[test]
fn a_stream_of_one_frame() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        rig.picture(0, UNIX, true);
        let timeline = rig.end().0.take().timeline.expect("parts");
        assert_eq!(timeline.segments.len(), 1);
        assert_eq!(timeline.segments[0].duration_ms(), 40);
        assert!(timeline.ended.is_some());
    }
}

/// A last part with nothing in it tells all the same when its segment has ended: whoever goes on begins there.
#[test]
fn a_last_part_that_is_empty_has_its_time() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.send(true, 0, UNIX, AVC);
        for time in (0..=2000).step_by(40) {
            rig.picture(time, UNIX + u64::from(time), time % 2000 == 0);
        }
        let last = rig.zone.0.borrow().last.expect("a part");
        assert!(last.has(LAST));
        let end = last.video.base + u64::from(last.video.duration);
        assert_eq!(end, 12_000 * 90, "{part:?} {format:?}");
    }
}

/// Frames of MP3 are all that tells of it. The sound begins after the pictures, and all of it comes at once: no picture is left
/// out for it, and where it is announced no segment is without it.
#[test]
fn sound_without_a_header() {
    let sound = [&[0x2F, 0xFF, 0xFB, 0x90, 0x64][..], &[0; 40]].concat();
    for is_announced in [false, true] {
        let mut rig = Rig::new(with(None, Some(Format::Cmaf)));
        if is_announced {
            rig.segmenter.announce(message::AUDIO, &sound);
        }
        rig.send(true, 0, UNIX, AVC);
        for time in (0..6000).step_by(40) {
            rig.picture(time, UNIX, time % 840 == 0);
            if time > 60 {
                rig.send(false, time, UNIX, &sound);
            }
        }
        assert_eq!(rig.discontinuities(), u64::from(!is_announced));
        let timeline = rig.end().0.take().timeline.expect("parts");
        let parts = || timeline.segments.iter().flat_map(|one| &one.parts);
        assert_eq!(parts().map(|part| part.video.frames).sum::<u32>(), 150);
        let heard = parts().map(|part| part.audio.frames).sum::<u32>();
        assert!(heard > if is_announced { 147 } else { 100 }, "{heard}");
    }
}
