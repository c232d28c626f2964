//! From what there is of a stream to its description for DASH.
//!
//! The presentation began in 1970, for all streams and for ever: so a description never says another time than the one
//! before. A period is what has the same tracks and one clock; its times of media are the stream's, and a segment is named
//! by its own.

use proto::dash::{
    AdaptationSet, Addressing, Extent, Mpd, Period, Representation, Sort, UtcTiming,
};
use proto::fmp4::VIDEO_TIMESCALE;

use crate::part::Format;
use crate::playlists;
use crate::segmenter::packer::BEGIN_MS;
use crate::timeline::{Segment, Timeline, Track};

/// The names in a description.
pub trait Names {
    /// What decoders need first of a track, of a version of the tracks.
    fn init(&self, track: Track, version: u32) -> String;

    /// Segments of a track, with `$Time$` in it.
    fn media(&self, track: Track) -> String;
}

/// What an application asks for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a segment is, in milliseconds.
    pub fragment: u64,
    /// How much is listed, in milliseconds.
    pub playlist: u64,
}

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
    let listed = listed.filter(|segment| segment.whole && segment.format == Format::Cmaf);
    let listed: Vec<&Segment> = listed.collect();
    let measured = playlists::measure(timeline)?;
    let newest = listed.last()?;
    let periods = listed.chunk_by(|one, other| one.version == other.version);
    let periods: Vec<Period> = periods.map(|segments| period(segments, &measured, names)).collect();
    let target = u64::from(timeline.target) * 1000;
    let end = newest.wall + newest.duration_ms();
    let mpd = Mpd {
        extent: match timeline.ended {
            None => Extent::Live { update: settings.fragment },
            Some(_) => Extent::Ended(end),
        },
        availability_start: 0,
        publish_time: end,
        time_shift: settings.playlist,
        presentation_delay: 3 * target,
        max_segment: target,
        min_buffer: settings.fragment,
        latency: None,
        periods,
        timing: now.map(UtcTiming::Direct),
    };
    Some(mpd.render())
}

fn period(segments: &[&Segment], measured: &playlists::Measured, names: &dyn Names) -> Period {
    let first = segments[0];
    let sets = [Track::Video, Track::Audio].into_iter();
    let sets = sets.filter(|track| segments.iter().any(|segment| segment.has(*track)));
    Period {
        id: first.version.to_string(),
        start: began(first),
        sets: sets.map(|track| set(segments, track, measured, names)).collect(),
    }
}

/// When a segment's period began, in milliseconds of Unix time: the same for all of its segments.
fn began(segment: &Segment) -> u64 {
    let main = if segment.has(Track::Video) { Track::Video } else { Track::Audio };
    let at = segment.base(main) * 1000 / u64::from(segment.timescale(main));
    (segment.wall + BEGIN_MS + segment.begun).saturating_sub(at)
}

fn set(
    segments: &[&Segment],
    track: Track,
    measured: &playlists::Measured,
    names: &dyn Names,
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
    AdaptationSet {
        id: u32::from(track == Track::Audio),
        sort: if track == Track::Video { Sort::Video } else { Sort::Audio },
        language: None,
        timescale,
        offset: (BEGIN_MS + first.begun) * u64::from(timescale) / 1000,
        initialization: names.init(track, first.version),
        media: names.media(track),
        addressing: Addressing::Timeline { start_number: None, segments: times.collect() },
        early: None,
        reference: None,
        representations: vec![Representation {
            id: track.stem().to_owned(),
            bandwidth: (bytes * 8 * u64::from(timescale)).div_ceil(units.max(1)).max(1),
            ..representation
        }],
    }
}
