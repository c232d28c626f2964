//! From cues to what stands in playlists.

use std::collections::BTreeSet;

use proto::hls::{DateRange, Scte35, Splice};

use super::point::{Action, Break, Cue};
use super::state::Cues;

/// What was listed of breaks, segment by segment.
#[derive(Debug, Default)]
pub struct Listing {
    /// Breaks whose beginning is listed.
    begun: BTreeSet<String>,
}

impl Listing {
    /// What stands before a segment with this number, which began then: date ranges, and what it is to a break.
    pub fn next(&mut self, cues: &Cues, msn: u64, wall: u64) -> (Vec<DateRange>, Option<Splice>) {
        let mut dates = Vec::new();
        let mut now = cues.before.clone();
        // What it began with may have left the playlist.
        dates.extend(now.as_ref().and_then(|before| self.begin(before)));
        for (place, cue) in (0..).zip(&cues.marks) {
            match cue.action {
                Action::Mark => dates.push(moment(cue, msn, place, cue.wall)),
                Action::In => match now.take() {
                    Some(before) => dates.push(end(&before, cue, wall)),
                    None if cue.section.is_empty() && cue.id.is_none() && cue.name.is_none() => {}
                    None => dates.push(moment(cue, msn, place, wall)),
                },
                Action::Out => {
                    dates.extend(now.take().map(|before| end(&before, &Cue::default(), wall)));
                    let begins = Break { cue: cue.clone(), msn, place, start: wall, elapsed: 0 };
                    dates.extend(self.begin(&begins));
                    now = Some(begins);
                }
            }
        }
        let splice = match (&cues.before, &now) {
            (None, None) => None,
            (Some(_), None) => Some(Splice::In),
            (Some(before), Some(now)) if before == now => {
                Some(Splice::Continues { elapsed: now.elapsed, duration: now.cue.duration })
            }
            (_, Some(now)) => Some(Splice::Out { duration: now.cue.duration }),
        };
        (dates, splice)
    }

    /// `None`: it is listed already.
    fn begin(&mut self, begun: &Break) -> Option<DateRange> {
        self.begun.insert(begun.id()).then(|| DateRange {
            planned: begun.cue.duration,
            scte35: section(Scte35::Out, &begun.cue),
            ..range(begun)
        })
    }
}

/// Everything that both tags of a range have is the same in both.
fn range(begun: &Break) -> DateRange {
    let (id, class) = (begun.id(), begun.cue.name.clone());
    DateRange { id, class, start: begun.start, ..DateRange::default() }
}

fn end(begun: &Break, cue: &Cue, wall: u64) -> DateRange {
    // Dates go back where the server's clock was set.
    let passed = wall.checked_sub(begun.start).filter(|passed| *passed > 0);
    let duration = Some(passed.unwrap_or(begun.elapsed));
    DateRange { duration, scte35: section(Scte35::In, cue), ..range(begun) }
}

fn moment(cue: &Cue, msn: u64, place: u8, start: u64) -> DateRange {
    let what = if cue.action == Action::In { Scte35::In } else { Scte35::Command };
    DateRange {
        id: cue.range(msn, place),
        class: cue.name.clone(),
        start,
        duration: cue.duration,
        planned: None,
        scte35: section(what, cue),
    }
}

fn section(what: Scte35, cue: &Cue) -> Option<(Scte35, Vec<u8>)> {
    (!cue.section.is_empty()).then(|| (what, cue.section.clone()))
}
