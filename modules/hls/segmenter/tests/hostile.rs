//! Publishers that mean harm, or whose encoders are ill: the invariants hold whatever they send.

use super::invariants::Zone;
use super::*;

pub const UNIX: u64 = 1_790_000_000_000;

pub struct Rig {
    pub segmenter: Segmenter<Zone>,
    pub zone: Zone,
    seq: u64,
}

impl Rig {
    pub fn new(options: Options) -> Rig {
        let zone = Zone::default();
        let segmenter = Segmenter::new(options, zone.clone(), UNIX / 1000, UNIX / 60_000);
        Rig { segmenter, zone, seq: 0 }
    }

    pub fn send(&mut self, is_video: bool, time: u32, wall: u64, payload: &[u8]) {
        self.seq += 1;
        let media = Media { seq: self.seq, time, wall, payload };
        if is_video { self.segmenter.video(&media) } else { self.segmenter.audio(&media) }
    }

    pub fn data(&mut self, time: u32, wall: u64, payload: &[u8]) {
        self.seq += 1;
        self.segmenter.data(&Media { seq: self.seq, time, wall, payload });
    }

    pub fn headers(&mut self) {
        self.send(true, 0, UNIX, AVC);
        self.send(false, 0, UNIX, AAC);
    }

    pub fn picture(&mut self, time: u32, wall: u64, key: bool) {
        let (kind, nal) = if key { (0x17, 0x65) } else { (0x27, 0x41) };
        self.send(true, time, wall, &[kind, 1, 0, 0, 0, 0, 0, 0, 2, nal, 0x80]);
    }

    pub fn sound(&mut self, time: u32, wall: u64) {
        self.send(false, time, wall, &[0xAF, 1, 1, 2, 3]);
    }

    /// Pictures and sound for so long, at 25 a second, a key frame a second. Gives when they end.
    pub fn usual(&mut self, from: u32, ms: u32) -> u32 {
        for time in (from..from + ms).step_by(40) {
            let wall = UNIX + u64::from(time);
            self.picture(time, wall, (time - from).is_multiple_of(1000));
            self.sound(time, wall);
            self.sound(time + 20, wall);
        }
        from + ms
    }

    pub fn discontinuities(&self) -> u64 {
        self.zone.0.borrow().discontinuities
    }

    pub fn segments(&self) -> u64 {
        self.zone.0.borrow().segments
    }

    pub fn end(mut self) -> Zone {
        self.segmenter.end(UNIX);
        self.zone.0.borrow().playlists();
        self.zone
    }
}

pub fn with(part: Option<u64>, format: Option<Format>) -> Options {
    Options { fragment: 2000, max_fragment: 20_000, part, format }
}

pub const ALL: [(Option<u64>, Option<Format>); 4] =
    [(None, None), (None, Some(Format::Cmaf)), (Some(300), None), (Some(1000), None)];

#[test]
fn two_headers_in_turn_at_one_time_are_no_segments() {
    let mut rig = Rig::new(with(None, None));
    for number in 0..48_000_u64 {
        let wall = UNIX + number / 48;
        rig.send(true, 0, wall, if number % 2 == 0 { AVC } else { AVC_OTHER });
        rig.picture(0, wall, true);
    }
    assert!(rig.segments() <= 3, "{} segments in a second", rig.segments());
    // When it has come to its senses, it is there again.
    let before = rig.segments();
    rig.usual(5000, 6000);
    assert!(rig.segments() >= before + 2);
    rig.end();
}

#[test]
fn a_clock_that_stands_still_fills_no_segment_for_ever() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        let frame = [&[0x27, 1, 0, 0, 0, 0, 0, 0xFF, 0xF8][..], &vec![0x41; 65_528]].concat();
        rig.picture(0, UNIX, true);
        let mut largest = 0;
        for number in 0..6000_u64 {
            rig.send(true, 0, UNIX + number, &frame);
            largest = largest.max(rig.segmenter.packer.as_ref().map_or(0, |it| it.packer.len()));
        }
        assert!(largest < 20 << 20, "{largest} bytes wait");
        let most = rig.zone.0.borrow().largest;
        assert!(most < 340 << 20, "{most} bytes in a segment");
        rig.end();
    }
}

#[test]
fn a_publisher_that_is_silent_leaves_no_long_frame() {
    for (part, format) in ALL {
        for (gap, breaks) in [(7000, 1), (1200, 0)] {
            let mut rig = Rig::new(with(part, format));
            rig.headers();
            let at = rig.usual(0, 10_000);
            let at = rig.usual(at + gap, 10_000);
            assert_eq!(rig.discontinuities(), breaks, "{part:?} {gap}");
            let before = rig.segments();
            // The length of groups is as it was: segments have two seconds again.
            rig.usual(at, 10_000);
            assert!((4..=6).contains(&(rig.segments() - before)), "{}", rig.segments() - before);
            rig.end();
        }
    }
}

#[test]
fn pictures_that_stop_while_sound_goes_on() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        rig.usual(0, 6000);
        for time in (6000..26_000).step_by(23) {
            rig.sound(time, UNIX + u64::from(time));
        }
        assert!(rig.segments() >= 8, "{}", rig.segments());
        rig.usual(26_000, 6000);
        assert_eq!(rig.discontinuities(), 1);
        rig.end();
    }
}

#[test]
fn a_rate_that_no_sound_has_is_no_track() {
    // AAC-LC at 1 Hz, told by 24 bits.
    let strange = [0xAF, 0, 0x17, 0x80, 0, 0, 0x88];
    let mut rig = Rig::new(with(Some(300), None));
    rig.send(false, 0, UNIX, &strange);
    rig.usual(0, 1000);
    assert_eq!(rig.segments(), 0);
    rig.send(true, 0, UNIX, AVC);
    rig.usual(0, 6000);
    let zone = rig.end();
    let last = zone.0.borrow().last.expect("a part");
    assert!((300..400).contains(&last.part_target), "{}", last.part_target);
}

#[test]
fn a_clock_that_jumps_is_a_discontinuity_one_that_wraps_is_none() {
    const HOUR: u32 = 3_600_000;
    for (part, format) in ALL {
        for (from, to, breaks) in [
            (0, HOUR, 1),
            (2 * HOUR, HOUR, 1),
            (10_000, 3_000, 1),
            (u32::MAX - 2000, 0, 0),
            (0x7FFF_FFFF - 5000, 0x8000_0000, 0),
        ] {
            let mut rig = Rig::new(with(part, format));
            rig.headers();
            let long = if breaks == 0 { to.wrapping_sub(from) / 40 * 40 } else { 5000 };
            for step in (0..long).step_by(40) {
                let (time, wall) = (from.wrapping_add(step), UNIX + u64::from(step));
                rig.picture(time, wall, step % 1000 == 0);
                rig.sound(time, wall);
            }
            let again = if breaks == 0 { from.wrapping_add(long) } else { to };
            for step in (0..5000).step_by(40) {
                let wall = UNIX + u64::from(long + step);
                rig.picture(again.wrapping_add(step), wall, (step + 520) % 1000 == 0);
                rig.sound(again.wrapping_add(step), wall);
            }
            assert_eq!(rig.discontinuities(), breaks, "{part:?} {format:?} {from} {to}");
            rig.end();
        }
    }
}

#[test]
fn sound_of_another_clock_is_left_out() {
    let mut rig = Rig::new(with(None, None));
    rig.headers();
    for time in (0..20_000_u32).step_by(40) {
        let wall = UNIX + u64::from(time);
        rig.picture(time, wall, time % 1000 == 0);
        // It goes wrong for ten seconds.
        let off = if (5000..15_000).contains(&time) { 3_600_000 } else { 0 };
        rig.sound(time + off, wall);
    }
    assert_eq!((rig.discontinuities(), rig.segments()), (0, 10));
    rig.end();
}

#[test]
fn a_lost_part_is_a_discontinuity_and_numbers_go_on() {
    for (part, format) in ALL {
        for each in [2, 3, 7] {
            let mut rig = Rig::new(with(part, format));
            rig.zone.0.borrow_mut().loses = Some(each);
            rig.headers();
            rig.usual(0, 30_000);
            let lost = rig.zone.0.borrow().parts / each;
            assert!(lost > 0 && rig.discontinuities() <= lost);
            rig.end();
        }
    }
}

/// What was open has left the zone: what was decided stays, numbers go on, and there is a discontinuity.
#[test]
fn whoever_goes_on_without_what_was_open_begins_anew() {
    for (part, format) in ALL {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        let at = rig.usual(0, 11_500);
        let last = rig.zone.0.borrow().last.expect("a part");
        let zone = rig.zone.clone();
        let segmenter = Segmenter::resume(
            with(Some(9000), None),
            zone.clone(),
            (&last, &last),
            None,
            None,
            None,
        );
        let mut next = Rig { segmenter, zone, seq: rig.seq };
        next.headers();
        next.usual(at, 10_000);
        // The invariants say that targets stay, and that the number is one more.
        assert_eq!(next.discontinuities(), 1);
        next.end();
    }
}

#[test]
fn the_clock_on_the_wall_is_set() {
    for (set, breaks) in [(-3_600_000_i64, 1), (3_600_000, 1), (-2000, 0), (2000, 0)] {
        let mut rig = Rig::new(with(None, Some(Format::Cmaf)));
        rig.headers();
        for time in (0..300_000_u32).step_by(40) {
            let off = if time > 100_000 { set } else { 0 };
            let wall = (UNIX + u64::from(time)).saturating_add_signed(off);
            rig.picture(time, wall, time % 1000 == 0);
        }
        assert_eq!(rig.discontinuities(), breaks, "{set}");
        let last = rig.zone.0.borrow().last.expect("a part");
        let right = UNIX + last.video.base / 90 - 10_000;
        let off = (last.wall as i64 - right as i64 - set).abs();
        assert!(off < 700, "{set}: {off} ms");
        rig.end();
    }
}

/// Whatever comes: times at random, small ones and large ones.
#[test]
fn random_streams_keep_the_rules() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below.max(1)
    };
    for round in 0..200 {
        let (part, format) = ALL[round % 4];
        let options = Options { fragment: [1000, 2000, 5000][round % 3], ..with(part, format) };
        let mut rig = Rig::new(options);
        rig.zone.0.borrow_mut().loses = (round % 5 == 4).then(|| 1 + next(50));
        let tracks = next(4);
        if tracks != 1 {
            rig.send(true, 0, UNIX, AVC);
        }
        if tracks != 2 {
            rig.send(false, 0, UNIX, AAC);
        }
        // How often there are key frames, how time passes, and how often something odd happens.
        let keys = [1, 2, 25, 250, 100_000][next(5) as usize];
        let step = [1, 10, 33, 40, 200, 900, 3000][next(7) as usize];
        let odd = [20, 200, 2000][next(3) as usize];
        let (mut time, mut wall) = (next(1 << 32) as u32, UNIX);
        for number in 0..4000 {
            time = time.wrapping_add(next(2 * step) as u32);
            wall += next(2 * step);
            let mut payload =
                vec![if next(keys) == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0, 0, 0, 0, 2, 0x41, 0x80];
            if next(odd) == 0 {
                match next(10) {
                    0 => time = next(1 << 32) as u32,
                    1 => time = time.wrapping_add(next(20_000) as u32),
                    2 => time = time.wrapping_sub(next(20_000) as u32),
                    3 => wall = wall.saturating_add_signed(next(7_200_000) as i64 - 3_600_000),
                    4 => rig.send(true, time, wall, if number % 2 == 0 { AVC } else { AVC_OTHER }),
                    5 => rig.segmenter.pause(),
                    6 => payload[2..5].copy_from_slice(&(next(1 << 24) as u32).to_be_bytes()[1..]),
                    7 => payload[5..9].copy_from_slice(&(next(1 << 32) as u32).to_be_bytes()),
                    8 => rig.send(false, time, wall, AAC),
                    _ => payload.truncate(next(11) as usize),
                }
            }
            match next(3) {
                0 => rig.sound(time, wall),
                _ => rig.send(true, time, wall, &payload),
            }
        }
        let segmenter = &rig.segmenter;
        assert!(segmenter.held.len() < 1000 && segmenter.given() <= segmenter.seen());
        rig.end();
    }
}

/// Ten hours of pictures and sound, with a clock of their own.
#[test]
fn ten_hours() {
    for (part, format) in [(None, None), (Some(500), None)] {
        let mut rig = Rig::new(with(part, format));
        rig.headers();
        let mut heard = 0_u64;
        for number in 0..10 * 3600 * 25_u64 {
            // The encoder's clock is a thousandth fast, and begins five hours before it wraps.
            let (at, wall) = (number * 40, UNIX + number * 40 * 999 / 1000);
            let time = |at: u64| (at as u32).wrapping_sub(5 * 3_600_000);
            rig.picture(time(at), wall, number % 50 == 0);
            while heard * 10_240 / 441 <= at {
                rig.sound(time(heard * 10_240 / 441), wall);
                heard += 1;
            }
        }
        assert_eq!((rig.discontinuities(), rig.segments()), (0, 18_000));
        let zone = rig.end();
        let last = zone.0.borrow().last.expect("a part");
        assert_eq!(last.video_upto, last.audio_upto, "all is there");
        let timeline = zone.0.take().timeline.expect("parts");
        let newest = timeline.segments.back().expect("a segment");
        let off = newest.wall as i64 - (UNIX + 35_998_000 * 999 / 1000) as i64;
        assert!(off.abs() < 600, "{off} ms");
    }
}

/// Sound whose clock stands still waits for pictures that never come to it: what waits has its bounds, and what is packed.
#[test]
fn sound_that_stands_still() {
    use crate::segmenter::sound::{MOST_FRAMES, MOST_HELD};
    for bytes in [3, 4000] {
        let mut rig = Rig::new(with(None, None));
        rig.headers();
        let from = rig.usual(0, 3000);
        let frame = [&[0xAF, 1][..], &vec![1; bytes]].concat();
        let count = 4 * MOST_FRAMES.max(MOST_HELD / bytes.max(100));
        for number in 0..count {
            rig.send(false, from + 500, UNIX + u64::from(from), &frame);
            let segmenter = &rig.segmenter;
            assert!(segmenter.held.len() <= MOST_FRAMES + 1, "{number}");
            assert!(segmenter.held_bytes <= MOST_HELD + bytes, "{number}");
        }
        rig.usual(from + 1000, 3000);
        let held: usize = rig.segmenter.held.iter().map(|held| held.data.len()).sum();
        assert_eq!(rig.segmenter.held_bytes, held);
        rig.end();
    }
}

/// A group that begins in the middle of a segment does not make the segment one that decoding can begin with.
#[test]
fn groups_that_begin_in_the_middle() {
    let mut rig = Rig::new(with(None, None));
    rig.headers();
    // Groups of 2.8 s do not fit segments of 2 s whose target was decided by shorter ones.
    let from = rig.usual(0, 6000);
    for number in 0..400 {
        let time = from + number * 40;
        rig.picture(time, UNIX + u64::from(time), number % 70 == 0);
    }
    let zone = rig.end();
    let seen = zone.0.borrow();
    let segments = &seen.timeline.as_ref().expect("segments").segments;
    let begins: Vec<bool> = segments.iter().map(|segment| segment.is_independent()).collect();
    assert!(begins.contains(&true) && begins.contains(&false), "{begins:?}");
    let in_the_middle = |segment: &&crate::timeline::Segment| {
        segment.parts[0].independent && !segment.is_independent()
    };
    assert!(segments.iter().any(|segment| in_the_middle(&segment)));
}
