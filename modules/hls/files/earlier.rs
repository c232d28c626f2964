//! What the playlist of a recording lists beyond what is in memory: whoever goes on with the stream does not shorten it.

use std::fmt::Write;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use proto::hls::Media;

use crate::archive::disk;
use crate::archive::{Behind, Told};

/// A longer playlist is not read: a day of segments of a second has half of it.
const LONGEST: u64 = 16 << 20;
/// More segments that nobody has written are not listed as gaps.
const MOST_GAPS: u64 = 1000;
/// Players in browsers count no further: what a list says that goes beyond is not to be gone on with.
const MOST_NUMBER: u64 = 1 << 53;
/// Players may have been shown so many segments from memory that were not listed yet when everything ended.
const SHOWN: u64 = 16;

/// How a playlist of ours names files.
pub struct Ours {
    /// What the names of segments begin with, and of what a decoder needs first.
    pub files: String,
    /// What the names of keys begin with; `None`: there are none.
    pub keys: Option<String>,
}

/// A playlist as it was written.
#[derive(Debug, Default, PartialEq)]
pub struct Earlier {
    target: u32,
    /// The number of the first segment.
    sequence: u64,
    discontinuity_sequence: u64,
    independent: bool,
    /// Nothing was to come any more.
    ended: bool,
    entries: Vec<Entry>,
}

/// A segment, with the tags before it.
#[derive(Debug, Default, PartialEq)]
struct Entry {
    lines: String,
    /// The end of its name.
    file: String,
    discontinuity: bool,
    gap: bool,
    map: bool,
    key: bool,
}

impl Earlier {
    /// Reads a playlist. `None`: there is none.
    pub fn read(path: &Path, ours: &Ours) -> io::Result<Option<Earlier>> {
        let file = match disk::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text)?;
        let fits = text.len() as u64 <= LONGEST;
        let parsed = fits.then(|| Earlier::parse(&text, ours)).flatten();
        parsed.ok_or(ErrorKind::InvalidData.into()).map(Some)
    }

    /// Reads one that is in memory. `None`: somebody else has written it.
    pub fn parse(text: &str, ours: &Ours) -> Option<Earlier> {
        let mut earlier = Earlier::default();
        let (mut entry, mut is_event) = (Entry::default(), false);
        let text = text.strip_prefix("#EXTM3U\n")?;
        for line in text.strip_suffix('\n')?.split('\n') {
            if line.chars().any(char::is_control) {
                return None;
            }
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-VERSION" => continue,
                "#EXT-X-ENDLIST" => earlier.ended = true,
                "#EXT-X-TARGETDURATION" => earlier.target = value.parse().ok()?,
                "#EXT-X-MEDIA-SEQUENCE" => earlier.sequence = value.parse().ok()?,
                "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                    earlier.discontinuity_sequence = value.parse().ok()?;
                }
                "#EXT-X-PLAYLIST-TYPE" => is_event = value == "EVENT",
                "#EXT-X-INDEPENDENT-SEGMENTS" => earlier.independent = true,
                _ => {
                    entry.add(line, tag, value, ours)?;
                    if !line.starts_with('#') {
                        earlier.entries.push(std::mem::take(&mut entry));
                    }
                }
            }
        }
        // Nobody counts as far as numbers go.
        let count = earlier.entries.len() as u64 + 1;
        let is_number = |first: u64| first.checked_add(count).is_some_and(|end| end < MOST_NUMBER);
        if !is_number(earlier.sequence) || !is_number(earlier.discontinuity_sequence) {
            return None;
        }
        (is_event && entry.lines.is_empty()).then_some(earlier)
    }

    /// Segments by their numbers: the ends of their names, and whether their files are there.
    pub fn segments(&self) -> impl Iterator<Item = (u64, &str, bool)> {
        let entries = (self.sequence..).zip(&self.entries);
        entries.map(|(msn, entry)| (msn, &entry.file[..], !entry.gap))
    }

    /// From where a stream is counted that no memory tells of.
    pub fn behind(&self) -> Option<Behind> {
        let count = self.entries.len() as u64;
        let own = self.entries.iter().filter(|entry| entry.discontinuity).count() as u64;
        let shown = if self.ended { 0 } else { SHOWN };
        let next = self.sequence.checked_add(count + shown).filter(|_| count > 0)?;
        let discontinuities = self.discontinuity_sequence + own;
        Some(Behind { next, told: Some(Told { discontinuities, target: self.target }) })
    }

    /// What was before the first segment is listed before it. Nothing is, if this is not the playlist of the same stream.
    pub fn put_before(&self, media: &mut Media, ours: &Ours) {
        let Some(count) = media.sequence.checked_sub(self.sequence).filter(|&count| count > 0)
        else {
            return;
        };
        let known = self.entries.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        let entries = &self.entries[..known];
        let gaps = count - known as u64;
        let own = entries.iter().filter(|entry| entry.discontinuity).count() as u64;
        let lost = media.discontinuity_sequence.checked_sub(self.discontinuity_sequence + own);
        let has_map = media.segments.first().is_some_and(|first| first.map.is_some());
        let fits = gaps <= MOST_GAPS
            && lost.is_some_and(|lost| lost <= gaps)
            // Nothing ends what a map is for.
            && (has_map || !entries.iter().any(|entry| entry.map));
        if !fits {
            return;
        }
        let mut out: String = entries.iter().map(|entry| &entry.lines[..]).collect();
        if entries.iter().any(|entry| entry.key) {
            out.push_str("#EXT-X-KEY:METHOD=NONE\n");
        }
        for number in 0..gaps {
            if lost.is_some_and(|lost| number < lost) {
                out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let (target, msn) = (media.target, self.sequence + known as u64 + number);
            let extension = if has_map { "m4s" } else { "ts" };
            let _ = write!(out, "#EXT-X-GAP\n#EXTINF:{target}.000,\n");
            let _ = writeln!(out, "{}{msn}.{extension}", ours.files);
        }
        media.earlier = out;
        media.sequence = self.sequence;
        media.discontinuity_sequence = self.discontinuity_sequence;
        media.target = media.target.max(self.target);
        media.independent &= self.independent;
    }
}

impl Entry {
    /// `None`: the line is none of ours.
    fn add(&mut self, line: &str, tag: &str, value: &str, ours: &Ours) -> Option<()> {
        match tag {
            "#EXT-X-DISCONTINUITY" => self.discontinuity = true,
            "#EXT-X-GAP" => self.gap = true,
            "#EXT-X-MAP" => {
                let uri = value.strip_prefix("URI=\"")?.strip_suffix('"')?;
                let version = uri.strip_prefix(&*ours.files)?.strip_prefix("init-")?;
                is_number(version.strip_suffix(".mp4")?).then_some(())?;
                self.map = true;
            }
            "#EXT-X-KEY" if value == "METHOD=NONE" => {}
            "#EXT-X-KEY" => {
                let uri = value.strip_prefix("METHOD=AES-128,URI=\"")?;
                let (number, iv) =
                    uri.strip_prefix(&**ours.keys.as_ref()?)?.split_once(".key\",IV=0x")?;
                let is_iv = iv.len() == 32 && iv.bytes().all(|byte| byte.is_ascii_hexdigit());
                (is_iv && is_number(number)).then_some(())?;
                self.key = true;
            }
            "#EXTINF" => {
                let length = value.strip_suffix(',')?;
                length.parse::<f64>().ok().filter(|length| length.is_finite() && *length > 0.0)?;
            }
            "#EXT-X-PROGRAM-DATE-TIME" | "#EXT-X-DATERANGE" => {}
            "#EXT-X-CUE-OUT" | "#EXT-X-CUE-OUT-CONT" | "#EXT-X-CUE-IN" => {}
            _ => {
                // A segment: nothing without its length.
                self.lines.contains("#EXTINF:").then_some(())?;
                let file = line.strip_prefix(&*ours.files)?;
                let number = file.strip_suffix(".ts").or_else(|| file.strip_suffix(".m4s"))?;
                number.splitn(2, '-').all(is_number).then_some(())?;
                file.clone_into(&mut self.file);
            }
        }
        self.lines.push_str(line);
        self.lines.push('\n');
        Some(())
    }
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proto::hls::{Kind, Segment, playlist};

    use super::*;

    fn ours() -> Ours {
        Ours { files: "s-".to_owned(), keys: Some("../keys/s-".to_owned()) }
    }

    fn media(sequence: u64, count: u64) -> Media {
        let segment = |msn: u64| Segment {
            uri: Some(format!("s-{msn}.m4s")),
            duration: (1001, 1000),
            wall: 1_790_000_000_000 + msn * 1000,
            map: Some("s-init-7.mp4".to_owned()),
            gap: msn == 12,
            discontinuity: msn == 11,
            key: Some(proto::hls::Key { uri: format!("../keys/s-{msn}.key"), iv: msn.into() }),
            ..Segment::default()
        };
        Media {
            target: 1,
            sequence,
            discontinuity_sequence: if sequence > 11 { 6 } else { 5 },
            kind: Kind::Event,
            independent: true,
            segments: (sequence..sequence + count).map(segment).collect(),
            ..Media::default()
        }
    }

    #[test]
    fn what_was_listed_stays() {
        let text = playlist(&media(10, 10), false);
        let earlier = Earlier::parse(&text, &ours()).expect("a playlist");
        let there: Vec<bool> = earlier.segments().map(|(_, _, there)| there).collect();
        assert_eq!((there.len(), there[1], there[2]), (10, true, false));
        for (from, gaps) in [(10, 0), (11, 0), (15, 0), (20, 0), (23, 3)] {
            let mut now = media(from, 5);
            earlier.put_before(&mut now, &ours());
            let now = playlist(&now, false);
            let uris = |text: &str| -> Vec<String> {
                text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
            };
            let wanted: Vec<String> = (10..from + 5).map(|msn| format!("s-{msn}.m4s")).collect();
            assert_eq!(uris(&now), wanted, "{now}");
            assert!(now.contains("MEDIA-SEQUENCE:10\n#EXT-X-DISCONTINUITY-SEQUENCE:5\n"), "{now}");
            assert_eq!(now.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{now}");
            assert_eq!(now.matches("#EXT-X-GAP").count(), gaps + 1, "{now}");
            // Read again it is the same, as often as workers change.
            assert!(Earlier::parse(&now, &ours()).is_some(), "{now}");
        }
    }

    #[test]
    fn what_is_another_streams_is_not_put_before() {
        let earlier = Earlier::parse(&playlist(&media(10, 10), false), &ours()).expect("one");
        let mut far = media(20 + MOST_GAPS + 1, 1);
        let mut elsewhere = media(20, 1);
        elsewhere.discontinuity_sequence = 5;
        let mut stream = media(20, 1);
        stream.segments[0].map = None;
        for media in [&mut far, &mut elsewhere, &mut stream] {
            earlier.put_before(media, &ours());
            assert!(media.earlier.is_empty() && media.sequence >= 20);
        }
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        let good = playlist(&media(10, 3), false);
        for (from, to) in [
            ("s-10.m4s", "../../etc/passwd"),
            ("s-10.m4s", "http://elsewhere/s-10.m4s"),
            ("s-10.m4s", "s-10/../x.m4s"),
            ("s-10.m4s", "s-10.exe"),
            ("s-10.m4s", "s-.m4s"),
            ("s-init-7.mp4", "t-init-7.mp4"),
            ("../keys/s-10.key", "../keys/x.key"),
            ("#EXTINF:1.001,", "#EXTINF:NaN,"),
            ("#EXTINF:1.001,\ns-10.m4s", "s-10.m4s"),
            ("EVENT", "VOD"),
            ("#EXT-X-GAP", "#EXT-X-DEFINE:NAME=\"a\""),
            ("SEQUENCE:10", "SEQUENCE:-1"),
            ("MEDIA-SEQUENCE:10", "MEDIA-SEQUENCE:18446744073709551613"),
            ("DISCONTINUITY-SEQUENCE:5", "DISCONTINUITY-SEQUENCE:18446744073709551613"),
            ("MEDIA-SEQUENCE:10", "MEDIA-SEQUENCE:9007199254740988"),
            ("DISCONTINUITY-SEQUENCE:5", "DISCONTINUITY-SEQUENCE:9007199254740988"),
            ("#EXTM3U\n", ""),
            ("#EXT-X-GAP", "#EXT-X-GAP\r"),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(Earlier::parse(&good.replacen(from, to, 1), &ours()), None, "{to}");
        }
        for len in 0..good.len() {
            let _ = Earlier::parse(&good[..len], &ours());
        }
    }
}
