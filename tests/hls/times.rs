//! When the frames of a segment are decoded, and whether decoding can begin with it: read here, by nothing that has written it.

use crate::ts::{self, Packet};

/// What a segment's own times are, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When its first frame is decoded.
    pub first: f64,
    /// When its last frame ends; of a transport stream, when that is decoded.
    pub end: f64,
    /// How long a frame is, at most.
    pub frame: f64,
    /// When its first picture is shown, and when its last one is not any more.
    pub shown: (f64, f64),
    /// The sound that is beside pictures: when it begins, when it ends, how long a frame is.
    pub sound: Option<(f64, f64, f64)>,
    /// How long all are, where each tells its own.
    pub length: Option<f64>,
    /// The first is one that needs no other.
    pub key: bool,
}

/// After so many seconds the clock of a transport stream begins again.
pub const TS_WRAP: f64 = (1_u64 << 33) as f64 / 90_000.0;

/// The content of the boxes with this name.
fn boxes<'b>(mut bytes: &'b [u8], name: &str) -> Vec<&'b [u8]> {
    let mut found = Vec::new();
    while let Some(size) = bytes.first_chunk() {
        let size = u32::from_be_bytes(*size) as usize;
        assert!((8..=bytes.len()).contains(&size), "a box of {size} in {} bytes", bytes.len());
        if &bytes[4..8] == name.as_bytes() {
            found.push(&bytes[8..size]);
        }
        bytes = &bytes[size..];
    }
    found
}

fn inner<'b>(bytes: &'b [u8], path: &[&str]) -> &'b [u8] {
    path.iter().fold(bytes, |bytes, name| {
        boxes(bytes, name).first().unwrap_or_else(|| panic!("no {name} of {path:?}"))
    })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// A sample that needs others (ISO/IEC 14496-12 §8.8.3.1).
const NEEDS_OTHERS: u32 = 0x1_0000;

/// What a fragment tells of one of its samples.
struct Sample {
    duration: u32,
    flags: u32,
    size: u32,
    /// How much later it is shown than decoded.
    later: i32,
}

/// The samples of a fragment's track.
fn samples(traf: &[u8]) -> Vec<Sample> {
    let head = inner(traf, &["tfhd"]);
    let (flags, mut at) = (number(head, 0), 8);
    let mut default = |bit: u32, size: usize| {
        let value = (flags & bit != 0).then(|| number(head, at));
        at += if value.is_some() { size } else { 0 };
        value.unwrap_or(0)
    };
    default(1, 8);
    default(2, 4);
    let (duration, length, kind) = (default(8, 4), default(0x10, 4), default(0x20, 4));
    let mut all = Vec::new();
    for run in boxes(traf, "trun") {
        let (flags, count, mut at) = (number(run, 0), number(run, 4), 8);
        let mut take = |bit: u32| {
            let value = (flags & bit != 0).then(|| number(run, at));
            at += if value.is_some() { 4 } else { 0 };
            value
        };
        take(1);
        let first = take(4);
        for sample in 0..count {
            let duration = take(0x100).unwrap_or(duration);
            let size = take(0x200).unwrap_or(length);
            let told = take(0x400);
            let later = take(0x800).unwrap_or(0) as i32;
            let first = first.filter(|_| sample == 0);
            all.push(Sample { duration, flags: first.or(told).unwrap_or(kind), size, later });
        }
    }
    all
}

/// The frames of a segment of one track, with the times at which they are decoded, in its units.
pub fn frames(segment: &[u8]) -> Vec<(u64, &[u8])> {
    let mut all = Vec::new();
    for (fragment, mut data) in boxes(segment, "moof").into_iter().zip(boxes(segment, "mdat")) {
        let traf = inner(fragment, &["traf"]);
        let base = inner(traf, &["tfdt"]);
        let mut at = u64::from(number(base, 4)) << 32 | u64::from(number(base, 8));
        for sample in samples(traf) {
            let (frame, rest) = data.split_at(sample.size as usize);
            all.push((at, frame));
            (data, at) = (rest, at + u64::from(sample.duration));
        }
    }
    all
}

/// Of the first track of fragmented MP4, with what comes before it. `None`: there are no frames in it.
pub fn of_fragments(init: &[u8], segment: &[u8]) -> Option<Times> {
    let track = inner(init, &["moov", "trak", "tkhd"]);
    let track = number(track, if track[0] == 1 { 20 } else { 12 });
    let header = inner(init, &["moov", "trak", "mdia", "mdhd"]);
    let scale = f64::from(number(header, if header[0] == 1 { 20 } else { 12 }));
    let mut times: Option<(u64, u64)> = None;
    let (mut length, mut frame, mut key, mut shown) = (0, 0, false, (i64::MAX, i64::MIN));
    for fragment in boxes(segment, "moof") {
        let all = boxes(fragment, "traf");
        let own = all.into_iter().find(|traf| number(inner(traf, &["tfhd"]), 4) == track);
        let Some(traf) = own else { continue };
        let base = inner(traf, &["tfdt"]);
        let base = u64::from(number(base, 4)) << 32 | u64::from(number(base, 8));
        let all = samples(traf);
        let Some(Sample { flags, .. }) = all.first() else { continue };
        match times {
            None => key = flags & NEEDS_OTHERS == 0,
            Some((_, end)) => assert_eq!(base, end, "fragments follow each other"),
        }
        let mut end = base;
        for Sample { duration, later, .. } in &all {
            let begin = end as i64 + i64::from(*later);
            shown = (shown.0.min(begin), shown.1.max(begin + i64::from(*duration)));
            end += u64::from(*duration);
        }
        frame = all.iter().map(|it| it.duration).max().unwrap_or(0).max(frame);
        length += end - base;
        times = Some((times.map_or(base, |(first, _)| first), end));
    }
    let seconds = |ticks: u64| ticks as f64 / scale;
    times.map(|(first, end)| Times {
        first: seconds(first),
        end: seconds(end),
        frame: seconds(frame.into()),
        shown: (shown.0 as f64 / scale, shown.1 as f64 / scale),
        sound: None,
        length: Some(seconds(length)),
        key,
    })
}

/// Of the pictures of a transport stream, or of its sound if there are none.
pub fn of_packets(segment: &[u8]) -> Option<Times> {
    let (sound, pictures): (Vec<Packet>, Vec<Packet>) =
        ts::packets(segment).into_iter().partition(|packet| packet.is_sound);
    let is_sound = pictures.is_empty();
    let all = if is_sound { &sound } else { &pictures };
    let since = |from: u64, at: u64| at.wrapping_sub(from) & ((1 << 33) - 1);
    let steps = all.windows(2).map(|pair| since(pair[0].dts, pair[1].dts));
    let frame = seconds(steps.max().unwrap_or(3600));
    let first = all.first()?.dts;
    // A picture may be shown before the first is decoded, but not by a second.
    let shown = all.iter().map(|it| seconds(since(first, it.pts + 90_000)) - 1.0 + seconds(first));
    Some(Times {
        first: seconds(first),
        end: seconds(all.last()?.dts),
        frame,
        shown: shown.fold((f64::MAX, 0.0), |all, at| (all.0.min(at), all.1.max(at + frame))),
        sound: if is_sound { None } else { of_sound(&sound) },
        length: None,
        key: is_sound || ts::begins_with_a_key(segment),
    })
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / 90_000.0
}

/// How much later something is than something else, or sooner; the clock may have begun again in between.
fn since(from: f64, at: f64) -> f64 {
    (at - from + TS_WRAP / 2.0).rem_euclid(TS_WRAP) - TS_WRAP / 2.0
}

/// Of packets of sound that follow each other.
fn of_sound(packets: &[Packet]) -> Option<(f64, f64, f64)> {
    let (mut end, mut longest) = (None, 0.0_f64);
    for packet in packets {
        let (frames, frame) = ts::adts(&packet.payload)?;
        let begin = seconds(packet.pts);
        let step = end.map_or(0.0, |end| since(end, begin));
        assert!(step.abs() <= frame * 1.5, "{step} s between packets of sound");
        (end, longest) = (Some(begin + frames * frame), longest.max(frame));
    }
    Some((seconds(packets.first()?.pts), end?, longest))
}

/// What comes `next` goes on where what was before has ended, to a frame: that was said to be so many seconds long.
#[track_caller]
pub fn go_on((told, before): (f64, &Times), next: &Times, name: &str) {
    let told_of = || format!("between {before:?} and {next:?} of {name}");
    let frame = before.frame.max(next.frame);
    let step = since(before.end, next.first);
    let least = if next.length.is_some() { -0.001 } else { frame / 2.0 };
    assert!((least..=frame * 1.5).contains(&step), "{step} s {}", told_of());
    if before.length.is_none() && before.sound.is_some() {
        let length = since(before.first, next.first);
        assert!((length - told).abs() < 0.001, "{length} s, not {told} {}", told_of());
    }
    // Where no group is open, what is shown is continuous as well.
    let step = since(before.shown.1, next.shown.0);
    assert!(!next.key || step.abs() <= frame, "{step} s without a picture {}", told_of());
    if let (Some((_, end, frame)), Some((begin, ..))) = (before.sound, next.sound) {
        let step = since(end, begin);
        assert!(step.abs() <= frame * 1.5, "{step} s of silence {}", told_of());
    }
}
