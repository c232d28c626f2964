//! Follows a description as players of DASH do, and knows the rules that it must keep (ISO 23009-1; DASH-IF's guidelines for live
//! services).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use support::{Answer, Server};

use crate::checker::{Playlist, millis};
use crate::dash::values;
use crate::times;

/// What has the same tracks and one clock.
#[derive(Clone, Debug)]
pub struct Period {
    pub id: u64,
    /// Milliseconds behind the beginning of the presentation.
    pub start: u64,
    /// Milliseconds; `None`: it goes on.
    pub duration: Option<u64>,
    pub sets: Vec<Set>,
}

/// A track.
#[derive(Clone, Debug)]
pub struct Set {
    kind: String,
    scale: u64,
    offset: u64,
    init: String,
    pub media: String,
    /// Beginning and length of each segment, where they are told.
    pub segments: Vec<(u64, u64)>,
    /// Else the number of the first, and how long each is.
    pub numbers: Option<(u64, u64)>,
    /// By how many milliseconds a segment can be had before it is whole.
    early: u64,
}

/// A description.
#[derive(Clone, Debug)]
pub struct Description {
    pub published: u64,
    /// Milliseconds that players may go back.
    pub shift: u64,
    pub periods: Vec<Period>,
    pub ended: bool,
    pub text: String,
}

fn number(text: &str, name: &str) -> Option<u64> {
    values(text, name).first().map(|value| value.parse().expect("a number"))
}

/// `PT1790000000.123S`
fn length(text: &str) -> u64 {
    let seconds = text.strip_prefix("PT").and_then(|rest| rest.strip_suffix('S'));
    let (seconds, part) = seconds.map(|it| it.split_once('.').unwrap_or((it, "000"))).expect("it");
    assert_eq!(part.len(), 3, "{text}");
    seconds.parse::<u64>().expect("seconds") * 1000 + part.parse::<u64>().expect("milliseconds")
}

/// The elements of this name, each with what is in it.
fn elements<'t>(text: &'t str, name: &str) -> impl Iterator<Item = String> + 't {
    let (from, to) = (format!("<{name} "), format!("</{name}>"));
    let parts: Vec<&str> = text.split(&from).skip(1).collect();
    parts.into_iter().map(move |it| format!(" {}", it.split(&to).next().unwrap_or(it)))
}

impl Set {
    #[track_caller]
    fn read(text: &str) -> Set {
        let one = |name| values(text, name).first().cloned().expect("an attribute");
        let (mut segments, mut end) = (Vec::new(), None);
        for run in text.split("<S ").skip(1) {
            let run = format!(" {}", run.split("/>").next().expect("its end"));
            let (told, length) = (number(&run, "t"), number(&run, "d").expect("a length"));
            assert!(length > 0, "{text}");
            // Neither a gap nor an overlap.
            assert!(told.is_none() || end.is_none() || told == end, "{text}");
            let mut at = told.or(end).expect("a time");
            for _ in 0..=number(&run, "r").unwrap_or(0) {
                segments.push((at, length));
                at += length;
            }
            end = Some(at);
        }
        Set {
            kind: one("contentType"),
            scale: one("timescale").parse().expect("a number"),
            offset: number(text, "presentationTimeOffset").unwrap_or(0),
            init: one("initialization"),
            media: one("media"),
            numbers: number(text, "startNumber")
                .filter(|_| segments.is_empty())
                .map(|start| (start, number(text, "duration").expect("how long segments are"))),
            early: values(text, "availabilityTimeOffset")
                .first()
                .map_or(0, |told| (told.parse::<f64>().expect("seconds") * 1000.0) as u64),
            segments,
        }
    }

    /// The numbers that a player may ask for at a time of the presentation, in milliseconds, which may go back so far.
    pub fn numbers_at(&self, period: &Period, now: u64, shift: u64) -> Range<u64> {
        let (start, length) = (self.numbers.expect("numbers").0, self.by_number(period.id).1);
        let since = now.saturating_sub(period.start);
        let oldest = since.saturating_sub(shift).div_ceil(length);
        start + oldest..start + (since + self.early) / length
    }

    /// When a segment begins by its number, in milliseconds behind the period's beginning; and how long it is.
    fn by_number(&self, number: u64) -> (u64, u64) {
        let (start, length) = self.numbers.expect("numbers");
        ((number - start) * length * 1000 / self.scale, length * 1000 / self.scale)
    }
}

impl Description {
    #[track_caller]
    pub fn read(text: &str) -> Description {
        assert!(text.trim_end().ends_with("</MPD>"), "torn: {text}");
        assert_eq!(values(text, "availabilityStartTime"), ["1970-01-01T00:00:00.000Z"], "{text}");
        let periods = elements(text, "Period").map(|period| Period {
            id: number(&period, "id").expect("a name"),
            start: length(&values(&period, "start")[0]),
            duration: {
                let head = period.split('>').next().unwrap_or_default();
                values(head, "duration").first().map(|told| length(told))
            },
            sets: elements(&period, "AdaptationSet").map(|it| Set::read(&it)).collect(),
        });
        Description {
            published: millis(&values(text, "publishTime")[0]),
            shift: length(&values(text, "timeShiftBufferDepth")[0]),
            periods: periods.collect(),
            ended: text.contains("mediaPresentationDuration"),
            text: text.to_owned(),
        }
    }
}

/// Follows a description.
pub struct Follower {
    directory: String,
    list: String,
    before: Option<Description>,
    /// Of periods: when they begin, and what is subtracted from times of media.
    known: BTreeMap<u64, (u64, Vec<u64>)>,
    /// Of tracks of periods: which segments there were.
    segments: BTreeMap<(u64, String), BTreeMap<u64, u64>>,
    bytes: HashMap<String, Vec<u8>>,
    /// The newest segment by its number.
    pub newest: u64,
    /// Of which tracks there is nothing in which segments.
    gaps: BTreeSet<(String, u64)>,
}

impl Follower {
    pub fn new(path: &str) -> Follower {
        let (directory, list) = path.rsplit_once('/').expect("a path");
        let (known, segments, bytes, newest, gaps) = Default::default();
        let (directory, list) = (format!("{directory}/"), list.to_owned());
        Follower { directory, list, before: None, known, segments, bytes, newest, gaps }
    }

    fn fetch(&self, server: &Server, name: &str) -> Answer {
        server.get(&format!("{}{name}", self.directory))
    }

    /// The description as it is now, if there is one; it must be one that may follow what was seen before.
    #[track_caller]
    pub fn look(&mut self, server: &Server) -> Option<Description> {
        let answer = self.fetch(server, &self.list);
        if answer.status == 404 && self.before.is_none() {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", server.error_log());
        let now = Description::read(&answer.text());
        self.rules(&now);
        for period in &now.periods {
            for set in &period.sets {
                self.set(server, period, set, &now.text);
            }
        }
        self.numbers(server, &now);
        self.before = Some(now.clone());
        Some(now)
    }

    fn rules(&mut self, now: &Description) {
        let text = &now.text;
        if let Some(before) = &self.before {
            let told = || format!("{}\nis followed by\n{text}", before.text);
            assert!(now.published >= before.published, "{}", told());
            assert!(now.periods[0].start >= before.periods[0].start, "{}", told());
            let newest = |of: &Description| of.periods.last().map(|last| last.id);
            assert!(newest(now) >= newest(before), "{}", told());
        }
        for period in &now.periods {
            let offsets: Vec<u64> = period.sets.iter().map(|set| set.offset).collect();
            let told = (period.start, offsets);
            let known = self.known.entry(period.id).or_insert_with(|| told.clone());
            assert_eq!(*known, told, "{}: {text}", period.id);
        }
        for pair in now.periods.windows(2) {
            assert!(pair[1].start > pair[0].start && pair[1].id > pair[0].id, "{text}");
            if pair[0].sets.iter().any(|set| set.numbers.is_some()) {
                continue;
            }
            // What is beyond the next one's beginning is not played.
            let ends = pair[0].sets.iter().map(|set| {
                let end = set.segments.last().map_or(0, |(at, length)| at + length);
                pair[0].start + (end.saturating_sub(set.offset) * 1000).div_ceil(set.scale)
            });
            let end = ends.max().expect("a track");
            let next = pair[1].start;
            assert!(end <= next + 60, "{end} ms and {next} overlap: {text}");
            // Where there is nothing, nothing is promised.
            let told = pair[0].duration.map(|duration| pair[0].start + duration);
            assert!(told.is_some_and(|told| told == end.min(next)), "{told:?}, not {end}: {text}");
        }
        assert_eq!(now.periods.last().and_then(|last| last.duration), None, "{text}");
    }

    /// Each segment is there, is what is said, and stays what it was.
    fn set(&mut self, server: &Server, period: &Period, set: &Set, text: &str) {
        if set.numbers.is_some() {
            return drop(self.same(server, &set.init));
        }
        let place = (period.id, set.kind.clone());
        let known = self.segments.entry(place).or_default();
        let first = set.segments.first().expect("segments").0;
        let listed: BTreeMap<u64, u64> = set.segments.iter().copied().collect();
        let still: BTreeMap<u64, u64> = known.range(first..).map(|(at, it)| (*at, *it)).collect();
        assert!(
            still.iter().all(|(at, length)| listed.get(at) == Some(length)),
            "{still:?} {text}"
        );
        known.extend(&listed);
        let init = self.same(server, &set.init);
        for (at, length) in &set.segments {
            let name = set.media.replace("$Time$", &at.to_string());
            let is_new = !self.bytes.contains_key(&name);
            let bytes = self.same(server, &name);
            if is_new {
                let times = times::of_fragments(&init, &bytes).expect("frames");
                let told = |units: u64| units as f64 / set.scale as f64;
                let fits = (times.first - told(*at)).abs() < 0.001
                    && times.length.is_none_or(|it| (it - told(*length)).abs() < 0.001);
                assert!(fits, "{name}: {times:?}, told {} {}", told(*at), told(*length));
            }
        }
    }

    /// Where segments are told by numbers, those are there that players may go back to: as far as is said, from the newest on.
    fn numbers(&mut self, server: &Server, now: &Description) {
        let numbered = |period: &Period| period.sets.iter().all(|set| set.numbers.is_some());
        let Some(last) = now.periods.last().filter(|last| numbered(last)) else { return };
        let lists = ["video", "audio"].map(|track| {
            let list = format!("{}{track}.m3u8", self.directory.replace("/dash/", "/hls/"));
            let list = Playlist::read(&server.get(&list).text());
            // Of a worker that has died there may be sound alone.
            let gaps = (list.sequence..).zip(&list.segments).filter(|(_, segment)| segment.gap);
            self.gaps.extend(gaps.map(|(number, _)| (track.to_owned(), number)));
            list
        });
        let newest = lists[0].end() - 1;
        if lists[0].segments.last().is_none_or(|it| it.map.as_ref() != Some(&last.sets[0].init)) {
            // The next period has begun meanwhile.
            return;
        }
        assert!(newest >= self.newest, "{newest} after {}", self.newest);
        self.newest = newest;
        let (begin, length) = last.sets[0].by_number(newest);
        let oldest = (last.start + begin + length).saturating_sub(now.shift);
        let mut end = newest + 1;
        for period in now.periods.iter().rev() {
            for set in period.sets.iter().filter(|set| set.numbers.is_some()) {
                assert_eq!(set.numbers.map(|it| it.0), Some(period.id), "{}", now.text);
                let is_in = |number: &u64| period.start + set.by_number(*number).0 >= oldest;
                for number in (period.id..end).filter(is_in) {
                    self.numbered(server, number, set, &now.text);
                }
            }
            end = period.id;
        }
    }

    /// A segment by its number is there, stays what it was, and begins about when its number says.
    fn numbered(&mut self, server: &Server, number: u64, set: &Set, text: &str) {
        let name = set.media.replace("$Number$", &number.to_string());
        let answer = self.fetch(server, &name);
        if answer.status == 404 && self.gaps.contains(&(set.kind.clone(), number)) {
            return;
        }
        assert_eq!(answer.status, 200, "{name}, and {:?} are gaps\n{text}", self.gaps);
        let is_new = !self.bytes.contains_key(&name);
        let bytes = self.keep(&name, answer);
        if is_new {
            let init = self.same(server, &set.init);
            let times = times::of_fragments(&init, &bytes).expect("frames");
            let begins = (times.first - set.offset as f64 / set.scale as f64) * 1000.0;
            let (told, length) = set.by_number(number);
            assert!(
                (begins - told as f64).abs() <= length as f64 / 2.0,
                "{name}: {begins}, {told}"
            );
        }
    }

    /// The bytes of this name, which are always the same.
    fn same(&mut self, server: &Server, name: &str) -> Vec<u8> {
        let answer = self.fetch(server, name);
        self.keep(name, answer)
    }

    /// The same of an answer that has come.
    #[track_caller]
    pub fn keep(&mut self, name: &str, answer: Answer) -> Vec<u8> {
        assert_eq!(answer.status, 200, "{name}");
        let known = self.bytes.entry(name.to_owned()).or_insert_with(|| answer.body.clone());
        assert!(*known == answer.body, "{name} has other bytes");
        answer.body
    }

    /// The periods that were seen.
    pub fn periods(&self) -> usize {
        self.known.len()
    }

    /// No segment is missing in what was seen of each track of each period.
    #[track_caller]
    pub fn has_no_gap(&self) {
        for (place, segments) in &self.segments {
            let all: Vec<(&u64, &u64)> = segments.iter().collect();
            assert!(all.windows(2).all(|it| it[0].0 + it[0].1 == *it[1].0), "{place:?} {all:?}");
        }
    }
}
