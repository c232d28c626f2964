//! Follows a playlist as players do, and knows the rules that it must keep (RFC 8216 §6.2; the drafts of its second edition).

use std::collections::BTreeMap;

use support::{Answer, Server};

use crate::playlist::attribute;
pub use crate::playlist::{Playlist, Segment, millis};
use crate::times::{self, Times};

/// Follows a playlist.
pub struct Checker {
    /// The directory of the playlist, and its name there.
    path: (String, String),
    before: Option<Playlist>,
    /// Segments by their numbers: as they were told of, and their discontinuities.
    pub known: BTreeMap<u64, (Segment, u64)>,
    bytes: BTreeMap<String, Vec<u8>>,
    /// Of those whose frames can be read.
    times: BTreeMap<u64, Times>,
    /// Seconds of media up to the playlist's end, since it was seen first.
    passed: f64,
    /// How long the longest playlist was, in seconds, that had a segment.
    listed: BTreeMap<u64, f64>,
    /// Segments that have left the playlist: until so many seconds of media have passed they are there.
    left: BTreeMap<u64, f64>,
    /// The publisher's clock is the server's: dates are not corrected.
    pub is_paced: bool,
}

impl Checker {
    pub fn new(path: &str) -> Checker {
        let at = path.rfind('/').expect("a path") + 1;
        let path = (path[..at].to_owned(), path[at..].to_owned());
        let (known, bytes, times, passed) = Default::default();
        let (listed, left) = Default::default();
        Checker { path, before: None, known, bytes, times, passed, listed, left, is_paced: false }
    }

    #[track_caller]
    pub fn fetch(&self, server: &Server, name: &str) -> Answer {
        server.get(&format!("{}{name}", self.path.0))
    }

    /// The playlist as it is now, if there is one; it must be one that may follow what was seen before.
    #[track_caller]
    pub fn look(&mut self, server: &Server) -> Option<Playlist> {
        let answer = self.fetch(server, &self.path.1);
        if answer.status == 404 && self.before.is_none() {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", server.error_log());
        let now = Playlist::read(&answer.text());
        self.rules(&now);
        if let Some(before) = self.before.take() {
            self.follows(&before, &now);
            self.leave(&before, &now);
        }
        self.stay(server, &now);
        self.segments(server, &now);
        self.reports(server, &now);
        self.before = Some(now.clone());
        Some(now)
    }

    fn rules(&self, now: &Playlist) {
        let text = &now.text;
        assert!(now.version >= now.least_version(), "{}\n{text}", now.least_version());
        for segment in &now.segments {
            assert!(segment.duration.round() as u64 <= now.target, "{text}");
            assert!(segment.duration > 0.0, "{text}");
        }
        for pair in now.segments.windows(2) {
            let passed = pair[1].date as f64 - pair[0].date as f64;
            let drift = (passed - pair[0].duration * 1000.0).abs();
            let goes_on = !pair[1].discontinuity && !pair.iter().any(|segment| segment.gap);
            assert!(
                !goes_on || drift < 45.0 + pair[0].duration * 20.0,
                "{drift} ms at {}\n{text}",
                pair[1].uri
            );
        }
        // Both or none: who is told of parts has to be able to wait for them.
        let blocks = now.control.as_ref().is_some_and(|control| control.contains("CAN-BLOCK"));
        assert_eq!(blocks, now.part_target.is_some(), "{text}");
        if let (Some(control), Some(part)) = (&now.control, now.part_target) {
            let told = |name| attribute(control, name).map_or(0.0, |it| it.parse().expect("one"));
            assert_eq!(attribute(control, "CAN-BLOCK-RELOAD"), Some("YES"), "{text}");
            assert!(told("PART-HOLD-BACK") >= 3.0 * part - 0.0005, "{text}");
            assert!(told("HOLD-BACK") >= 3.0 * now.target as f64, "{text}");
            assert!(told("CAN-SKIP-UNTIL") >= 6.0 * now.target as f64, "{text}");
        }
        for (_, length, _) in
            now.segments.iter().flat_map(|segment| &segment.parts).chain(&now.open)
        {
            assert!(*length <= now.part_target.expect("a target"), "{length}\n{text}");
        }
        for segment in now.segments.iter().filter(|segment| !segment.parts.is_empty()) {
            let all: f64 = segment.parts.iter().map(|(_, length, _)| length).sum();
            assert!((all - segment.duration).abs() < 0.001, "{text}");
            let inner = &segment.parts[..segment.parts.len() - 1];
            let target = now.part_target.unwrap_or(0.0);
            let fits = |(_, length, independent): &(String, f64, bool)| {
                *independent || *length >= target * 0.85
            };
            assert!(inner.iter().all(fits), "{text}");
        }
    }

    fn follows(&self, before: &Playlist, now: &Playlist) {
        let told = || format!("{}\nis followed by\n{}", before.text, now.text);
        assert_eq!(now.target, before.target, "{}", told());
        assert!(
            now.part_target.is_none() || now.part_target == before.part_target || before.ended,
            "{}",
            told()
        );
        assert!(
            now.control.is_none() || now.control == before.control || before.ended,
            "{}",
            told()
        );
        assert!(now.sequence >= before.sequence, "{}", told());
        assert!(now.end() >= before.end(), "{}", told());
        assert!(now.discontinuities >= before.discontinuities, "{}", told());
        for (at, segment) in before.segments.iter().enumerate() {
            let number = before.sequence + at as u64;
            let Some(place) = number.checked_sub(now.sequence) else { continue };
            let mut other = now.segments[place as usize].clone();
            other.parts.clone_from(&segment.parts);
            assert_eq!(other, *segment, "{}", told());
        }
    }

    /// Nothing leaves a playlist that is too short then, and what has left stays for its own length and that of the longest
    /// playlist that had it (RFC 8216 §6.2.2).
    fn leave(&mut self, before: &Playlist, now: &Playlist) {
        if now.sequence > before.sequence && !now.ended {
            let least = 3.0 * now.target as f64;
            assert!(
                now.length() > least - 0.0005,
                "{} s\n{}\n{}",
                now.length(),
                before.text,
                now.text
            );
        }
        for (number, segment) in (before.sequence..now.sequence).zip(&before.segments) {
            let longest = self.listed.remove(&number).unwrap_or(0.0);
            self.left.insert(number, self.passed + segment.duration + longest);
        }
        let new = before.end().saturating_sub(now.sequence) as usize;
        self.passed += now.segments.iter().skip(new).map(|segment| segment.duration).sum::<f64>();
        if now.sequence > before.end() {
            // How much has passed nobody has seen.
            self.left.clear();
        }
    }

    /// Of those that must be there still, the oldest and the newest are. The segment that is open is in no playlist, but may have
    /// been for as long as one may be.
    fn stay(&mut self, server: &Server, now: &Playlist) {
        for number in now.sequence..now.end() {
            let longest = self.listed.entry(number).or_default();
            *longest = longest.max(now.length());
        }
        let passed = self.passed + now.target as f64;
        self.left.retain(|_, until| *until > passed);
        let ends = self.left.iter().next().into_iter().chain(self.left.iter().next_back());
        for (number, until) in ends {
            let Some((segment, _)) = self.known.get(number).filter(|it| !it.0.gap) else {
                continue;
            };
            let status = self.fetch(server, &segment.uri).status;
            // More may have been cut since the playlist was asked for: then it may have left behind that.
            let may_go = || {
                let later = Playlist::read(&self.fetch(server, &self.path.1).text());
                let new = now.end().saturating_sub(later.sequence) as usize;
                let more: f64 = later.segments.iter().skip(new).map(|it| it.duration).sum();
                *until <= passed + more
            };
            let uri = &segment.uri;
            assert!(status == 200 || may_go(), "{uri} has left too soon\n{}", now.text);
        }
    }

    /// Each segment is there, and stays what it was.
    fn segments(&mut self, server: &Server, now: &Playlist) {
        let mut discontinuities = now.discontinuities;
        for (at, segment) in now.segments.iter().enumerate() {
            discontinuities += u64::from(segment.discontinuity);
            let number = now.sequence + at as u64;
            if let Some((known, before)) = self.known.get(&number) {
                assert_eq!((&known.uri, *before), (&segment.uri, discontinuities), "{}", now.text);
            }
            let answer = self.fetch(server, &segment.uri);
            if segment.gap {
                assert_eq!(answer.status, 404, "{}\n{}", segment.uri, now.text);
                continue;
            }
            assert_eq!(answer.status, 200, "{}\n{}", segment.uri, now.text);
            let known =
                self.bytes.entry(segment.uri.clone()).or_insert_with(|| answer.body.clone());
            assert!(*known == answer.body, "{} has other bytes", segment.uri);
            for (uri, _, _) in &segment.parts {
                self.bytes
                    .entry(uri.clone())
                    .or_insert_with(|| server.get(&format!("{}{uri}", self.path.0)).body.clone());
            }
            let parts: Vec<u8> =
                segment.parts.iter().flat_map(|(uri, _, _)| self.bytes[uri].clone()).collect();
            assert!(segment.parts.is_empty() || parts == answer.body, "{}", segment.uri);
            self.known.insert(number, (segment.clone(), discontinuities));
            self.media(server, number, now.independent);
        }
    }

    /// The frames of a segment go on where those of the one before have ended, are as long as is said, and begin with one that
    /// needs no other where that is said.
    fn media(&mut self, server: &Server, number: u64, independent: bool) {
        let (segment, _) = &self.known[&number];
        if segment.key.is_some() {
            return;
        }
        if !self.times.contains_key(&number) {
            let bytes = &self.bytes[&segment.uri];
            let times = match &segment.map {
                None => times::of_packets(bytes),
                Some(map) => times::of_fragments(&self.fetch(server, map).body, bytes),
            };
            let Some(times) = times else { return };
            let told = segment.duration;
            assert!(
                times.length.is_none_or(|length| (length - told).abs() < 0.001),
                "{segment:?} {times:?}"
            );
            let before = number.checked_sub(1).and_then(|before| self.times.get(&before));
            if let (Some(before), false) = (before, segment.discontinuity) {
                let known = &self.known[&(number - 1)].0;
                self.dates_go_on((known, before), (segment, &times));
                times::go_on((known.duration, before), &times, &segment.uri);
            }
            self.times.insert(number, times);
        }
        assert!(
            !independent || self.times[&number].key,
            "{} begins with no key frame",
            segment.uri
        );
    }

    /// A date is the one before and the length of what is between, to a frame.
    fn dates_go_on(&self, before: (&Segment, &Times), now: (&Segment, &Times)) {
        let passed = now.0.date as f64 - before.0.date as f64;
        let off = (passed - before.0.duration * 1000.0).abs();
        let frame = before.1.frame.max(now.1.frame) * 1000.0;
        // Two hundredths are made up for with each segment, where the publisher's clock is another.
        let corrected = if self.is_paced { 0.0 } else { before.0.duration * 20.0 };
        assert!(off <= frame + corrected + 1.0, "{off} ms between {before:?} and {now:?}");
    }

    /// What is told of another playlist is no more than that has, and not more than a part behind it.
    fn reports(&self, server: &Server, now: &Playlist) {
        for (uri, msn, part) in &now.reports {
            let other = Playlist::read(&self.fetch(server, uri).text());
            assert!(other.ended || other.newest() >= (*msn, *part), "{}\n{}", now.text, other.text);
            let again = Playlist::read(&self.fetch(server, &self.path.1).text());
            let Some((_, msn, part)) = again.reports.iter().find(|it| it.0 == *uri) else {
                continue;
            };
            let next = part.map_or((*msn, Some(0)), |part| (*msn, Some(part + 1)));
            let newest = other.newest();
            let fits = newest <= next || newest == (msn + 1, Some(0));
            assert!(other.ended || fits, "{}\n{}", other.text, again.text);
        }
    }

    /// The bytes of all segments that were seen, in order.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Segment, &[u8])> {
        let bytes = |segment: &Segment| &self.bytes[&segment.uri][..];
        self.known.iter().map(move |(number, (segment, _))| (*number, segment, bytes(segment)))
    }

    /// No number is missing in what was seen.
    #[track_caller]
    pub fn has_no_gap(&self) {
        let numbers: Vec<u64> = self.known.keys().copied().collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }
}
