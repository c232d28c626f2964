//! From what there is of a stream to its playlists.

use proto::hls::{Audio, Kind, Media, Part, Report, Segment as Listed, Variant};

use crate::part::Format;
use crate::timeline::{Segment, Timeline, Track};

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
}

/// Parts are shown of the newest so many target durations, and of what is open.
const PARTS_TARGETS: u64 = 3;
/// As short as a playlist may be, in target durations (RFC 8216 §6.2.2).
const SHORTEST_TARGETS: u64 = 3;

/// Which segments are in playlists of so many milliseconds; with `event` all.
pub fn listed(timeline: &Timeline, playlist: u64, event: bool) -> usize {
    let least = playlist.max(SHORTEST_TARGETS * 1000 * u64::from(timeline.target));
    let (mut total, mut count) = (0, 0);
    for segment in timeline.segments.iter().rev() {
        if !event && segment.whole && total >= least {
            break;
        }
        total += if segment.whole { segment.duration_ms() } else { 0 };
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
    let shown = segments.iter().enumerate().filter_map(|(at, segment)| {
        let mut listed = list(segment, track, names);
        if shows_parts && at >= from {
            listed.parts = parts(segment, track, names);
        }
        (listed.uri.is_some() || !listed.parts.is_empty()).then_some(listed)
    });
    let hint = shows_parts.then(|| next_part(timeline, track, names)).flatten();
    Some(Media {
        target: timeline.target,
        part_target: shows_parts.then_some(timeline.part_target),
        sequence: oldest.msn,
        discontinuity_sequence: oldest.discontinuities - u64::from(oldest.discontinuity),
        kind: if event { Kind::Event } else { Kind::Live },
        independent: segments.iter().all(|segment| is_independent(segment)),
        segments: shown.collect(),
        hint,
        reports: Vec::new(),
        ended,
    })
}

/// How far a playlist of a track is, for the playlists of others.
pub fn report(timeline: &Timeline, uri: String) -> Option<Report> {
    let newest = timeline.segments.back()?;
    let parts = newest.parts.len() as u32;
    match newest.whole || parts > 0 {
        true => Some(Report { uri, msn: newest.msn, part: parts.checked_sub(1) }),
        false => None,
    }
}

fn is_independent(segment: &Segment) -> bool {
    segment.parts.first().is_none_or(|part| part.independent)
}

fn list(segment: &Segment, track: Track, names: &dyn Names) -> Listed {
    let (len, duration) = segment.span(track);
    Listed {
        uri: segment.whole.then(|| names.segment(segment)),
        range: None,
        duration: match len {
            0 => (segment.duration_ms(), 1000),
            _ => (duration, segment.timescale(track)),
        },
        wall: segment.wall(track),
        discontinuity: segment.discontinuity,
        // A track may have nothing to say for a while.
        gap: len == 0,
        map: names.init(segment),
        map_range: None,
        key: names.key(segment),
        parts: Vec::new(),
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

fn parts(segment: &Segment, track: Track, names: &dyn Names) -> Vec<Part> {
    let parts = segment.parts.iter().enumerate();
    let parts = parts.filter(|(_, part)| part.span(track).len > 0);
    let parts = parts.map(|(number, part)| Part {
        uri: names.part(segment, number as u64),
        duration: (part.span(track).duration.into(), segment.timescale(track)),
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
        independent: whole.iter().all(|segment| is_independent(segment)),
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
