//! From what there is of a stream to its description for DASH.
//!
//! The presentation began in 1970, for all streams and for ever: so a description never says another time than the one
//! before. A period is what has the same tracks and one clock; its times of media are the stream's, and a segment is named
//! by its own.

use proto::dash::{
    AdaptationSet, Addressing, Extent, Latency, Mpd, Period, Reference, Representation, Sort,
    UtcTiming,
};
use proto::fmp4::VIDEO_TIMESCALE;

use crate::part::{Format, Track};
use crate::playlists;
use crate::segmenter::packer::BEGIN_MS;
use crate::timeline::{Segment, Timeline};

/// The names in a description.
pub trait Names {
    /// What decoders need first of a track, of a version of the tracks.
    fn init(&self, track: Track, version: u32) -> String;

    /// Segments of a track, with `$Number$` in it.
    fn numbered(&self, track: Track) -> String;

    /// Segments of a track, of a version of the tracks, with `$Time$` in it: times begin again with each version.
    fn media(&self, track: Track, version: u32) -> String;

    /// Whether nothing can be had of a segment.
    fn is_lost(&self, _: &Segment) -> bool {
        false
    }
}

/// What an application asks for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a segment is, in milliseconds.
    pub fragment: u64,
    /// How much is listed, in milliseconds.
    pub playlist: u64,
    /// Players begin with a segment before it is whole.
    pub low_latency: bool,
}

/// What players that want to be near are told, where segments come in chunks: milliseconds.
#[derive(Clone, Copy)]
struct Near {
    /// The longest chunk.
    chunk: u64,
    /// How far behind they are to be.
    latency: Latency,
}

/// So many chunks a player is behind.
const CHUNKS: u64 = 3;
/// A segment may begin so much earlier or later than it is told that it does, of its length (ISO 23009-1 §5.3.9.2.1).
const TOLERANCE_PERCENT: u64 = 40;

/// What is listed begins earlier than it is long by no more target durations, as long as somebody publishes.
const USUALLY_LATER: u64 = 4;

/// The description. `None`: there is nothing in it that DASH has a place for. `now`: Unix time in milliseconds, for players
/// whose clock is another; `None`: the description will be read at any time.
pub fn manifest(
    timeline: &Timeline,
    settings: Settings,
    names: &dyn Names,
    now: Option<u64>,
) -> Option<String> {
    let first = playlists::listed(timeline, settings.playlist, false);
    let listed = timeline.segments.iter().skip(first);
    let is_there = |it: &&Segment| it.whole && !it.is_gap() && !names.is_lost(it);
    let listed = listed.filter(|it| is_there(it) && it.format == Format::Cmaf);
    let listed: Vec<&Segment> = listed.collect();
    let measured = playlists::measure(timeline)?;
    let newest = listed.last()?;
    let near = near(timeline, settings);
    let periods = listed.chunk_by(|one, other| one.version == other.version);
    let mut periods: Vec<Period> =
        periods.map(|segments| period(segments, &measured, names, near)).collect();
    end_before_the_next(&mut periods);
    let target = u64::from(timeline.target) * 1000;
    let end = steady(newest) + newest.duration_ms();
    // Of the presentation, whose clock the server's is not for ever.
    let now = now.map(|now| beside(now, newest));
    let since = now.unwrap_or(end).saturating_sub(steady(listed[0]));
    let mpd = Mpd {
        extent: match timeline.ended {
            None => Extent::Live { update: settings.fragment },
            Some(_) => Extent::Ended(end),
        },
        availability_start: 0,
        publish_time: timeline.ended.map_or(end, |at| beside(at, newest).max(end)),
        time_shift: time_shift(settings.playlist, since, target),
        presentation_delay: near.map_or(3 * target, |near| near.latency.target),
        max_segment: target,
        min_buffer: near.map_or(settings.fragment, |near| near.chunk),
        latency: near.map(|near| near.latency),
        periods,
        timing: now.map(UtcTiming::Direct),
    };
    Some(mpd.render())
}

/// A period ends with its media, and before the next one begins: nobody may have published in between. The one that goes on has
/// no end.
fn end_before_the_next(periods: &mut [Period]) {
    let mut next = None;
    for period in periods.iter_mut().rev() {
        let room = next.map(|next: u64| next.saturating_sub(period.start));
        period.duration = period.duration.zip(room).map(|(length, room)| length.min(room));
        next = Some(period.start);
    }
}

/// How far players may go back, in milliseconds: as far as `playlist` says, and further if what is listed began longer ago, since nobody has
/// published for a while. What is not told of is gone, and dash.js, which then finds nothing at all, counts times another way for ever.
fn time_shift(playlist: u64, since: u64, target: u64) -> u64 {
    match since > playlist + USUALLY_LATER * target {
        true => since.next_multiple_of(1000),
        false => playlist,
    }
}

/// `None`: segments are got as a whole.
fn near(timeline: &Timeline, settings: Settings) -> Option<Near> {
    let chunk = u64::from(timeline.part_target);
    if !settings.low_latency || chunk == 0 || timeline.ended.is_some() {
        return None;
    }
    let target = CHUNKS * chunk;
    Some(Near { chunk, latency: Latency { target, min: target / 2, max: 2 * target } })
}

/// How long each segment of a period is, in milliseconds, if it can be said of all of them at once.
fn regular(segments: &[&Segment]) -> Option<u64> {
    let first = segments.first()?;
    let length = u64::from(first.regular);
    let track = if first.has(Track::Video) { Track::Video } else { Track::Audio };
    let fits = |segment: &&Segment| {
        let at = segment.base(track) * 1000 / u64::from(segment.timescale(track));
        let told = BEGIN_MS + segment.begun + (segment.msn - segment.first_of_version()) * length;
        at.abs_diff(told) <= length * TOLERANCE_PERCENT / 100
    };
    (length > 0 && segments.iter().all(fits)).then_some(length)
}

fn period(
    segments: &[&Segment],
    measured: &playlists::Measured,
    names: &dyn Names,
    near: Option<Near>,
) -> Period {
    let near = near.and_then(|near| Some((near, regular(segments)?)));
    let first = segments[0];
    let sets = [Track::Video, Track::Audio].into_iter();
    let sets = sets.filter(|track| segments.iter().any(|segment| segment.has(*track)));
    Period {
        id: first.version.to_string(),
        start: began(first),
        duration: Some(length(segments)),
        sets: sets.map(|track| set(segments, track, measured, names, near)).collect(),
    }
}

/// How long a period's media are, in milliseconds: up to the end of the longer track.
fn length(segments: &[&Segment]) -> u64 {
    let ends = [Track::Video, Track::Audio].into_iter().filter_map(|track| {
        let last = segments.iter().rev().find(|segment| segment.has(track))?;
        let end = last.base(track) + last.span(track).1;
        Some((end * 1000).div_ceil(last.timescale(track).max(1).into()))
    });
    ends.max().unwrap_or(0).saturating_sub(BEGIN_MS + segments[0].begun)
}

/// When a segment begins by the clock that its period began with: a description never says another time than the one before.
fn steady(segment: &Segment) -> u64 {
    beside(segment.wall, segment)
}

/// A time of day by that clock.
fn beside(wall: u64, segment: &Segment) -> u64 {
    wall.saturating_add_signed(-i64::from(segment.slewed))
}

/// When a segment's period began, in milliseconds of Unix time: the same for all of its segments.
fn began(segment: &Segment) -> u64 {
    let main = if segment.has(Track::Video) { Track::Video } else { Track::Audio };
    let at = segment.base(main) * 1000 / u64::from(segment.timescale(main));
    (steady(segment) + BEGIN_MS + segment.begun).saturating_sub(at)
}

fn set(
    segments: &[&Segment],
    track: Track,
    measured: &playlists::Measured,
    names: &dyn Names,
    near: Option<(Near, u64)>,
) -> AdaptationSet {
    let first = segments[0];
    let tracks = &first.tracks;
    let timescale = match (track, &tracks.audio) {
        (Track::Audio, Some(audio)) => audio.timescale().max(1),
        _ => VIDEO_TIMESCALE,
    };
    let times = segments.iter().filter(|segment| segment.has(track));
    let times = times.map(|segment| (segment.base(track), segment.span(track).1));
    let (bytes, units) = segments
        .iter()
        .map(|segment| segment.span(track))
        .fold((0, 0), |(bytes, units), span| (bytes + span.0, units + span.1));
    let representation = match track {
        Track::Video => Representation {
            codecs: tracks.video.as_ref().map_or_else(String::new, |video| video.rfc6381()),
            size: tracks.video.as_ref().map_or((0, 0), |video| video.size),
            frame_rate: measured.frame_rate.unwrap_or(0.0),
            ..Representation::default()
        },
        Track::Audio => Representation {
            codecs: tracks.audio.as_ref().map_or_else(String::new, |audio| audio.rfc6381()),
            rate: tracks.audio.as_ref().map_or(0, |audio| audio.rate),
            channels: tracks.audio.as_ref().map_or(0, |audio| audio.channels),
            ..Representation::default()
        },
    };
    let offset = (BEGIN_MS + first.begun) * u64::from(timescale) / 1000;
    let (media, addressing) = match near {
        None => {
            let times = Addressing::Timeline { start_number: None, segments: times.collect() };
            (names.media(track, first.version), times)
        }
        Some((_, length)) => {
            let start_number = first.first_of_version();
            let duration = length * u64::from(timescale) / 1000;
            (names.numbered(track), Addressing::Duration { start_number, duration })
        }
    };
    AdaptationSet {
        id: u32::from(track == Track::Audio),
        sort: if track == Track::Video { Sort::Video } else { Sort::Audio },
        language: None,
        timescale,
        offset,
        initialization: names.init(track, first.version),
        media,
        addressing,
        independent: segments.iter().all(|segment| segment.is_independent()),
        early: near.map(|(near, length)| length.saturating_sub(near.chunk)),
        reference: near.map(|_| Reference { wall: began(first), time: offset }),
        representations: vec![Representation {
            id: track.stem().to_owned(),
            bandwidth: (bytes * 8 * u64::from(timescale)).div_ceil(units.max(1)).max(1),
            ..representation
        }],
    }
}
