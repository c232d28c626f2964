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

fn tag() -> impl Strategy<Value = Seen> {
    (0u8..32, any::<u32>(), prop::collection::vec(any::<u8>(), 0..60))
}

proptest! {
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
