//! Streams made here, cut into segments; and what becomes of them when the segmenter dies at any message.

mod cues;
mod encoders;
mod hostile;
mod invariants;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::cue::Cues;
use crate::part::{DISCONTINUITY, ENDED, Format, Head, INDEPENDENT, LAST};
use crate::segmenter::tracks::Tracks;

/// H.264, 640 by 360, as x264 makes it; AAC-LC, 44.1 kHz, mono.
const AVC: &[u8] = &[
    0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1E, 0xFF, 0xE1, 0, 0x0B, 0x67, 0x42, 0xC0, 0x1E, 0xD9, 0,
    0xA0, 0x2F, 0xF9, 0x61, 0, 1, 0, 4, 0x68, 0xCE, 0x3C, 0x80,
];
const AVC_OTHER: &[u8] = &[
    0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1F, 0xFF, 0xE1, 0, 0x0B, 0x67, 0x42, 0xC0, 0x1F, 0xD9, 0,
    0xA0, 0x2F, 0xF9, 0x61, 0, 1, 0, 4, 0x68, 0xCE, 0x3C, 0x80,
];
const AAC: &[u8] = &[0xAF, 0, 0x12, 0x08];

#[derive(Clone)]
struct Made {
    head: Head,
    tracks: Option<Vec<u8>>,
    cues: Option<Cues>,
    media: [Vec<u8>; 2],
}

#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<Made>>>);

impl Sink for Kept {
    fn part(
        &mut self,
        head: &Head,
        tracks: Option<&Tracks>,
        cues: Option<&Cues>,
        media: &[&[u8]],
    ) -> Given {
        let tracks = tracks.map(|tracks| {
            let mut out = Vec::new();
            tracks.write(&mut out);
            out
        });
        let media = [1, 3].map(|at| media.get(at).map(|media| media.to_vec()).unwrap_or_default());
        self.0.borrow_mut().push(Made { head: *head, tracks, cues: cues.cloned(), media });
        Given::Kept
    }
}

#[derive(Clone)]
enum Came {
    Video(u32, Vec<u8>),
    Audio(u32, Vec<u8>),
    Data(u32, Vec<u8>),
    Pause,
}

/// `seconds` of 25 pictures a second, a key frame every `group`, with sound.
fn stream(seconds: u32, group: u32, with: (bool, bool)) -> Vec<Came> {
    let mut all = Vec::new();
    if with.0 {
        all.push(Came::Video(0, AVC.to_vec()));
    }
    if with.1 {
        all.push(Came::Audio(0, AAC.to_vec()));
    }
    let mut heard = 0;
    for number in 0..seconds * 25 {
        let time = number * 40;
        if with.0 {
            let kind = if number % group == 0 { 0x17 } else { 0x27 };
            let nal = if kind == 0x17 { 0x65 } else { 0x41 };
            let body = [nal, (number >> 8) as u8, number as u8, 0x80];
            all.push(Came::Video(time, [&[kind, 1, 0, 0, 40, 0, 0, 0, 4], &body[..]].concat()));
        }
        while with.1 && heard * 1024 * 10 / 441 <= time {
            let at = heard * 1024 * 10 / 441;
            all.push(Came::Audio(at, vec![0xAF, 1, (heard >> 8) as u8, heard as u8]));
            heard += 1;
        }
    }
    all
}

/// Sound comes so many milliseconds before the pictures that are shown with it: it waits for them.
fn sound_ahead(mut stream: Vec<Came>, ms: u32) -> Vec<Came> {
    stream.sort_by_key(|came| match came {
        Came::Video(time, payload) if payload[1] == 1 => time + ms,
        Came::Audio(time, payload) if payload[1] == 1 => *time,
        _ => 0,
    });
    stream
}

fn options(part: Option<u64>) -> Options {
    Options { fragment: 2000, max_fragment: 20_000, part, format: Some(Format::Cmaf) }
}

fn feed(segmenter: &mut Segmenter<Kept>, stream: &[Came], from: u64) {
    for (seq, came) in (1..).zip(stream).filter(|(seq, _)| *seq > from) {
        let media = |time: &u32| Media {
            seq,
            time: *time,
            // It does not wrap.
            wall: 1_000_000_u64.saturating_add_signed((*time as i32).into()),
            payload: &[],
        };
        match came {
            Came::Video(time, payload) => segmenter.video(&Media { payload, ..media(time) }),
            Came::Audio(time, payload) => segmenter.audio(&Media { payload, ..media(time) }),
            Came::Data(time, payload) => segmenter.data(&Media { payload, ..media(time) }),
            Came::Pause => {
                segmenter.pause();
                segmenter.pass(seq);
            }
        }
    }
}

fn cut(stream: &[Came], part: Option<u64>) -> Vec<Made> {
    let kept = Kept::default();
    let mut segmenter = Segmenter::new(options(part), kept.clone(), 1000, 50);
    feed(&mut segmenter, stream, 0);
    segmenter.end(2_000_000);
    kept.0.take()
}

/// What is in each segment: discontinuities before it, video, audio.
fn segments(parts: &[Made]) -> BTreeMap<u64, (u64, Vec<u8>, Vec<u8>)> {
    let mut all: BTreeMap<u64, (u64, Vec<u8>, Vec<u8>)> = BTreeMap::new();
    for Made { head, media, .. } in parts.iter().filter(|given| !given.head.has(ENDED)) {
        let (discontinuities, video, audio) = all.entry(head.msn).or_default();
        *discontinuities = head.discontinuities;
        video.extend_from_slice(&media[0]);
        audio.extend_from_slice(&media[1]);
    }
    all
}

/// Where the sound of each segment begins, in its units.
fn sounds(parts: &[Made]) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for Made { head, .. } in parts.iter().filter(|given| given.head.audio.len > 0) {
        all.entry(head.msn).or_insert(head.audio.base);
    }
    all
}

/// Where the sound of the newest tracks has ended.
fn sound_end(parts: &[Made]) -> Option<u64> {
    let version = parts.last()?.head.version;
    let sound = parts.iter().rev().map(|given| given.head);
    let mut sound = sound.filter(|head| head.version == version && head.audio.len > 0);
    sound.next().map(|head| head.audio.base + u64::from(head.audio.duration))
}

#[test]
fn segments_begin_with_key_frames_and_have_all() {
    let stream = stream(20, 50, (true, true));
    let parts = cut(&stream, None);
    let segments = segments(&parts);
    assert_eq!(segments.keys().copied().collect::<Vec<u64>>(), (1000..1010).collect::<Vec<u64>>());
    let video: Vec<u8> = segments.values().flat_map(|segment| segment.1.clone()).collect();
    let sent = stream.iter().filter_map(|came| match came {
        Came::Video(_, payload) if payload[1] == 1 => Some(&payload[5..]),
        _ => None,
    });
    assert_eq!(video, sent.collect::<Vec<&[u8]>>().concat());
    for given in &parts[..parts.len() - 1] {
        let head = given.head;
        assert_eq!(head.part == 0, given.tracks.is_some());
        if head.part == 0 {
            assert!(head.has(INDEPENDENT));
            assert_eq!(given.media[0][4], 0x65, "a key frame");
            assert_eq!(head.video.base, (10_000 + (head.msn - 1000) * 2000) * 90);
            assert_eq!(head.wall, 1_000_000 + (head.msn - 1000) * 2000);
        }
        assert_eq!(head.discontinuities, 50);
    }
    assert!(parts.last().is_some_and(|last| last.head.has(ENDED) && last.head.msn == 1010));
    // The first segment decides.
    assert!(parts.iter().filter(|given| given.head.has(LAST)).all(|given| given.head.target == 2));
}

/// Each track's parts follow each other without a gap.
#[test]
fn parts_are_as_long_as_they_say() {
    for part in [200, 333, 500, 1000] {
        let parts = cut(&stream(20, 50, (true, true)), Some(part));
        let mut next = [None, None];
        for Made { head, .. } in parts.iter().filter(|given| !given.head.has(ENDED)) {
            for (track, span, scale) in [(0, head.video, 90_000), (1, head.audio, 44_100)] {
                if span.len == 0 {
                    continue;
                }
                assert!(next[track].is_none_or(|next| next == span.base), "{part} {head:?}");
                next[track] = Some(span.base + u64::from(span.duration));
                let ms = u64::from(span.duration) * 1000 / scale;
                assert!(ms <= part + 45 && ms <= u64::from(head.part_target), "{part}: {ms}");
                let may_be_short = head.has(LAST) || head.has(INDEPENDENT);
                assert!(
                    may_be_short || ms * 100 >= u64::from(head.part_target) * 85,
                    "{part}: {ms} {head:?}"
                );
            }
        }
    }
}

/// A last part of a few frames is taken by players for the end of its segment, and left out.
#[test]
fn the_last_part_is_no_rest() {
    for (group, part) in [(50, 500), (55, 500), (250, 500), (53, 333), (48, 1000), (30, 200)] {
        let parts = cut(&stream(40, group, (true, true)), Some(part));
        // How long segments are is known as soon as one has ended.
        let late = parts.iter().filter(|given| given.head.msn > 1000 && given.head.msn < 1003);
        for Made { head, .. } in late.filter(|given| given.head.has(LAST)) {
            let ms = u64::from(head.video.duration) / 90;
            assert!(ms * 2 >= part, "{group} frames, {part} ms: the last part has {ms} ms");
        }
    }
}

#[test]
fn sound_alone_is_cut_by_time() {
    let parts = cut(&stream(20, 50, (false, true)), None);
    let segments = segments(&parts);
    assert!((9..=11).contains(&segments.len()), "{}", segments.len());
    assert!(parts.iter().all(|given| given.head.has(INDEPENDENT) || given.head.has(ENDED)));
}

#[test]
fn without_key_frames_segments_end_all_the_same() {
    let mut stream = stream(120, 100_000, (true, true));
    let parts = cut(&stream, None);
    assert!(segments(&parts).len() >= 5);
    let largest = parts.iter().map(|given| given.media[0].len()).max();
    assert!(largest.is_some_and(|len| len < 1000), "nothing is collected");
    // Pictures that stop: sound goes on.
    stream.retain(|came| !matches!(came, Came::Video(time, _) if *time > 10_000));
    assert!(segments(&cut(&stream, None)).len() >= 5);
}

#[test]
fn other_tracks_and_pauses_are_discontinuities() {
    let mut all = stream(20, 25, (true, true));
    let half = all.len() / 2;
    let half = half
        + all[half..]
            .iter()
            .position(|came| matches!(came, Came::Video(_, p) if p[0] == 0x17))
            .unwrap_or(0);
    all.insert(half, Came::Video(5000, AVC_OTHER.to_vec()));
    all.insert(half + 300, Came::Pause);
    // The same again changes nothing.
    all.insert(half + 20, Came::Audio(5000, AAC.to_vec()));
    let parts = cut(&all, None);
    let marked: Vec<u64> = parts
        .iter()
        .filter(|given| given.head.has(DISCONTINUITY))
        .map(|given| given.head.discontinuities)
        .collect();
    assert_eq!(marked, [51, 52]);
    let versions: std::collections::BTreeSet<u32> =
        parts.iter().map(|given| given.head.version).collect();
    assert_eq!(versions.len(), 3);
}

#[test]
fn a_clock_that_wraps_goes_on() {
    let mut stream = stream(10, 25, (true, true));
    for came in &mut stream {
        if let Came::Video(time, _) | Came::Audio(time, _) = came {
            *time = time.wrapping_add(u32::MAX - 5000);
        }
    }
    let parts = cut(&stream, None);
    assert!(parts.iter().all(|given| !given.head.has(DISCONTINUITY)));
    let firsts: Vec<&Made> =
        parts.iter().filter(|given| given.head.part == 0 && !given.head.has(ENDED)).collect();
    assert!(
        firsts.windows(2).all(|pair| pair[1].head.video.base - pair[0].head.video.base == 180_000)
    );
}

/// Whoever goes on has the log behind what was done, and the parts that were given out; nothing else.
#[test]
fn killed_at_any_message_nothing_is_missing_or_twice() {
    for (with, part, ahead) in [
        ((true, true), None, 0),
        ((true, true), None, 300),
        ((true, true), Some(400), 0),
        ((true, true), Some(200), 300),
        ((false, true), None, 0),
        ((true, false), Some(300), 0),
        ((true, false), None, 0),
    ] {
        let mut stream = sound_ahead(stream(9, 25, with), ahead);
        let half = stream.len() / 2;
        stream.insert(half, Came::Pause);
        let undisturbed = cut(&stream, part);
        let whole = segments(&undisturbed);
        for killed in 1..stream.len() {
            let kept = Kept::default();
            let mut first = Segmenter::new(options(part), kept.clone(), 1000, 50);
            feed(&mut first, &stream[..killed], 0);
            let done = if first.is_open() { first.given() } else { first.seen() };
            drop(first);
            let parts = kept.0.borrow().clone();
            let Some(last) = parts.last() else { continue };
            let beginning =
                parts.iter().rev().find(|given| given.tracks.is_some()).expect("the first part");
            let tracks =
                Tracks::read(beginning.tracks.as_deref().expect("tracks")).expect("whole").0;
            let mut second = Segmenter::resume(
                options(part),
                kept.clone(),
                (&beginning.head, &last.head),
                Some(tracks),
                last.cues.as_ref(),
                sound_end(&parts),
            );
            // What is let go of in the log is what was done, and no more than the successor can do without.
            let from = second.given();
            assert!(from <= done, "killed at {killed}: from {from}, and only {done} was done");
            feed(&mut second, &stream, from);
            second.end(2_000_000);
            assert_eq!(
                segments(&kept.0.borrow()),
                whole,
                "killed at {killed} of {with:?} {part:?}"
            );
            assert_eq!(sounds(&kept.0.borrow()), sounds(&undisturbed), "killed at {killed}");
            let dates = |parts: &[Made]| -> BTreeMap<u64, u64> {
                let firsts = parts.iter().filter(|made| made.tracks.is_some());
                firsts.map(|made| (made.head.msn, made.head.wall)).collect()
            };
            assert_eq!(dates(&kept.0.borrow()), dates(&undisturbed), "killed at {killed}");
        }
    }
}
