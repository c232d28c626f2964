//! FLV files, and what is in audio and video payloads.

use proptest::prelude::*;
use proto::flv::file::Error;
use proto::flv::{
    Audio, AudioCodec, Reader, Video, VideoCodec, aac, avc, header, previous_tag_size, tag_header,
};

/// Kind, timestamp, payload.
type Seen = (u8, u32, Vec<u8>);

fn written(tags: &[Seen]) -> Vec<u8> {
    let mut out = header(true, true).to_vec();
    for (kind, timestamp, payload) in tags {
        out.extend_from_slice(&tag_header(*kind, payload.len(), *timestamp));
        out.extend_from_slice(payload);
        out.extend_from_slice(&previous_tag_size(payload.len()));
    }
    out
}

fn read(max: usize, input: &[u8], piece: usize) -> Result<Vec<Seen>, Error> {
    let (mut reader, mut seen) = (Reader::new(max), Vec::new());
    for part in input.chunks(piece) {
        reader.feed(part, |tag| {
            assert_eq!(tag.back.to_be_bytes(), previous_tag_size(tag.payload.len()));
            seen.push((tag.kind, tag.timestamp, tag.payload.to_vec()));
        })?;
    }
    assert_eq!(reader.flags(), Some(5));
    Ok(seen)
}

#[test]
fn a_file() {
    assert_eq!(header(true, true), *b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    assert_eq!(header(true, false)[4], 4);
    assert_eq!(header(false, true)[4], 1);
    assert_eq!(tag_header(9, 0x010203, 0x0405_0607), [9, 1, 2, 3, 5, 6, 7, 4, 0, 0, 0]);
    assert_eq!(previous_tag_size(0x100), [0, 0, 1, 11]);
    let tags = [(18, 0, b"meta".to_vec()), (8, 0, vec![]), (9, u32::MAX, vec![7; 300])];
    let file = written(&tags);
    for piece in [1, 2, 11, 13, 300, 1000] {
        assert_eq!(read(300, &file, piece), Ok(tags.to_vec()), "{piece}");
        assert_eq!(read(299, &file, piece), Err(Error::TooLong), "{piece}");
    }
    for bad in [&b"GIF"[..], b"FLV\x02", b"flv\x01", b"\0"] {
        assert_eq!(Reader::new(10).feed(bad, |_| ()), Err(Error::NotFlv));
    }
    assert_eq!(Reader::new(10).feed(b"FLV\x01\x05\xff\0\0\x09", |_| ()), Err(Error::TooLong));
}

fn video(payload: &[u8]) -> Video {
    Video::of(payload).unwrap_or_else(|| panic!("{payload:?}"))
}

/// The flags, in words.
fn what(payload: &[u8]) -> String {
    let video = video(payload);
    let flags = [
        (video.key, "key"),
        (video.header, "header"),
        (video.end, "end"),
        (video.disposable, "disposable"),
        (video.metadata, "metadata"),
        (video.tracks, "tracks"),
        (video.extended, "extended"),
    ];
    let words: Vec<_> = flags.into_iter().filter(|(flag, _)| *flag).map(|(_, word)| word).collect();
    format!("{} {}", video.codec.name(), words.join(" ")).trim_end().to_owned()
}

#[test]
fn legacy_video() {
    assert_eq!(what(&[0x17, 0, 0, 0, 0, 1]), "H264 header");
    assert_eq!(what(&[0x17, 1, 0, 0, 0, 1]), "H264 key");
    assert_eq!(what(&[0x27, 1, 0, 0, 0, 1]), "H264");
    assert_eq!(what(&[0x37, 1, 0, 0, 0, 1]), "H264 disposable");
    assert_eq!(what(&[0x17, 2, 0, 0, 0]), "H264 end");
    assert_eq!(what(&[0x27, 2, 0, 0, 0]), "H264 end");
    assert_eq!(what(&[0x1C, 0, 0, 0, 0]), "H265 header");
    assert_eq!(what(&[0x1C, 1, 0, 0, 0]), "H265 key");
    assert_eq!(what(&[0x57, 0]), "H264 metadata");
    assert_eq!(what(&[0x12]), "Sorenson-H263 key");
    assert_eq!(what(&[0x34, 0]), "On2-VP6 disposable");
    // One byte is all there is: nothing that a player could begin with.
    assert_eq!(what(&[0x17]), "H264");
    assert_eq!(Video::of(&[]), None);
    let of = |payload: &[u8]| (video(payload).composition, video(payload).body);
    assert_eq!(of(&[0x27, 1, 0, 0, 80, 9]), (80, 5));
    assert_eq!(of(&[0x27, 1, 0xFF, 0xFF, 0xD8, 9]), (-40, 5));
    assert_eq!(of(&[0x27, 1, 0]), (0, 3));
    assert_eq!(of(&[0x22, 1, 0]), (0, 1));
}

#[test]
fn extended_video() {
    let of = |first: u8, rest: &[&[u8]]| what(&[&[first], &rest.concat()[..]].concat());
    assert_eq!(of(0x90, &[b"hvc1", &[1]]), "H265 header extended");
    assert_eq!(of(0x91, &[b"hvc1", &[0, 0, 0, 1]]), "H265 key extended");
    assert_eq!(of(0xA1, &[b"hvc1", &[0, 0, 0, 1]]), "H265 extended");
    assert_eq!(of(0x93, &[b"hvc1", &[1]]), "H265 key extended");
    assert_eq!(of(0xB3, &[b"hvc1", &[1]]), "H265 disposable extended");
    assert_eq!(of(0x92, &[b"hvc1"]), "H265 end extended");
    assert_eq!(of(0x94, &[b"av01", &[2]]), "AV1 metadata extended");
    assert_eq!(of(0xD4, &[b"av01", &[2]]), "AV1 metadata extended");
    assert_eq!(of(0x95, &[b"av01", &[1]]), "AV1 header extended");
    assert_eq!(of(0xD1, &[&[0]]), " metadata extended");
    for (code, name) in
        [(b"avc1", "H264"), (b"av01", "AV1"), (b"vp08", "VP8"), (b"vp09", "VP9"), (b"vvc1", "H266")]
    {
        assert_eq!(of(0x91, &[code]), format!("{name} key extended"));
    }
    assert_eq!(video(b"\x91abcd").codec, VideoCodec::Other(*b"abcd"));
    // ModEx: a nanosecond offset; then one of 257 bytes; both.
    let nano = [2, 0, 0, 5];
    let long = [&[255, 1, 0][..], &[7; 257]].concat();
    assert_eq!(of(0x97, &[&nano, &[0x01], b"hvc1"]), "H265 key extended");
    assert_eq!(of(0x97, &[&long, &[0x00], b"hvc1"]), "H265 header extended");
    assert_eq!(of(0x97, &[&nano, &[0x07], &long, &[0x03], b"av01"]), "AV1 key extended");
    // Tracks: one, many, many codecs.
    assert_eq!(of(0x96, &[&[0x00], b"hvc1", &[1, 9]]), "H265 header tracks extended");
    assert_eq!(of(0x96, &[&[0x11], b"hvc1", &[0, 0, 0, 9]]), "H265 key tracks extended");
    assert_eq!(of(0xA6, &[&[0x23], b"av01", &[0, 0, 0, 9]]), "AV1 tracks extended");
    assert_eq!(of(0x97, &[&nano, &[0x06, 0x01], b"av01", &[0]]), "AV1 key tracks extended");
    for bad in [
        &b"\x90"[..],
        b"\x90hvc",
        b"\x97",
        b"\x97\x02\0\0\0",
        b"\x97\xff\xff\xff",
        b"\x96",
        b"\x96\x06hvc1",
        b"\x96\x31hvc1",
        b"\x96\x01hv",
    ] {
        assert_eq!(Video::of(bad), None, "{bad:?}");
    }
    let of = |payload: &[u8]| (video(payload).composition, video(payload).body);
    assert_eq!(of(b"\xA1hvc1\xFF\xFF\xFEdata"), (-2, 8));
    assert_eq!(of(b"\xA3hvc1data"), (0, 5));
    assert_eq!(of(b"\xA1av01data"), (0, 5));
    assert_eq!(of(b"\xA6\x01avc1\x00\x00\x00\x07data"), (7, 10));
    assert_eq!(of(b"\xA6\x11avc1\x00\x00\x00\x08\x00\x00\x07data"), (7, 13));
}

#[test]
fn audio() {
    let of = |payload: &[u8]| {
        let audio = Audio::of(payload).unwrap_or_else(|| panic!("{payload:?}"));
        (audio.codec.name(), audio.header, audio.rate, audio.channels, audio.body)
    };
    assert_eq!(of(&[0xAF, 0, 0x12, 0x10]), ("AAC", true, 0, 0, 2));
    assert_eq!(of(&[0xAF, 1, 7]), ("AAC", false, 0, 0, 2));
    assert_eq!(of(&[0xAF]), ("AAC", false, 0, 0, 1));
    assert_eq!(of(&[0x2F, 0]), ("MP3", false, 44_100, 2, 1));
    assert_eq!(of(&[0x2A, 0]), ("MP3", false, 22_050, 1, 1));
    assert_eq!(of(&[0x72]), ("G711A", false, 8_000, 1, 1));
    assert_eq!(of(&[0xB2]), ("Speex", false, 16_000, 1, 1));
    assert_eq!(Audio::of(&[]), None);
    assert_eq!(of(b"\x90OpusOpusHead"), ("Opus", true, 0, 0, 5));
    assert_eq!(of(b"\x91Opus\x01"), ("Opus", false, 0, 0, 5));
    for (code, name) in
        [("fLaC", "FLAC"), (".mp3", "MP3"), ("ac-3", "AC-3"), ("ec-3", "E-AC-3"), ("mp4a", "AAC")]
    {
        assert_eq!(of(&[&[0x91], code.as_bytes()].concat()).0, name);
    }
    assert_eq!(of(b"\x97\x02\0\0\x05\x00mp4a"), ("AAC", true, 0, 0, 10));
    assert_eq!(of(b"\x95\x10mp4a\x00\0\0\x02"), ("AAC", true, 0, 0, 10));
    assert_eq!(of(b"\x95\x01mp4a\x00"), ("AAC", false, 0, 0, 7));
    let audio = |payload: &[u8]| Audio::of(payload).unwrap();
    assert!(
        audio(b"\x92mp4a").end
            && audio(b"\x94mp4a\0\x02").metadata
            && audio(b"\x95\x01mp4a\0").tracks
    );
    assert_eq!(audio(b"\x91abcd").codec, AudioCodec::Other(*b"abcd"));
    for bad in [&b"\x90"[..], b"\x90mp4", b"\x95\x05mp4a", b"\x97\x00"] {
        assert_eq!(Audio::of(bad), None, "{bad:?}");
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// What x264 writes.
#[test]
fn avc_headers() {
    let vectors = [
        (
            "0164000cffe100196764000cacd94141fb0110000003001000000300a0f142996001000668ebe3cb22c0fdf8f800",
            "High",
            12,
            320,
            240,
        ),
        (
            "01640028ffe1001b67640028acd940780227e5c044000003000400000300283c60c65801000668ebe3cb22c0fdf8f800",
            "High",
            40,
            1920,
            1080,
        ),
        (
            "014d4016ffe1001a674d4016eca05017f536022000000300200000030141e2c5b2c001000568ebe3cb20",
            "Main",
            22,
            638,
            358,
        ),
        (
            "01f40016ffe1001c67f40016919b281485fc211180880000030008000003005078b16cb001000668ebe3c44844fff8f800",
            "High 4:4:4",
            22,
            641,
            361,
        ),
        (
            "017a0016ffe1001b677a0016bcd940a42fe227c044000003000400000300283c58b65801000668ebe3cb22c0fef8f800",
            "High 4:2:2",
            22,
            642,
            362,
        ),
        (
            "0142c00affe100176742c00ad902c4ec044000000300400000030283c4899201000568cb83cb20",
            "Baseline",
            10,
            176,
            144,
        ),
        // Interlaced.
        (
            "0164001effe100186764001eacd940b424d8088000000300800000190f8a14cb01000768fba3cb3002c0fdf8f800",
            "High",
            30,
            720,
            576,
        ),
    ];
    for (record, profile, level, width, height) in vectors {
        let record = unhex(record);
        let config = avc::Config::of(&record).unwrap();
        assert_eq!((config.profile_name(), config.level), (profile, level));
        assert_eq!(config.size, Some((width, height)));
        for end in 0..record.len() {
            let cut = avc::Config::of(&record[..end]);
            assert_eq!(cut.is_some(), end >= 6);
        }
    }
    assert_eq!(avc::Config::of(&[1, 66, 0, 30, 0xFF, 0xE0]).map(|config| config.size), Some(None));
    assert_eq!(avc::Config::of(&[0, 66, 0, 30, 0xFF, 0xE0]), None);
}

#[test]
fn aac_headers() {
    let of = |bytes: &[u8]| {
        aac::Config::of(bytes).map(|c| (c.profile_name(), c.rate, c.channels, c.sbr, c.ps))
    };
    assert_eq!(of(&[0x12, 0x10]), Some(("LC", 44_100, 2, false, false)));
    assert_eq!(of(&[0x11, 0x90]), Some(("LC", 48_000, 2, false, false)));
    assert_eq!(of(&[0x0A, 0x08]), Some(("Main", 44_100, 1, false, false)));
    // 7 stands for 8 loudspeakers.
    assert_eq!(of(&[0x11, 0xB8]), Some(("LC", 48_000, 8, false, false)));
    // HE-AAC, 24 kHz that become 48; HE-AAC v2.
    assert_eq!(of(&[0x2B, 0x11, 0x88, 0x00]), Some(("LC", 48_000, 2, true, false)));
    assert_eq!(of(&[0xEB, 0x09, 0x88, 0x00]), Some(("LC", 48_000, 1, true, true)));
    // A rate in full: 44100 is 0xAC44.
    assert_eq!(of(&[0x17, 0x80, 0x56, 0x22, 0x10]), Some(("LC", 44_100, 2, false, false)));
    // Object type 42, xHE-AAC, has no name.
    assert_eq!(of(&[0xF9, 0x46, 0x40]), Some(("", 48_000, 2, false, false)));
    for bad in [&[][..], &[0x12], &[0x16, 0x90], &[0x2B, 0x11]] {
        assert_eq!(of(bad), None, "{bad:?}");
    }
}

/// Writes a sequence parameter set.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(&mut self, bits: u32, value: u32) {
        self.0.extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn unsigned(&mut self, value: u32) {
        let bits = (value + 1).ilog2();
        self.number(bits, 0);
        self.number(bits + 1, value + 1);
    }

    fn signed(&mut self, value: i32) {
        self.unsigned(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// As the payload of a unit: with the bytes that keep zeros apart.
    fn escaped(mut self) -> Vec<u8> {
        self.0.push(true);
        let (mut out, mut zeros) = (Vec::new(), 0);
        for bits in self.0.chunks(8) {
            let byte = bits
                .iter()
                .enumerate()
                .fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at));
            if zeros == 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

#[derive(Clone, Debug)]
struct Set {
    profile: u32,
    chroma: u32,
    apart: bool,
    /// The scales of each list; a list may end early.
    lists: Option<Vec<Option<Vec<i32>>>>,
    order: u32,
    cycle: Vec<i32>,
    mbs: (u32, u32),
    frames: bool,
    crop: Option<[u32; 4]>,
}

impl Set {
    fn write(&self) -> Vec<u8> {
        let mut out = Bits::default();
        out.number(8, self.profile);
        out.number(16, 30);
        out.unsigned(0);
        if self.profile == 100 || self.profile == 244 {
            out.unsigned(self.chroma);
            if self.chroma == 3 {
                out.number(1, self.apart.into());
            }
            out.unsigned(0);
            out.unsigned(0);
            out.number(1, 0);
            out.number(1, self.lists.is_some().into());
            for (index, list) in
                self.lists.iter().flatten().take(if self.chroma == 3 { 12 } else { 8 }).enumerate()
            {
                out.number(1, list.is_some().into());
                let mut last = 8;
                for scale in list.iter().flatten().take(if index < 6 { 16 } else { 64 }) {
                    // The difference that is in the range of a signed byte.
                    out.signed((scale - last + 128).rem_euclid(256) - 128);
                    last = *scale;
                    if last == 0 {
                        break;
                    }
                }
            }
        }
        out.unsigned(4);
        out.unsigned(self.order);
        match self.order {
            0 => out.unsigned(4),
            1 => {
                out.number(1, 0);
                out.signed(-5);
                out.signed(70_000);
                out.unsigned(self.cycle.len() as u32);
                self.cycle.iter().for_each(|offset| out.signed(*offset));
            }
            _ => {}
        }
        out.unsigned(3);
        out.number(1, 0);
        out.unsigned(self.mbs.0 - 1);
        out.unsigned(self.mbs.1 - 1);
        out.number(1, self.frames.into());
        if !self.frames {
            out.number(1, 0);
        }
        out.number(1, 1);
        out.number(1, self.crop.is_some().into());
        self.crop.iter().flatten().for_each(|edge| out.unsigned(*edge));
        out.number(1, 0);
        [&[0x67][..], &out.escaped()].concat()
    }

    /// Table 6-1 and equations 7-19 to 7-22, said another way.
    fn size(&self) -> (u32, u32) {
        let high = self.profile == 100 || self.profile == 244;
        let (x, y) = match (high, self.chroma) {
            (false, _) | (true, 1) => (2, 2),
            (true, 2) => (2, 1),
            _ => (1, 1),
        };
        let fields = 2 - u32::from(self.frames);
        let [left, right, top, bottom] = self.crop.unwrap_or_default();
        (
            self.mbs.0 * 16 - x * (left + right),
            self.mbs.1 * 16 * fields - y * fields * (top + bottom),
        )
    }
}

fn set() -> impl Strategy<Value = Set> {
    // 16 or 64 of them, or fewer and a zero.
    let scales = (prop::collection::vec(1i32..256, 64..65), prop::option::of(0usize..64)).prop_map(
        |(mut scales, end)| {
            if let Some(end) = end {
                scales[end] = 0;
            }
            scales
        },
    );
    let lists = prop::collection::vec(prop::option::of(scales), 12..13);
    let profile = prop_oneof![Just(66u32), Just(77), Just(100), Just(244)];
    let shape = (1u32..260, 1u32..260).prop_map(|mbs| mbs);
    let crop = prop::option::of([0u32..2, 0u32..2, 0u32..2, 0u32..2]);
    (
        (profile, 0u32..4, any::<bool>(), prop::option::of(lists)),
        (0u32..3, prop::collection::vec(-99i32..99, 0..255)),
        (shape, any::<bool>(), crop),
    )
        .prop_map(|((profile, chroma, apart, lists), (order, cycle), (mbs, frames, crop))| {
            Set { profile, chroma, apart, lists, order, cycle, mbs, frames, crop }
        })
}

fn tag() -> impl Strategy<Value = Seen> {
    (0u8..32, any::<u32>(), prop::collection::vec(any::<u8>(), 0..60))
}

proptest! {
    #[test]
    fn the_size_of_any_set(set in set()) {
        let unit = set.write();
        prop_assert_eq!(avc::size(&unit), Some(set.size()));
        for end in 0..unit.len().saturating_sub(3) {
            let _ = avc::size(&unit[..end]);
        }
    }

    #[test]
    fn what_is_written_is_read(tags in prop::collection::vec(tag(), 0..6), piece in 1usize..90) {
        prop_assert_eq!(read(60, &written(&tags), piece), Ok(tags));
    }

    #[test]
    fn nothing_panics(input: Vec<u8>, kind in prop_oneof![Just(0x67u8), any::<u8>()]) {
        let _ = Reader::new(20).feed(&input, |_| ());
        let _ = Reader::new(20).feed(&[&header(true, true), &input[..]].concat(), |_| ());
        let _ = (Audio::of(&input), Video::of(&input), aac::Config::of(&input), avc::Config::of(&input));
        let _ = (avc::size(&input), avc::size(&[&[kind], &input[..]].concat()));
    }
}
