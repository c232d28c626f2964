//! Follows a playlist as players do, and knows the rules that it must keep (RFC 8216 §6.2; the drafts of its second edition).

use std::collections::BTreeMap;

use support::{Answer, Server};

/// A segment as a playlist tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub uri: String,
    pub duration: f64,
    /// Milliseconds of Unix time.
    pub date: u64,
    pub discontinuity: bool,
    pub map: Option<String>,
    pub key: Option<String>,
    /// URI, length, whether decoding can begin.
    pub parts: Vec<(String, f64, bool)>,
}

/// A media playlist.
#[derive(Clone, Debug, Default)]
pub struct Playlist {
    pub target: u64,
    pub part_target: Option<f64>,
    pub sequence: u64,
    pub discontinuities: u64,
    pub segments: Vec<Segment>,
    /// Parts of what is not a segment yet.
    pub open: Vec<(String, f64, bool)>,
    pub hint: Option<String>,
    pub ended: bool,
    pub text: String,
}

fn attribute<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let wanted = format!("{name}=");
    let mut found = line.match_indices(&wanted).map(|(at, _)| at);
    let at = found.find(|&at| matches!(line.as_bytes()[at - 1], b':' | b','))?;
    let value = &line[at + name.len() + 1..];
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(',').next(),
    }
}

/// Milliseconds of a date as RFC 3339 has it, counted from some day on.
fn millis(date: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| date[range].parse::<u64>().expect("a date");
    let days = number(8..10) + 31 * number(5..7) + 372 * number(0..4);
    let seconds = number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    days * 86_400_000 + seconds * 1000 + number(20..23)
}

impl Playlist {
    #[track_caller]
    pub fn read(text: &str) -> Playlist {
        let mut all = Playlist { text: text.to_owned(), ..Playlist::default() };
        let (mut duration, mut date, mut map, mut key) = (None, None, None, None);
        let (mut discontinuity, mut parts, mut has_discontinuities) = (false, Vec::new(), false);
        assert!(text.starts_with("#EXTM3U\n"), "{text}");
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-TARGETDURATION" => all.target = value.parse().expect("a number"),
                "#EXT-X-MEDIA-SEQUENCE" => all.sequence = value.parse().expect("a number"),
                "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                    all.discontinuities = value.parse().expect("a number");
                    has_discontinuities = true;
                }
                "#EXT-X-PART-INF" => {
                    let target = attribute(line, "PART-TARGET").expect("a target");
                    all.part_target = Some(target.parse().expect("a number"));
                }
                "#EXTINF" => duration = value.trim_end_matches(',').parse::<f64>().ok(),
                "#EXT-X-PROGRAM-DATE-TIME" => date = Some(millis(value)),
                "#EXT-X-DISCONTINUITY" => discontinuity = true,
                "#EXT-X-MAP" => map = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-KEY" => key = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-PART" => {
                    let uri = attribute(line, "URI").expect("a name").to_owned();
                    let length = attribute(line, "DURATION").expect("a length");
                    let independent = attribute(line, "INDEPENDENT") == Some("YES");
                    parts.push((uri, length.parse().expect("a number"), independent));
                }
                "#EXT-X-PRELOAD-HINT" => all.hint = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-ENDLIST" => all.ended = true,
                _ if !line.is_empty() && !line.starts_with('#') => {
                    all.segments.push(Segment {
                        uri: line.to_owned(),
                        duration: duration.take().expect("a length"),
                        date: date.take().expect("a date"),
                        discontinuity: std::mem::take(&mut discontinuity),
                        map: map.clone(),
                        key: key.clone(),
                        parts: std::mem::take(&mut parts),
                    });
                }
                _ => {}
            }
        }
        assert!(has_discontinuities, "{text}");
        all.open = parts;
        all
    }

    /// The number behind the last segment.
    pub fn end(&self) -> u64 {
        self.sequence + self.segments.len() as u64
    }
}

/// Follows a playlist.
pub struct Checker {
    /// The directory of the playlist, and its name there.
    path: (String, String),
    before: Option<Playlist>,
    /// Segments by their numbers: as they were told of, and their discontinuities.
    pub known: BTreeMap<u64, (Segment, u64)>,
    bytes: BTreeMap<String, Vec<u8>>,
}

impl Checker {
    pub fn new(path: &str) -> Checker {
        let at = path.rfind('/').expect("a path") + 1;
        let path = (path[..at].to_owned(), path[at..].to_owned());
        Checker { path, before: None, known: BTreeMap::new(), bytes: BTreeMap::new() }
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
        }
        self.segments(server, &now);
        self.before = Some(now.clone());
        Some(now)
    }

    fn rules(&self, now: &Playlist) {
        let text = &now.text;
        for segment in &now.segments {
            assert!(segment.duration.round() as u64 <= now.target, "{text}");
            assert!(segment.duration > 0.0, "{text}");
        }
        for pair in now.segments.windows(2) {
            let passed = pair[1].date as f64 - pair[0].date as f64;
            let drift = (passed - pair[0].duration * 1000.0).abs();
            assert!(pair[1].discontinuity || drift < 45.0, "{drift} ms at {}\n{text}", pair[1].uri);
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

    /// Each segment is there, and stays what it was; so do those that have left the playlist a moment ago.
    fn segments(&mut self, server: &Server, now: &Playlist) {
        let mut discontinuities = now.discontinuities;
        for (at, segment) in now.segments.iter().enumerate() {
            discontinuities += u64::from(segment.discontinuity);
            let number = now.sequence + at as u64;
            if let Some((known, before)) = self.known.get(&number) {
                assert_eq!((&known.uri, *before), (&segment.uri, discontinuities), "{}", now.text);
            }
            let answer = self.fetch(server, &segment.uri);
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
        }
        let last =
            self.known.range(..now.sequence).next_back().map(|(_, (last, _))| last.uri.clone());
        if let Some(uri) = last {
            assert_eq!(self.fetch(server, &uri).status, 200, "{uri} has just left\n{}", now.text);
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
