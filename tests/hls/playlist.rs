//! A media playlist, read here by nothing that has written it.

/// A segment as a playlist tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub uri: String,
    pub duration: f64,
    /// Milliseconds of Unix time.
    pub date: u64,
    pub discontinuity: bool,
    /// It is missing, and its name leads nowhere.
    pub gap: bool,
    pub map: Option<String>,
    pub key: Option<String>,
    /// URI, length, whether decoding can begin.
    pub parts: Vec<(String, f64, bool)>,
}

/// A media playlist.
#[derive(Clone, Debug, Default)]
pub struct Playlist {
    pub version: u64,
    pub target: u64,
    pub part_target: Option<f64>,
    pub sequence: u64,
    pub discontinuities: u64,
    pub segments: Vec<Segment>,
    /// Parts of what is not a segment yet.
    pub open: Vec<(String, f64, bool)>,
    pub hint: Option<String>,
    /// Every segment is said to begin with a key frame.
    pub independent: bool,
    /// `EXT-X-SERVER-CONTROL`, all of it.
    pub control: Option<String>,
    /// How far others are said to be: URI, segment, part.
    pub reports: Vec<(String, u64, Option<u64>)>,
    pub ended: bool,
    pub text: String,
}

/// The value of an attribute of a tag's line.
pub fn attribute<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let wanted = format!("{name}=");
    let mut found = line.match_indices(&wanted).map(|(at, _)| at);
    let at = found.find(|&at| matches!(line.as_bytes()[at - 1], b':' | b','))?;
    let value = &line[at + name.len() + 1..];
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(',').next(),
    }
}

/// A date as RFC 3339 has it, in milliseconds of Unix time.
pub fn millis(date: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| date[range].parse::<u64>().expect("a date");
    // Years that begin in March, so that the day of a leap year is their last.
    let months = 12 * number(0..4) + number(5..7) - 3;
    let (year, month) = (months / 12, months % 12);
    let before = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5;
    let days = before + number(8..10) - 1 - 719_468;
    let seconds = number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    days * 86_400_000 + seconds * 1000 + number(20..23)
}

#[test]
fn dates_are_times() {
    for (date, seconds) in [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2024-02-29T23:59:59.000Z", 1_709_251_199),
        ("2024-03-01T00:00:00.000Z", 1_709_251_200),
        ("2026-11-30T23:59:59.000Z", 1_796_083_199),
        ("2026-12-01T00:00:00.000Z", 1_796_083_200),
        ("2027-01-01T00:00:00.000Z", 1_798_761_600),
    ] {
        assert_eq!(millis(date), seconds * 1000, "{date}");
    }
}

impl Playlist {
    #[track_caller]
    pub fn read(text: &str) -> Playlist {
        let mut all = Playlist { text: text.to_owned(), ..Playlist::default() };
        let (mut duration, mut date, mut map, mut key) = (None, None, None, None);
        let (mut discontinuity, mut parts, mut has_discontinuities) = (false, Vec::new(), false);
        let mut gap = false;
        assert!(text.starts_with("#EXTM3U\n"), "{text}");
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-VERSION" => all.version = value.parse().expect("a number"),
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
                "#EXT-X-GAP" => gap = true,
                "#EXT-X-MAP" => map = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-KEY" => key = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-PART" => {
                    let uri = attribute(line, "URI").expect("a name").to_owned();
                    let length = attribute(line, "DURATION").expect("a length");
                    let independent = attribute(line, "INDEPENDENT") == Some("YES");
                    parts.push((uri, length.parse().expect("a number"), independent));
                }
                "#EXT-X-PRELOAD-HINT" => all.hint = attribute(line, "URI").map(str::to_owned),
                "#EXT-X-INDEPENDENT-SEGMENTS" => all.independent = true,
                "#EXT-X-SERVER-CONTROL" => all.control = Some(line.to_owned()),
                "#EXT-X-RENDITION-REPORT" => {
                    let number = |name| attribute(line, name).map(|it| it.parse().expect("one"));
                    let uri = attribute(line, "URI").expect("a name").to_owned();
                    all.reports.push((uri, number("LAST-MSN").expect("one"), number("LAST-PART")));
                }
                "#EXT-X-ENDLIST" => all.ended = true,
                _ if !line.is_empty() && !line.starts_with('#') => {
                    all.segments.push(Segment {
                        uri: line.to_owned(),
                        duration: duration.take().expect("a length"),
                        // Of what is missing it may not be known.
                        date: date.take().or(gap.then_some(0)).expect("a date"),
                        discontinuity: std::mem::take(&mut discontinuity),
                        gap: std::mem::take(&mut gap),
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

    /// The newest segment, and the newest part of that.
    pub fn newest(&self) -> (u64, Option<u64>) {
        let last_of = |parts: &[_]| (parts.len() as u64).checked_sub(1);
        match last_of(&self.open) {
            None => (self.end() - 1, self.segments.last().and_then(|it| last_of(&it.parts))),
            part => (self.end(), part),
        }
    }

    /// How long all segments are, in seconds.
    pub fn length(&self) -> f64 {
        self.segments.iter().map(|segment| segment.duration).sum()
    }

    /// The least version that has a place for what is in it (RFC 8216 §7, bis §8). Apple's players refuse `EXT-X-SERVER-CONTROL`
    /// in one that is older than 9.
    pub fn least_version(&self) -> u64 {
        let of_line = |line: &str| match line.split(':').next() {
            Some("#EXT-X-SKIP" | "#EXT-X-SERVER-CONTROL" | "#EXT-X-PART" | "#EXT-X-PART-INF") => 9,
            Some("#EXT-X-DEFINE") => 8,
            Some("#EXT-X-MAP") => 6,
            Some("#EXT-X-KEY") if line.contains("KEYFORMAT") => 5,
            Some("#EXT-X-BYTERANGE" | "#EXT-X-I-FRAMES-ONLY") => 4,
            Some("#EXTINF") if line.contains('.') => 3,
            Some("#EXT-X-KEY") if attribute(line, "IV").is_some() => 2,
            _ => 1,
        };
        self.text.lines().map(of_line).max().unwrap_or(1)
    }
}
