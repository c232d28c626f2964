//! Media playlists.

use std::fmt::Write;

use super::daterange::{DateRange, Splice};
use super::decimal::{decimal, millis};
use crate::date;

/// A media playlist, all of it.
#[derive(Clone, Debug, Default)]
pub struct Media {
    /// The longest that a segment may be, in whole seconds.
    pub target: u32,
    /// The longest that a part may be, in milliseconds; `None`: parts are not shown.
    pub part_target: Option<u32>,
    /// The number of the first segment.
    pub sequence: u64,
    /// Discontinuities before the first segment, its own left out.
    pub discontinuity_sequence: u64,
    /// What becomes of old segments.
    pub kind: Kind,
    /// Every segment begins with a key frame.
    pub independent: bool,
    /// Segments before these as they were written, the first of which has the number `sequence`.
    pub earlier: String,
    /// The segments, the oldest first. The last may have parts alone.
    pub segments: Vec<Segment>,
    /// The part that comes next.
    pub hint: Option<String>,
    /// How far other playlists are.
    pub reports: Vec<Report>,
    /// Clients may ask for what they do not know yet alone, also where there are no parts: it is long.
    pub skips: bool,
    /// Nothing comes any more.
    pub ended: bool,
}

/// What becomes of old segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// They leave the playlist.
    #[default]
    Live,
    /// They stay, and others come.
    Event,
    /// They stay, and no others come.
    Vod,
}

/// A segment.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Where it is; `None`: it is not complete, and has parts alone.
    pub uri: Option<String>,
    /// Bytes of that: how many, and from where on.
    pub range: Option<(u64, u64)>,
    /// How long it is: units, and units in a second.
    pub duration: (u64, u32),
    /// When it begins, in milliseconds of Unix time.
    pub wall: u64,
    /// What comes before has another clock, other codecs, or is missing.
    pub discontinuity: bool,
    /// It is missing.
    pub gap: bool,
    /// What a decoder needs first.
    pub map: Option<String>,
    /// Bytes of that: how many, and from where on.
    pub map_range: Option<(u64, u64)>,
    /// What it is encrypted with.
    pub key: Option<Key>,
    /// Its parts, where they are shown.
    pub parts: Vec<Part>,
    /// What begins or ends with it, or is told of first with it.
    pub dates: Vec<DateRange>,
    /// What it is to a break; `None`: it is in none.
    pub splice: Option<Splice>,
}

/// What a segment is encrypted with: AES-128.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it is.
    pub uri: String,
    /// The initialisation vector.
    pub iv: u128,
}

impl Key {
    fn write(&self, out: &mut String) {
        let Key { uri, iv } = self;
        let _ = writeln!(out, "#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\",IV=0x{iv:032X}");
    }
}

/// A part of a segment.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Where it is.
    pub uri: String,
    /// How long it is: units, and units in a second.
    pub duration: (u64, u32),
    /// Decoding can begin in it.
    pub independent: bool,
}

/// How far another playlist of the same presentation is.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where that playlist is.
    pub uri: String,
    /// Its newest segment.
    pub msn: u64,
    /// The newest part of that.
    pub part: Option<u32>,
}

/// How much older than the newest segments the ones are that a client may leave out, in target durations (§6.2.5.1).
const SKIP_TARGETS: u64 = 6;

/// What clients must know of playlists that tell how they may be asked for (bis §8): Apple's refuse such ones that say less.
const LOW_LATENCY_VERSION: u32 = 9;

/// Writes a playlist. `delta`: without the segments that the client has, where that is possible.
pub fn playlist(media: &Media, delta: bool) -> String {
    let mut out = String::with_capacity(400 + media.segments.len() * 120);
    let skipped = if delta { media.skippable() } else { 0 };
    media.head(&mut out);
    out.push_str(&media.earlier);
    if skipped > 0 {
        let _ = writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        // What has a date is left out with segments only where that is said to be done (bis §5.2.1, §6.2.5.1).
        let dates = media.segments[..skipped].iter().flat_map(|segment| &segment.dates);
        dates.for_each(|date| date.write(&mut out));
    }
    let mut before: Option<&Segment> = skipped.checked_sub(1).and_then(|at| media.segments.get(at));
    // The client knows it; hls.js forgets it with the segments.
    if let Some(key) = before.and_then(|before| before.key.as_ref()) {
        key.write(&mut out);
    }
    for segment in &media.segments[skipped..] {
        media.segment(segment, before, &mut out);
        before = Some(segment);
    }
    if let (Some(hint), false) = (&media.hint, media.ended) {
        let _ = writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{hint}\"");
    }
    if !media.ended {
        for Report { uri, msn, part } in &media.reports {
            let _ = write!(out, "#EXT-X-RENDITION-REPORT:URI=\"{uri}\",LAST-MSN={msn}");
            if let Some(part) = part {
                let _ = write!(out, ",LAST-PART={part}");
            }
            out.push('\n');
        }
    }
    if media.ended {
        out.push_str("#EXT-X-ENDLIST\n");
    }
    out
}

impl Media {
    /// Segments that a client need not be told again: those that are farther from the end of the newest whole one than the
    /// boundary says.
    fn skippable(&self) -> usize {
        if !self.gives_deltas() {
            return 0;
        }
        let boundary = SKIP_TARGETS as f64 * f64::from(self.target);
        let (mut from_end, mut count) = (0.0, 0);
        for (at, segment) in self.segments.iter().enumerate().rev() {
            if segment.uri.is_none() {
                continue;
            }
            from_end += seconds(segment.duration);
            if from_end > boundary {
                count = at + 1;
                break;
            }
        }
        count
    }

    fn gives_deltas(&self) -> bool {
        !self.ended && (self.part_target.is_some() || self.skips)
    }

    fn version(&self) -> u32 {
        let has = |what: fn(&Segment) -> bool| self.segments.iter().any(what);
        match () {
            () if self.gives_deltas() || self.part_target.is_some() => LOW_LATENCY_VERSION,
            () if has(|segment| segment.map.is_some()) => 6,
            () if has(|segment| segment.range.is_some()) => 4,
            () => 3,
        }
    }

    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "#EXTM3U\n#EXT-X-VERSION:{}", self.version());
        let _ = writeln!(out, "#EXT-X-TARGETDURATION:{}", self.target);
        let boundary = SKIP_TARGETS * u64::from(self.target);
        if let Some(part) = self.part_target {
            let hold_back = 3 * part;
            let _ = writeln!(
                out,
                "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={},HOLD-BACK={}.000,CAN-SKIP-UNTIL={boundary}.000",
                millis(hold_back.into()),
                3 * self.target,
            );
            let _ = writeln!(out, "#EXT-X-PART-INF:PART-TARGET={}", millis(part.into()));
        } else if self.gives_deltas() {
            let _ = writeln!(out, "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={boundary}.000");
        }
        let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", self.sequence);
        let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence);
        match self.kind {
            Kind::Live => {}
            Kind::Event => out.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
            Kind::Vod => out.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
        }
        if self.independent {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
    }

    fn segment(&self, segment: &Segment, before: Option<&Segment>, out: &mut String) {
        if segment.discontinuity {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let mut in_force = before.and_then(|before| before.key.as_ref());
        let other_map = before.is_none_or(|before| before.map != segment.map);
        if let Some(map) = segment.map.as_ref().filter(|_| other_map || segment.discontinuity) {
            // It would be taken for encrypted with the key that is in force.
            if in_force.take().is_some() {
                out.push_str("#EXT-X-KEY:METHOD=NONE\n");
            }
            let _ = write!(out, "#EXT-X-MAP:URI=\"{map}\"");
            if let Some((len, offset)) = segment.map_range {
                let _ = write!(out, ",BYTERANGE=\"{len}@{offset}\"");
            }
            out.push('\n');
        }
        if in_force != segment.key.as_ref() {
            match &segment.key {
                Some(key) => key.write(out),
                None => out.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            }
        }
        let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", date::iso_8601(segment.wall));
        segment.dates.iter().for_each(|date| date.write(out));
        segment.splice.into_iter().for_each(|splice| splice.write(out));
        for Part { uri, duration, independent } in &segment.parts {
            let _ = write!(out, "#EXT-X-PART:DURATION={},URI=\"{uri}\"", decimal(*duration));
            if *independent {
                out.push_str(",INDEPENDENT=YES");
            }
            if segment.gap {
                out.push_str(",GAP=YES");
            }
            out.push('\n');
        }
        let Some(uri) = &segment.uri else { return };
        if segment.gap {
            out.push_str("#EXT-X-GAP\n");
        }
        if let Some((len, offset)) = segment.range {
            let _ = writeln!(out, "#EXT-X-BYTERANGE:{len}@{offset}");
        }
        let _ = writeln!(out, "#EXTINF:{},\n{uri}", decimal(segment.duration));
    }
}

fn seconds((units, scale): (u64, u32)) -> f64 {
    units as f64 / f64::from(scale.max(1))
}
