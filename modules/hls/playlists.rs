//! From what there is of a stream to its playlists.

use proto::hls::{Audio, Kind, Media, Part, Report, Segment as Listed, Variant};

use crate::cue::Listing;
use crate::part::{Format, Track};
use crate::timeline::{LEAST_MS, SHORTER_MS, SHORTEST_TARGETS, Segment, Timeline};

/// The names in a playlist.
pub trait Names {
    /// A segment.
    fn segment(&self, segment: &Segment) -> String;

    /// A part of one.
    fn part(&self, segment: &Segment, part: u64) -> String;

    /// What a decoder needs first; `None`: segments have that in them.
    fn init(&self, segment: &Segment) -> Option<String>;

    /// What a segment is encrypted with.
    fn key(&self, segment: &Segment) -> Option<proto::hls::Key>;

    /// Whether nothing can be had of a segment.
    fn is_lost(&self, _: &Segment) -> bool {
        false
    }
}

/// Parts are shown of the newest so many target durations, and of what is open.
const PARTS_TARGETS: u64 = 3;

/// Which segments are in playlists of so many milliseconds; with `event` all. [`Kept`](crate::timeline) knows that none is longer.
pub fn listed(timeline: &Timeline, playlist: u64, event: bool) -> usize {
    let least = SHORTEST_TARGETS * 1000 * u64::from(timeline.target);
    let (mut total, mut told, mut count) = (0, 0, 0);
    for segment in timeline.segments.iter().rev() {
        // Sound that is there now and then makes no playlist longer.
        let is_enough = told >= least || total >= least + SHORTER_MS;
        if !event && segment.whole && total >= playlist && is_enough {
            break;
        }
        if segment.whole {
            total += segment.duration_ms().max(LEAST_MS);
            told += segment.least_ms();
        }
        count += 1;
    }
    timeline.segments.len() - count
}

/// The playlist of a track. `None`: there is nothing in it.
pub fn media(
    timeline: &Timeline,
    track: Track,
    names: &dyn Names,
    playlist: u64,
    event: bool,
) -> Option<Media> {
    let first = listed(timeline, playlist, event);
    let segments: Vec<&Segment> = timeline.segments.iter().skip(first).collect();
    let oldest = *segments.first()?;
    if timeline.target == 0 || !segments.iter().any(|segment| segment.has(track)) {
        return None;
    }
    let ended = timeline.ended.is_some();
    let shows_parts = timeline.part_target > 0 && !ended;
    let from = parts_from(&segments, timeline.target);
    let mut listing = Listing::default();
    let shown = segments.iter().enumerate().filter_map(|(at, segment)| {
        let mut listed = list(segment, track, names, timeline.target);
        if let Some(cues) = &segment.cues {
            (listed.dates, listed.splice) = listing.next(cues, segment.msn, segment.wall);
        }
        if shows_parts && at >= from {
            listed.parts = parts(segment, track, names, timeline.part_target);
        }
        (listed.uri.is_some() || !listed.parts.is_empty()).then_some(listed)
    });
    let mut shown: Vec<Listed> = shown.collect();
    // As `of_track` has it; a file that could not be written is a gap, too.
    if segments.last().is_some_and(|newest| newest.whole) {
        shown.pop_if(|newest| newest.gap);
    }
    let hint = shows_parts.then(|| next_part(timeline, track, names)).flatten();
    Some(Media {
        target: timeline.target,
        part_target: shows_parts.then_some(timeline.part_target),
        sequence: oldest.msn,
        discontinuity_sequence: oldest.discontinuities - u64::from(oldest.discontinuity),
        kind: if event { Kind::Event } else { Kind::Live },
        independent: segments.iter().all(|segment| segment.is_independent()),
        earlier: String::new(),
        segments: shown,
        hint,
        reports: Vec::new(),
        skips: false,
        ended,
    })
}

/// The segments that a playlist of a track may have. No list ends with a gap, which is what a publisher leaves that breaks off when a segment has
/// just begun: Shaka gives up where nothing follows one.
pub fn of_track(timeline: &Timeline, track: Track) -> impl DoubleEndedIterator<Item = &Segment> {
    let newest = timeline.segments.back();
    let ends_with_gap = newest.is_some_and(|it| it.whole && it.span(track).0 == 0);
    timeline.segments.iter().take(timeline.segments.len() - usize::from(ends_with_gap))
}

/// How far a playlist of a track is, for the playlists of others.
pub fn report(timeline: &Timeline, track: Track, uri: String) -> Option<Report> {
    let listed = |segment: &&Segment| segment.whole || segment.count_parts(track) > 0;
    let newest = of_track(timeline, track).rev().find(listed)?;
    let part = newest.count_parts(track).checked_sub(1).map(|part| part as u32);
    Some(Report { uri, msn: newest.msn, part })
}

/// `target`: what no length may pass when it is rounded to seconds, though sound that is damaged does.
fn list(segment: &Segment, track: Track, names: &dyn Names, target: u32) -> Listed {
    let (len, duration) = segment.span(track);
    let most = |scale: u32| (u64::from(target) * 1000 + 499) * u64::from(scale) / 1000;
    // Of a segment that was cut short by a loss nothing may be left but frames of one moment.
    let fit = |units: u64, scale: u32| units.clamp(u64::from(scale / 1000), most(scale));
    Listed {
        uri: segment.whole.then(|| names.segment(segment)),
        range: None,
        duration: match len {
            0 => (fit(segment.duration_ms(), 1000), 1000),
            _ => (fit(duration, segment.timescale(track)), segment.timescale(track)),
        },
        wall: segment.wall(track),
        discontinuity: segment.discontinuity,
        // A track may have nothing to say for a while.
        gap: len == 0 || names.is_lost(segment),
        map: names.init(segment),
        map_range: None,
        key: names.key(segment),
        parts: Vec::new(),
        dates: Vec::new(),
        splice: None,
    }
}

/// From which of the segments on their parts are shown.
fn parts_from(segments: &[&Segment], target: u32) -> usize {
    let (mut total, mut from) = (0, segments.len());
    for (at, segment) in segments.iter().enumerate().rev() {
        if total >= PARTS_TARGETS * 1000 * u64::from(target) {
            break;
        }
        total += if segment.whole { segment.duration_ms() } else { 0 };
        from = at;
    }
    from
}

/// While a publisher is gone nothing is listed in its place: hls.js takes the whole segment of a part that is a gap for one that it
/// has, and puts the variant aside. Who waits is told after three target durations that nothing came.
///
/// `target`: the longest that a part may be said to be, in milliseconds. One frame that is longer is a part all the same.
fn parts(segment: &Segment, track: Track, names: &dyn Names, target: u32) -> Vec<Part> {
    let most = u64::from(target) * u64::from(segment.timescale(track)) / 1000;
    let parts = segment.parts.iter().enumerate();
    let parts = parts.filter(|(_, part)| part.span(track).len > 0);
    let parts = parts.map(|(number, part)| Part {
        uri: names.part(segment, number as u64),
        duration: (most.min(part.span(track).duration.into()), segment.timescale(track)),
        independent: part.independent || track == Track::Audio,
    });
    parts.collect()
}

/// The name of the part that comes next.
fn next_part(timeline: &Timeline, track: Track, names: &dyn Names) -> Option<String> {
    let _ = track;
    let newest = timeline.segments.back()?;
    match newest.whole {
        false => Some(names.part(newest, newest.parts.len() as u64)),
        true => {
            let next = Segment { msn: newest.msn + 1, ..newest.clone() };
            Some(names.part(&next, 0))
        }
    }
}

/// What is measured of a stream.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Bits in a second at most.
    pub peak: u64,
    /// On average.
    pub average: u64,
    /// What a client must be able to decode.
    pub codecs: Vec<String>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames in a second.
    pub frame_rate: Option<f64>,
    /// Channels of its sound, if that is by itself.
    pub audio: Option<u8>,
    /// There are pictures.
    pub video: bool,
    /// Every segment begins with a key frame.
    pub independent: bool,
    /// Nothing comes any more.
    pub ended: bool,
}

/// Measures what there is. `None`: no segment is whole.
pub fn measure(timeline: &Timeline) -> Option<Measured> {
    let whole: Vec<&Segment> = timeline.segments.iter().filter(|segment| segment.whole).collect();
    let newest = *whole.last()?;
    let bits = |segment: &&Segment| {
        let bytes = segment.span(Track::Video).0 + segment.span(Track::Audio).0;
        bytes * 8000
    };
    let ms = |segment: &&Segment| segment.duration_ms().max(1);
    let peak = peak(&whole, timeline.target, bits, ms);
    let total: u64 = whole.iter().map(ms).sum();
    let average = whole.iter().map(bits).sum::<u64>() / total.max(1);
    let tracks = &newest.tracks;
    let video = tracks.video.as_ref().map(|video| video.rfc6381());
    let audio = tracks.audio.as_ref().map(|audio| audio.rfc6381());
    let apart = newest.format == Format::Cmaf && tracks.video.is_some();
    Some(Measured {
        // Live, it may grow: with some room, in steps, so that it seldom changes.
        peak: step(peak + peak / 4),
        average: step(average),
        codecs: video.into_iter().chain(audio).collect(),
        resolution: tracks.video.as_ref().map(|video| video.size).filter(|size| size.0 > 0),
        frame_rate: frame_rate(newest),
        audio: tracks.audio.as_ref().filter(|_| apart).map(|audio| audio.channels),
        video: tracks.video.is_some(),
        independent: whole.iter().all(|segment| segment.is_independent()),
        ended: timeline.ended.is_some(),
    })
}

/// The most bits in a second over any run of segments of half to one and a half target durations (RFC 8216 §4.3.4.2).
fn peak(
    segments: &[&Segment],
    target: u32,
    bits: impl Fn(&&Segment) -> u64,
    ms: impl Fn(&&Segment) -> u64,
) -> u64 {
    let (low, high) = (u64::from(target) * 500, u64::from(target) * 1500);
    let mut most = 0;
    for from in 0..segments.len() {
        let (mut sum, mut length) = (0, 0);
        for segment in &segments[from..] {
            sum += bits(segment);
            length += ms(segment);
            if length > high {
                break;
            }
            if length >= low {
                most = most.max(sum / length);
            }
        }
    }
    let longest = segments.iter().map(|segment| bits(segment) / ms(segment)).max().unwrap_or(0);
    if most == 0 { longest } else { most }
}

/// Up to the next of about ten steps in each power of two.
fn step(bits: u64) -> u64 {
    let unit = (bits.next_power_of_two() / 16).max(1000);
    bits.div_ceil(unit) * unit
}

/// As declared, else as counted.
fn frame_rate(segment: &Segment) -> Option<f64> {
    let declared = segment.tracks.video.as_ref().map(|video| video.frame_rate)?;
    let is_declared = declared.is_finite() && declared > 0.0;
    if is_declared { Some(declared) } else { segment.frame_rate() }
}

/// One stream in a master playlist. `attributes`: what an operator says of it.
pub fn variant(
    measured: &Measured,
    attributes: &[String],
    name: impl Fn(Track) -> String,
) -> Variant {
    let main = if measured.video { Track::Video } else { Track::Audio };
    Variant {
        uri: name(main),
        bandwidth: measured.peak,
        average: measured.average,
        codecs: measured.codecs.clone(),
        resolution: measured.resolution,
        frame_rate: measured.frame_rate,
        audio: measured.audio.map(|channels| Audio { uri: name(Track::Audio), channels }),
        attributes: attributes.to_vec(),
    }
}
