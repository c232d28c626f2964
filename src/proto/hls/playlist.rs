//! Writing media playlists.

use super::SECOND;
use super::arguments::There;
use super::media::{Control, Key, Kind, Map, Part, Report, Segment};
use super::text::{quoted_uri, seconds, uri};
use crate::date;
use std::fmt::Write;

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPlaylist {
    /// Seconds; no segment is longer, rounded. It never changes.
    pub target_duration: u64,
    /// The number of the first segment.
    pub media_sequence: u64,
    /// How many segments with a discontinuity have gone.
    pub discontinuity_sequence: u64,
    /// How it changes.
    pub kind: Kind,
    /// Decoding can begin with every segment.
    pub independent_segments: bool,
    /// What is offered.
    pub control: Control,
    /// The segments, in their order.
    pub segments: Vec<Segment>,
    /// What begins after them, without a duration yet: its tags go before its first part. `None`: nothing has begun.
    pub open: Option<Segment>,
    /// The part that comes next.
    pub hint: Option<String>,
    /// The other renditions.
    pub reports: Vec<Report>,
    /// Nothing comes any more.
    pub ended: bool,
}

impl MediaPlaylist {
    /// The playlist; with `delta` without the segments that the client may leave out, if there are such.
    pub fn render(&self, delta: bool) -> String {
        let skipped = if delta { self.skipped() } else { 0 };
        let mut out = String::with_capacity(500 + 150 * (self.segments.len() - skipped));
        self.head(&mut out);
        if skipped > 0 {
            let _ = writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        }
        let with_parts = self.first_with_parts();
        let mut before = None;
        for (number, segment) in self.segments.iter().enumerate() {
            if number >= skipped {
                begin(&mut out, segment, before);
                let parts = if number >= with_parts { &*segment.parts } else { &[] };
                parts.iter().for_each(|part| self::part(&mut out, part));
                end(&mut out, segment);
            }
            before = Some(segment);
        }
        if !self.ended {
            self.coming(&mut out, before);
        }
        if self.ended {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        out
    }

    /// What requests are answered from.
    pub fn there(&self) -> There {
        let parts =
            |segment: Option<&Segment>| segment.map_or(0, |segment| segment.parts.len() as u64);
        There {
            next_msn: self.media_sequence.saturating_add(self.segments.len() as u64),
            parts: parts(self.open.as_ref()),
            last_parts: parts(self.segments.last()),
            part_target: self.control.part_target,
            block_reload: self.control.block_reload,
            can_skip: self.control.can_skip_until.is_some(),
            ended: self.ended,
        }
    }

    /// How many segments a delta leaves out: those that end farther from the end than the boundary. None, once it has ended.
    pub fn skipped(&self) -> usize {
        let Some(boundary) = self.control.can_skip_until.filter(|_| !self.ended) else { return 0 };
        self.segments.len() - self.nearer_than(boundary, 0)
    }

    /// From which segment on parts are listed: those of the last three target durations (bis, §6.2.2).
    fn first_with_parts(&self) -> usize {
        let Some(_) = self.control.part_target else { return self.segments.len() };
        let open: u64 =
            self.open.iter().flat_map(|open| &open.parts).map(|part| part.duration).sum();
        self.segments.len() - self.nearer_than(3 * self.target_duration * SECOND, open)
    }

    /// How many of the last segments end nearer than that to the end, which is so far behind them.
    fn nearer_than(&self, distance: u64, behind: u64) -> usize {
        let ends = self.segments.iter().rev().scan(behind, |end, segment| {
            let here = *end;
            *end = end.saturating_add(segment.duration);
            Some(here)
        });
        ends.take_while(|end| *end < distance).count()
    }

    fn head(&self, out: &mut String) {
        let _ = write!(
            out,
            "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{}\n",
            self.version(),
            self.target_duration,
        );
        if self.control.is_any() {
            control(out, &self.control);
        }
        if let Some(target) = self.control.part_target {
            out.push_str("#EXT-X-PART-INF:PART-TARGET=");
            seconds(out, target);
            out.push('\n');
        }
        let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence);
        let discontinuous = self.discontinuity_sequence > 0
            || self.segments.iter().any(|segment| segment.discontinuity);
        if discontinuous {
            let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence);
        }
        out.push_str(match self.kind {
            Kind::Live => "",
            Kind::Event => "#EXT-X-PLAYLIST-TYPE:EVENT\n",
            Kind::Vod => "#EXT-X-PLAYLIST-TYPE:VOD\n",
        });
        if self.independent_segments {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
    }

    /// The least version that knows all tags (bis, §8). AVPlayer takes SERVER-CONTROL from 9 on only.
    fn version(&self) -> u8 {
        let any = |has: fn(&Segment) -> bool| self.segments.iter().chain(&self.open).any(has);
        if self.control.is_any() {
            9
        } else if any(|segment| segment.map.is_some()) {
            6
        } else if any(|segment| segment.range.is_some()) {
            4
        } else {
            3
        }
    }

    /// What is there of the segment that has begun, and what is to come.
    fn coming(&self, out: &mut String, before: Option<&Segment>) {
        if let Some(open) = &self.open
            && self.control.part_target.is_some()
            && !open.parts.is_empty()
        {
            begin(out, open, before);
            open.parts.iter().for_each(|part| self::part(out, part));
        }
        if let Some(hint) = &self.hint {
            out.push_str("#EXT-X-PRELOAD-HINT:TYPE=PART,");
            quoted_uri(out, "URI", hint);
            out.push('\n');
        }
        for Report { uri, last_msn, last_part } in &self.reports {
            out.push_str("#EXT-X-RENDITION-REPORT:");
            quoted_uri(out, "URI", uri);
            let _ = write!(out, ",LAST-MSN={last_msn}");
            if let Some(part) = last_part {
                let _ = write!(out, ",LAST-PART={part}");
            }
            out.push('\n');
        }
    }
}

fn control(out: &mut String, control: &Control) {
    out.push_str("#EXT-X-SERVER-CONTROL:");
    let start = out.len();
    if control.block_reload {
        out.push_str("CAN-BLOCK-RELOAD=YES");
    }
    for (name, value) in [
        ("PART-HOLD-BACK=", control.part_hold_back),
        ("HOLD-BACK=", control.hold_back),
        ("CAN-SKIP-UNTIL=", control.can_skip_until),
    ] {
        let Some(value) = value else { continue };
        if out.len() > start {
            out.push(',');
        }
        out.push_str(name);
        seconds(out, value);
    }
    out.push('\n');
}

/// The tags of a segment that its parts have as well.
fn begin(out: &mut String, segment: &Segment, before: Option<&Segment>) {
    if segment.discontinuity {
        out.push_str("#EXT-X-DISCONTINUITY\n");
    }
    let last = before.and_then(|before| before.key.as_ref());
    if segment.key.as_ref() != last {
        key(out, segment.key.as_ref());
    }
    let last = before.filter(|_| !segment.discontinuity).and_then(|before| before.map.as_ref());
    if let Some(map) = segment.map.as_ref().filter(|map| Some(*map) != last) {
        self::map(out, map);
    }
    if let Some(time) = segment.time {
        let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", date::iso_8601(time));
    }
    if segment.gap {
        out.push_str("#EXT-X-GAP\n");
    }
}

fn end(out: &mut String, segment: &Segment) {
    out.push_str("#EXTINF:");
    seconds(out, segment.duration);
    out.push_str(",\n");
    if let Some((length, start)) = segment.range {
        let _ = writeln!(out, "#EXT-X-BYTERANGE:{length}@{start}");
    }
    uri(out, &segment.uri);
    out.push('\n');
}

fn key(out: &mut String, key: Option<&Key>) {
    let Some(Key { uri, iv }) = key else {
        out.push_str("#EXT-X-KEY:METHOD=NONE\n");
        return;
    };
    out.push_str("#EXT-X-KEY:METHOD=AES-128,");
    quoted_uri(out, "URI", uri);
    if let Some(iv) = iv {
        let _ = write!(out, ",IV=0x{:032X}", u128::from_be_bytes(*iv));
    }
    out.push('\n');
}

fn map(out: &mut String, map: &Map) {
    out.push_str("#EXT-X-MAP:");
    quoted_uri(out, "URI", &map.uri);
    range(out, map.range);
    out.push('\n');
}

fn part(out: &mut String, part: &Part) {
    out.push_str("#EXT-X-PART:DURATION=");
    seconds(out, part.duration);
    out.push(',');
    quoted_uri(out, "URI", &part.uri);
    range(out, part.range);
    if part.independent {
        out.push_str(",INDEPENDENT=YES");
    }
    if part.gap {
        out.push_str(",GAP=YES");
    }
    out.push('\n');
}

fn range(out: &mut String, range: Option<(u64, u64)>) {
    if let Some((length, start)) = range {
        let _ = write!(out, ",BYTERANGE=\"{length}@{start}\"");
    }
}
