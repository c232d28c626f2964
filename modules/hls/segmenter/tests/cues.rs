//! Cues in the segmenter: they cut, and none is lost or happens twice, whenever it dies.

use proto::rtmp::amf::{self, Value};

use super::hostile::{ALL, Rig, UNIX, with};
use super::*;
use crate::cue::Action;

/// A cue point of this name, that does this.
fn payload(id: &str, what: &str, duration: f64) -> Vec<u8> {
    let mut payload = Vec::new();
    amf::string(&mut payload, b"onCuePoint");
    let members =
        vec![(&b"id"[..], id.into()), (b"cue", what.into()), (b"duration", duration.into())];
    Value::Object(members).encode(&mut payload);
    payload
}

fn time_of(came: &Came) -> u32 {
    match came {
        Came::Video(time, _) | Came::Audio(time, _) | Came::Data(time, _) => *time,
        Came::Pause => 0,
    }
}

/// Puts a cue before the message at this place.
fn put(stream: &mut Vec<Came>, place: usize, payload: Vec<u8>) {
    let time = time_of(&stream[place]);
    stream.insert(place, Came::Data(time, payload));
}

/// The place of the first picture that is there then.
fn picture(stream: &[Came], at: u32) -> usize {
    let is_it =
        |came: &Came| matches!(came, Came::Video(time, body) if *time >= at && body[1] == 1);
    stream.iter().position(is_it).expect("a picture")
}

/// What happens with a segment: the break before it and how long that has lasted; cues and their dates.
#[derive(Debug)]
struct Happened {
    before: Option<String>,
    elapsed: u64,
    marks: Vec<(Action, Option<String>)>,
    dates: Vec<u64>,
}

impl Happened {
    /// Whoever goes on behind sound knows in which millisecond that ended, and no less.
    fn is_same(&self, other: &Happened) -> bool {
        let mut dates = self.dates.iter().zip(&other.dates);
        self.before == other.before
            && self.marks == other.marks
            && self.elapsed.abs_diff(other.elapsed) <= 2
            && dates.all(|(one, other)| one.abs_diff(*other) <= 2)
    }
}

/// By segments.
fn happened(parts: &[Made]) -> BTreeMap<u64, Happened> {
    let firsts = || parts.iter().filter(|made| made.tracks.is_some());
    let walls: BTreeMap<u64, u64> = firsts().map(|made| (made.head.msn, made.head.wall)).collect();
    let mut all = BTreeMap::new();
    for (msn, cues) in firsts().filter_map(|made| Some((made.head.msn, made.cues.as_ref()?))) {
        let before = cues.before.as_ref();
        let is_date = |wall: &u64| before.is_some_and(|before| before.start == *wall);
        let begun = before.and_then(|before| walls.get(&before.msn));
        assert!(begun.is_none_or(is_date), "its segment's date");
        let told = Happened {
            before: before.map(|before| before.id()),
            elapsed: before.map_or(0, |before| before.elapsed),
            marks: cues.marks.iter().map(|cue| (cue.action, cue.id.clone())).collect(),
            dates: cues.marks.iter().map(|cue| cue.wall).collect(),
        };
        if told.before.is_some() || !told.marks.is_empty() {
            all.insert(msn, told);
        }
    }
    all
}

fn begins(parts: &[Made]) -> Vec<u64> {
    let firsts = parts.iter().filter(|made| made.tracks.is_some());
    firsts.map(|made| made.head.wall - 1_000_000).collect()
}

#[test]
fn breaks_begin_and_end_with_key_frames() {
    for part in [None, Some(400)] {
        // A key frame a second, segments of two.
        let mut stream = stream(20, 25, (true, true));
        let place = picture(&stream, 5000) - 1;
        put(&mut stream, place, payload("a", "splice_out", 5.0));
        let parts = cut(&stream, part);
        // The cue comes before the key frame at 5 s; and five seconds behind that the break is over.
        let begun = begins(&parts);
        assert_eq!(begun[..7], [0, 2000, 4000, 5000, 7000, 9000, 10_000], "{part:?}");
        let happened = happened(&parts);
        let of = |msn| happened.get(&msn).map(|it| it.marks.iter().map(|it| it.0).collect());
        assert_eq!(of(1003), Some(vec![Action::Out]));
        assert_eq!(of(1006), Some(vec![Action::In]));
        assert_eq!(happened.keys().copied().collect::<Vec<u64>>(), [1003, 1004, 1005, 1006]);
        assert!(parts.iter().all(|made| made.head.target == 2 || made.head.msn == 1000));
    }
}

#[test]
fn a_cue_right_behind_the_key_frame_is_of_its_segment() {
    let mut stream = stream(20, 50, (true, true));
    let place = picture(&stream, 6000) + 1;
    stream.insert(place, Came::Data(6000, payload("a", "splice_out", 0.0)));
    let happened = happened(&cut(&stream, None));
    assert_eq!(happened.keys().next(), Some(&1003));
}

#[test]
fn moments_cut_nothing_and_have_their_own_date() {
    let mut stream = stream(20, 25, (true, true));
    let undisturbed = begins(&cut(&stream, None));
    let place = picture(&stream, 5040);
    put(&mut stream, place, payload("a", "goal", 0.0));
    let parts = cut(&stream, None);
    assert_eq!(begins(&parts), undisturbed);
    let told: Vec<Happened> = happened(&parts).into_values().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].marks, [(Action::Mark, Some("a".to_owned()))]);
    assert_eq!(told[0].dates, [1_005_040]);
}

/// Segments are no shorter than they are counted, and no longer than playlists say.
#[test]
fn many_cues_make_few_segments() {
    for (group, with) in
        [(1, (true, true)), (25, (true, true)), (1000, (true, false)), (1, (false, true))]
    {
        for part in [None, Some(300)] {
            let mut stream = stream(30, group, with);
            for number in (0..stream.len()).rev() {
                let what = if number % 2 == 0 { "splice_out" } else { "splice_in" };
                put(&mut stream, number, payload(&number.to_string(), what, (number % 3) as f64));
            }
            let parts = cut(&stream, part);
            let begun = begins(&parts);
            assert!(begun.windows(2).all(|pair| pair[1] >= pair[0] + 990), "{group} {begun:?}");
            let target = parts[parts.len() - 2].head.target;
            let most = u64::from(target) * 1000 + 525;
            assert!(begun.windows(2).all(|pair| pair[1] <= pair[0] + most), "{group} {begun:?}");
            let most = parts
                .iter()
                .filter_map(|made| made.cues.as_ref())
                .map(|it| it.marks.len().max(it.waiting.len()));
            assert!(most.max().is_some_and(|most| most <= crate::cue::MOST + 1));
        }
    }
}

/// Cues at any time, of any number and length: the rules of playlists hold after each part.
#[test]
fn cues_break_no_rule_of_playlists() {
    for (part, format) in ALL {
        for every in [1, 7, 60] {
            let mut rig = Rig::new(with(part, format));
            rig.headers();
            for number in 0..60 * 25_u32 {
                let time = number * 40;
                let wall = UNIX + u64::from(time);
                if number % every == 0 {
                    let what = ["splice_out", "splice_in", "goal"][(number / every) as usize % 3];
                    let seconds = f64::from(number % 5);
                    // Some are of another time altogether.
                    let at = if number % 4 == 0 { time.wrapping_mul(77) } else { time };
                    rig.data(at, wall, &payload(&number.to_string(), what, seconds));
                }
                rig.picture(time, wall, number % 30 == 0);
                rig.sound(time, wall);
                rig.sound(time + 20, wall);
            }
            assert!(rig.segments() <= 60, "{} segments in a minute", rig.segments());
            assert_eq!(rig.discontinuities(), 0);
            let zone = rig.end();
            let seen = zone.0.borrow();
            let timeline = seen.timeline.as_ref().expect("parts");
            let all = timeline.segments.iter().filter_map(|segment| segment.cues.as_ref());
            let dates = all.flat_map(|cues| &cues.marks).map(|cue| cue.wall);
            let near = |wall: u64| wall == 0 || wall.abs_diff(UNIX) <= 70_000;
            assert!(dates.into_iter().all(near), "a date is near the time at which it came");
        }
    }
}

/// Whoever goes on has the log behind what was done, and the newest part.
fn killed(stream: &[Came], at: usize, part: Option<u64>) -> Option<Vec<Made>> {
    let kept = Kept::default();
    let mut first = Segmenter::new(options(part), kept.clone(), 1000, 50);
    feed(&mut first, &stream[..at], 0);
    drop(first);
    let parts = kept.0.borrow().clone();
    let last = parts.last()?;
    let beginning = parts.iter().rev().find(|given| given.tracks.is_some())?;
    let tracks = Tracks::read(beginning.tracks.as_deref()?)?.0;
    let (heads, cues) = ((&beginning.head, &last.head), last.cues.as_ref());
    let sound = sound_end(&parts);
    let mut second =
        Segmenter::resume(options(part), kept.clone(), heads, Some(tracks), cues, sound);
    let from = second.given();
    feed(&mut second, stream, from);
    second.end(2_000_000);
    let made = kept.0.borrow().clone();
    Some(made)
}

/// It makes no difference that somebody died at any message.
fn survives(stream: &[Came], part: Option<u64>, cues: usize) {
    let undisturbed = cut(stream, part);
    let wanted = happened(&undisturbed);
    let marks: usize = wanted.values().map(|it| it.marks.len()).sum();
    assert_eq!(marks, cues, "{part:?}: {wanted:?}");
    for at in 1..stream.len() {
        let Some(made) = killed(stream, at, part) else { continue };
        let told = happened(&made);
        let mut pairs = told.iter().zip(&wanted);
        let same = pairs.all(|(told, wanted)| told.0 == wanted.0 && told.1.is_same(wanted.1));
        let is_same = same && told.len() == wanted.len();
        assert!(is_same, "killed at {at} of {part:?}: {told:?} {wanted:?}");
        assert_eq!(segments(&made), segments(&undisturbed), "killed at {at} of {part:?}");
    }
}

#[test]
fn killed_at_any_message_no_cue_is_missing_or_happens_twice() {
    for (with, part, ahead) in [
        ((true, true), None, 0),
        ((true, true), None, 300),
        ((true, true), Some(400), 0),
        ((true, true), Some(200), 300),
        ((false, true), None, 0),
        ((true, false), Some(300), 0),
    ] {
        let plain = sound_ahead(stream(9, 25, with), ahead);
        for place in (1..plain.len() * 3 / 4).step_by(61) {
            let mut stream = plain.clone();
            put(&mut stream, place + 33, payload("c", "goal", 0.0));
            put(&mut stream, place + 30, payload("a", "splice_in", 0.0));
            put(&mut stream, place, payload("a", "splice_out", 3.0));
            let half = stream.len() / 2;
            stream.insert(half, Came::Pause);
            survives(&stream, part, 3);
        }
    }
}

/// Sound waits that came before the cue, which has happened meanwhile: both come again to whoever goes on.
#[test]
fn a_cue_that_comes_again_with_sound_that_waited_is_known() {
    for before in 0..4 {
        let mut stream = sound_ahead(stream(9, 25, (true, true)), 700);
        for at in [3000, 6000] {
            let place = picture(&stream, at) - before;
            put(&mut stream, place, payload(&at.to_string(), "goal", 0.0));
        }
        survives(&stream, Some(200), 2);
    }
}

#[test]
fn the_end_of_a_stream_ends_its_break() {
    let kept = Kept::default();
    let mut all = stream(6, 25, (true, true));
    let place = picture(&all, 3000);
    put(&mut all, place, payload("a", "splice_out", 0.0));
    let mut segmenter = Segmenter::new(options(None), kept.clone(), 1000, 50);
    feed(&mut segmenter, &all, 0);
    segmenter.end(2_000_000);
    let parts = kept.0.borrow().clone();
    let last = parts.last().expect("a part");
    assert!(last.head.has(ENDED) && happened(&parts).len() >= 2);
    // Somebody publishes again, here or in another process.
    let other = Kept::default();
    let (head, cues) = (&last.head, last.cues.as_ref());
    let second = Segmenter::resume(options(None), other.clone(), (head, head), None, cues, None);
    for (mut segmenter, kept) in [(segmenter, kept), (second, other)] {
        kept.0.borrow_mut().clear();
        for (seq, came) in (1000..).zip(stream(3, 25, (true, true))) {
            let (time, payload) = match &came {
                Came::Video(time, payload) | Came::Audio(time, payload) => (*time, payload),
                _ => continue,
            };
            let media = Media { seq, time, wall: 3_000_000 + u64::from(time), payload };
            match came {
                Came::Video(..) => segmenter.video(&media),
                _ => segmenter.audio(&media),
            }
        }
        segmenter.end(4_000_000);
        let told: Vec<_> = happened(&kept.0.borrow()).into_values().collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].marks.iter().map(|it| it.0).collect::<Vec<Action>>(), [Action::In]);
    }
}
