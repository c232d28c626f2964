//! Tracks: what sequence headers and frames tell of them, and the names of their codecs.

use proptest::prelude::*;
use proto::media::{AudioCodec, AudioTrack, Units, VideoCodec, VideoTrack};

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

const AVC: &str = "01640028ffe1001b67640028acd940780227e5c044000003000400000300283c60c65801000668ebe3cb22c0fdf8f800";
// Those of x265 without its comment: 4:4:4; Main 10 in the high tier.
const HEVC: &str = "0104080000009e08000000003ff000fcfff8f800000f03a00001001740010c01ffff0408000003009e0800000300003f959809a10001002d4201010408000003009e0800000300003f9000a2402e39e7cb2b349265780b7020200040000003004000000642a2000100084401c172860c4624";
const HEVC_10: &str = "0122200000009000000000007bf000fcfdfafa00000f03200001001840010c01ffff22200000030090000003000003007b959809210001002c42010122200000030090000003000003007ba005120171c92365959a4932bc05a0200000030020000003032122000100074401c172b46240";
const AV1: &str = "81010c000a0b0000000cc5036900be0010";

#[test]
fn video_tracks() {
    let vectors = [
        (VideoCodec::Avc, AVC, "avc1.640028", (1920, 1080), 5.0),
        (VideoCodec::Hevc, HEVC, "hvc1.4.10.L63.9E.8", (642, 362), 0.0),
        (VideoCodec::Hevc, HEVC_10, "hvc1.2.4.H123.90", (642, 362), 0.0),
        (VideoCodec::Av1, AV1, "av01.0.01M.08", (642, 362), 0.0),
        (VideoCodec::Vp9, "010000000015820202020000", "vp09.00.21.08", (0, 0), 0.0),
        (VideoCodec::Vp9, "021fa20202020000", "vp09.02.31.10", (0, 0), 0.0),
    ];
    for (codec, config, name, size, rate) in vectors {
        let track = VideoTrack::of(codec, &unhex(config)).expect(name);
        assert_eq!((&*track.rfc6381(), track.size, track.frame_rate), (name, size, rate));
        assert!(track.is_same_as(&track.clone()));
    }
    // What Apple's authoring specification has as its example.
    let mut main = unhex("0101600000");
    main.extend(unhex("00b000000000005d"));
    main.resize(23, 0);
    let name = |config: &[u8]| VideoTrack::of(VideoCodec::Hevc, config).unwrap().rfc6381();
    assert_eq!(name(&main), "hvc1.1.6.L93.B0");
    main[6] = 0;
    assert_eq!(name(&main), "hvc1.1.6.L93");
    for (codec, config) in [
        (VideoCodec::Avc, &b"\0\x64\0\x28\xff\xe0"[..]),
        (VideoCodec::Avc, b""),
        (VideoCodec::Hevc, &[1; 22]),
        (VideoCodec::Av1, b"\x01\0\0\0"),
        (VideoCodec::Vp9, b"\0\x1f"),
        (VideoCodec::Vvc, &[1; 40]),
        (VideoCodec::Vp8, b""),
        (VideoCodec::Legacy(2), b""),
    ] {
        assert_eq!(VideoTrack::of(codec, config), None, "{codec:?}");
    }
}

#[test]
fn parameter_sets() {
    let sets = |codec, config: &str| -> Vec<u8> {
        let track = VideoTrack::of(codec, &unhex(config)).unwrap();
        assert_eq!(track.length_size(), 4);
        track.parameter_sets().map(|set| set[0]).collect()
    };
    assert_eq!(sets(VideoCodec::Avc, AVC), [0x67, 0x68]);
    assert_eq!(sets(VideoCodec::Hevc, HEVC), [0x40, 0x42, 0x44]);
    assert_eq!(sets(VideoCodec::Hevc, HEVC_10), [0x40, 0x42, 0x44]);
    let track = VideoTrack::of(VideoCodec::Av1, &unhex(AV1)).unwrap();
    assert_eq!((track.length_size(), track.parameter_sets().count()), (0, 0));
}

#[test]
fn audio_tracks() {
    let track = |codec, config: &str| {
        let track = AudioTrack::of(codec, &unhex(config), 0, 0)?;
        let samples = track.samples(&[0xFC, 0]);
        Some((track.rfc6381(), track.timescale(), track.channels, samples))
    };
    let is = |name: &str, rate, channels, samples| Some((name.to_owned(), rate, channels, samples));
    assert_eq!(track(AudioCodec::Aac, "1210"), is("mp4a.40.2", 44_100, 2, 1024));
    assert_eq!(track(AudioCodec::Aac, "1214"), is("mp4a.40.2", 44_100, 2, 960));
    // HE-AAC, 24 kHz and twice that; with parametric stereo.
    assert_eq!(track(AudioCodec::Aac, "2b118800"), is("mp4a.40.5", 48_000, 2, 2048));
    assert_eq!(track(AudioCodec::Aac, "eb098800"), is("mp4a.40.29", 48_000, 2, 2048));
    assert_eq!(track(AudioCodec::Aac, "12"), None);
    let opus = "4f707573486561640102380180bb0000000000";
    assert_eq!(track(AudioCodec::Opus, opus), is("Opus", 48_000, 2, 960));
    let flac = "664c614380000022100010000000000000000ac442f000000000";
    assert_eq!(track(AudioCodec::Flac, flac), is("fLaC", 44_100, 2, 0));
    assert_eq!(track(AudioCodec::Mp3, ""), None);
    assert_eq!(track(AudioCodec::Legacy(11), ""), None);
}

#[test]
fn frames_that_tell() {
    let track = |codec, frame: &str| {
        let frame = unhex(frame);
        let track = AudioTrack::of_frame(codec, &frame)?;
        Some((track.rate, track.channels, track.samples(&frame), track.config))
    };
    assert_eq!(track(AudioCodec::Mp3, "fffb9064"), Some((44_100, 2, 1152, vec![])));
    assert_eq!(track(AudioCodec::Mp3, "fff384c4"), Some((24_000, 1, 576, vec![])));
    assert_eq!(track(AudioCodec::Mp3, "fffb9c64"), None);
    assert_eq!(track(AudioCodec::Mp3, "ffeb9064"), None);
    // What ffmpeg has in the boxes of files of these.
    let ac3 = "0b77480d0c402f84";
    assert_eq!(track(AudioCodec::Ac3, ac3), Some((48_000, 1, 1536, unhex("1008c0"))));
    let eac3 = "0b77037f3f87c000";
    assert_eq!(track(AudioCodec::Eac3, eac3), Some((48_000, 6, 1536, unhex("0e00200f00"))));
    assert_eq!((track(AudioCodec::Ac3, eac3), track(AudioCodec::Eac3, ac3)), (None, None));
    assert_eq!(track(AudioCodec::Aac, "fff1"), None);
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>, which in 0..3usize, flip in 0..60usize, bits: u8, size: u8) {
        let codecs = [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1];
        let mut config = unhex([AVC, HEVC, AV1][which]);
        let at = flip % config.len();
        config[at] ^= bits;
        for config in [&bytes, &config] {
            if let Some(track) = VideoTrack::of(codecs[which], config) {
                let sets: usize = track.parameter_sets().map(<[u8]>::len).sum();
                prop_assert!(sets <= config.len() && !track.rfc6381().is_empty());
            }
        }
        let mut vp9 = VideoTrack::of(VideoCodec::Vp9, &[0, 21, 0x82]).unwrap();
        vp9.see(&bytes);
        vp9.see(&[b"\x82\x49\x83\x42\0", &bytes[..]].concat());
        let units: usize = Units::of(&bytes, size).map(<[u8]>::len).sum();
        prop_assert!(units <= bytes.len());
        for codec in [AudioCodec::Mp3, AudioCodec::Ac3, AudioCodec::Eac3, AudioCodec::Aac] {
            let _ = AudioTrack::of(codec, &bytes, 8_000, 1).map(|track| track.samples(&bytes));
            let _ = AudioTrack::of_frame(codec, &[&[0x0B, 0x77][..], &bytes].concat());
        }
    }
}
