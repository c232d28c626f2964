//! What is to come, for those who ask for it before it is there.

use proto::hls::Available;

use crate::part::Track;
use crate::playlists;
use crate::timeline::{Segment, Timeline};

/// How far a track's playlist is: a part in which the track is silent is not listed, and does not count.
pub fn available(timeline: &Timeline, track: Track) -> Available {
    let count = |segment: &Segment| segment.count_parts(track) as u64;
    let mut newest = playlists::of_track(timeline, track).rev();
    let (whole, whole_parts, parts) = match (newest.next(), newest.next()) {
        (Some(newest), _) if newest.whole => (newest.msn, count(newest), 0),
        (Some(open), before) => (open.msn.saturating_sub(1), before.map_or(0, count), count(open)),
        (None, _) => (0, 0, 0),
    };
    let part_target = Some(timeline.part_target).filter(|target| *target > 0);
    let open = timeline.segments.back().filter(|newest| !newest.whole);
    let begun = open.is_some_and(|open| !open.parts.is_empty());
    Available { whole, whole_parts, parts, begun, part_target, ended: timeline.ended.is_some() }
}

/// Whether a part is the one that comes next.
pub fn is_hinted(timeline: &Timeline, msn: u64, part: u32) -> bool {
    if timeline.ended.is_some() || timeline.part_target == 0 {
        return false;
    }
    // Names have the number among all parts.
    timeline.segments.back().is_some_and(|newest| match newest.whole {
        true => (msn, part) == (newest.msn + 1, 0),
        false => (msn, part as usize) == (newest.msn, newest.parts.len()),
    })
}

/// Whether a segment by its number is one that comes next: players ask a little early, and another worker, who was a little
/// further, may have told them of the one before it.
pub fn comes_next(timeline: &Timeline, msn: u64) -> bool {
    let newest = timeline.segments.back().filter(|_| timeline.ended.is_none());
    newest.is_some_and(|newest| (newest.msn + 1..=newest.msn + 2).contains(&msn))
}

/// Whether a segment by its time is the one that is open, or that comes next: players ask a little early.
pub fn is_next(timeline: &Timeline, track: Track, version: u32, base: u64) -> bool {
    if timeline.ended.is_some() || timeline.segment_at(track, version, base).is_some() {
        return false;
    }
    let newest = timeline.segments.iter().rev().find(|it| it.has(track) && it.version == version);
    newest.is_some_and(|newest| match newest.whole {
        true => newest.base(track) + newest.span(track).1 == base,
        false => newest.base(track) == base,
    })
}
