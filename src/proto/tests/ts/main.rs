//! Transport streams, read back.

mod demux;

use demux::{Demux, Pes};
use proptest::prelude::*;
use proto::media::{AudioCodec, AudioTrack, VideoCodec, VideoTrack};
use proto::ts::{Continuity, Muxer};

const AVCC: &[u8] = b"\x01\x64\0\x1f\xff\xe1\0\x04\x67\x64\0\x1f\x01\0\x03\x68\xee\x38";
const SETS: &[u8] = b"\0\0\0\x01\x67\x64\0\x1f\0\0\0\x01\x68\xee\x38";
const DELIMITER: &[u8] = b"\0\0\0\x01\x09\xf0";

fn avc() -> VideoTrack {
    VideoTrack::of(VideoCodec::Avc, AVCC).unwrap()
}

fn hevc() -> VideoTrack {
    let mut config = [&[1; 21][..], &[3, 3]].concat();
    for (kind, set) in [(32, b"\x40\x01v"), (33, b"\x42\x01s"), (34, b"\x44\x01p")] {
        config.extend([kind, 0, 1, 0, 3]);
        config.extend(set);
    }
    VideoTrack::of(VideoCodec::Hevc, &config).unwrap()
}

fn aac() -> AudioTrack {
    AudioTrack::of(AudioCodec::Aac, &[0x12, 0x10], 0, 0).unwrap()
}

fn muxer(video: Option<&VideoTrack>, audio: Option<&AudioTrack>) -> Muxer {
    Muxer::new(video, audio, Continuity::default()).unwrap()
}

fn frame(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes(), *unit].concat()).collect()
}

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [b"\0\0\0\x01", *unit].concat()).collect()
}

fn one(track: &VideoTrack, frame: &[u8], dts: u64, cts: i32, key: bool) -> Pes {
    let mut out = Vec::new();
    muxer(Some(track), None).video(&mut out, frame, dts, cts, key);
    let mut pes = Demux::of(&out).pes;
    assert_eq!(pes.len(), 1);
    pes.remove(0)
}

#[test]
fn pictures() {
    let (track, idr) = (avc(), vec![0x65; 1000]);
    let pes = one(&track, &frame(&[b"\x06sei", &idr]), 40, 80, true);
    assert_eq!(pes.payload, [DELIMITER, SETS, &annex_b(&[b"\x06sei", &idr])].concat());
    assert_eq!((pes.dts, pes.pts), (Some(903_600), 910_800));
    assert_eq!((pes.random_access, pes.pcr, pes.length), (true, Some(840_600), 0));
    // Its own delimiter is not written twice, nor are its own parameter sets.
    let units: [&[u8]; 4] = [b"\x09\x10", b"\x67mine", b"\x68mine", b"\x65slice"];
    let pes = one(&track, &frame(&units), 40, 0, false);
    assert_eq!(pes.payload, [DELIMITER, &annex_b(&units[1..])].concat());
    assert_eq!((pes.random_access, pes.dts, pes.pts), (true, None, 903_600));
    // Half of them is not enough.
    let units: [&[u8]; 2] = [b"\x67mine", b"\x65slice"];
    let pes = one(&track, &frame(&units), 0, 0, true);
    assert_eq!(pes.payload, [DELIMITER, SETS, &annex_b(&units)].concat());
    let pes = one(&track, &frame(&[b"\x41slice"]), 0, 0, false);
    assert_eq!(pes.payload, [DELIMITER, b"\0\0\0\x01\x41slice"].concat());
    assert!(!pes.random_access && pes.pcr.is_some());
}

#[test]
fn pictures_of_hevc() {
    let track = hevc();
    let pes = one(&track, &frame(&[b"\x46\x01\x50", b"\x26\x01slice"]), 0, 0, true);
    let sets: [&[u8]; 4] = [b"\x40\x01v", b"\x42\x01s", b"\x44\x01p", b"\x26\x01slice"];
    assert_eq!(pes.payload, [&b"\0\0\0\x01\x46\x01\x50"[..], &annex_b(&sets)].concat());
    // A CRA picture, and no word of a key frame.
    assert!(one(&track, &frame(&[b"\x2a\x01slice"]), 0, 0, false).random_access);
    assert!(!one(&track, &frame(&[b"\x02\x01slice"]), 0, 0, false).random_access);
}

#[test]
fn times() {
    let (track, slice) = (avc(), frame(&[b"\x41slice"]));
    let times = |dts, cts| {
        let pes = one(&track, &slice, dts, cts, false);
        (pes.dts.unwrap_or(pes.pts), pes.pts)
    };
    assert_eq!(times(1000, -40), (990_000, 986_400));
    // Not before the beginning of all times.
    assert_eq!(times(0, -0x80_0000), (900_000, 0));
    // Around 2^33 ticks, and beyond what a number holds.
    let wrap = (1 << 33) / 90;
    assert_eq!(times(wrap, 0).0, (wrap * 90 + 900_000) % (1 << 33));
    let last = u64::MAX.wrapping_mul(90).wrapping_add(900_000) % (1 << 33);
    assert_eq!(times(u64::MAX, 0).0, last);
    times(u64::MAX / 90, i32::MAX);
}

#[test]
fn the_clock() {
    for interval in [1, 10, 16, 33, 40, 42, 51, 67, 100] {
        let (track, slice) = (avc(), frame(&[b"\x41slice"]));
        let (mut muxer, mut out, mut last) = (muxer(Some(&track), Some(&aac())), vec![], None);
        for number in 0..100 {
            muxer.video(&mut out, &slice, number * interval, 0, false);
            muxer.audio(&mut out, &[b"aac"], number * interval * 90);
        }
        for pes in Demux::of(&out).pes {
            let Some(pcr) = pes.pcr else { continue };
            assert!(pes.pid == 0x100 && pcr <= pes.pts);
            assert!(last.is_none_or(|last| pcr > last && pcr - last <= 9_000), "{interval}");
            last = Some(pcr);
        }
        assert!(last.is_some_and(|last| last + 9_000 + 63_000 >= 900_000 + 99 * interval * 90));
    }
    // It wraps with the times, and it is there when they go back.
    let mut muxer = muxer(None, Some(&aac()));
    let mut out = Vec::new();
    for pts in [(1 << 33) - 900_001, (1 << 33) - 895_000, 0] {
        muxer.audio(&mut out, &[b"aac"], pts);
    }
    let clocks: Vec<_> = Demux::of(&out).pes.iter().map(|pes| pes.pcr.unwrap()).collect();
    assert_eq!(clocks, [(1 << 33) - 63_001, (1 << 33) + 5_000 - 63_000, 837_000]);
}

#[test]
fn segments_go_on() {
    let (video, audio) = (avc(), aac());
    let (mut continuity, mut demux) = (Continuity::default(), Demux::default());
    for number in 0..40u64 {
        // Whoever goes on has nothing but these bytes.
        continuity = Continuity::from_bytes(continuity.to_bytes());
        let mut muxer = Muxer::new(Some(&video), Some(&audio), continuity).unwrap();
        let mut out = Vec::new();
        muxer.begin_segment(&mut out);
        assert_eq!((out[1..3].to_vec(), out[189..191].to_vec()), (vec![0x40, 0], vec![0x50, 0]));
        muxer.video(&mut out, &frame(&[&vec![0x65; 777]]), number * 1000, 0, true);
        muxer.audio(&mut out, &[b"aac"], number * 90_000);
        muxer.begin_segment(&mut out);
        muxer.video(&mut out, &frame(&[b"\x41"]), number * 1000 + 1, 0, false);
        demux.feed(&out);
        continuity = muxer.continuity();
    }
    assert_eq!((demux.streams, demux.tables), (vec![(0x1B, 0x100), (0x0F, 0x101)], 160));
    assert!(demux.pes.iter().all(|pes| pes.pcr.is_some() == (pes.pid == 0x100)));
    let changed = Continuity { version: 33, ..Continuity::default() };
    let (mut muxer, mut out) = (Muxer::new(Some(&video), None, changed).unwrap(), Vec::new());
    muxer.begin_segment(&mut out);
    muxer.discontinuity();
    muxer.video(&mut out, &frame(&[b"\x41"]), 0, 0, false);
    muxer.video(&mut out, &frame(&[b"\x41"]), 500, 0, false);
    let demux = Demux::of(&out);
    assert_eq!((demux.version, demux.streams), (1, vec![(0x1B, 0x100)]));
    assert_eq!(demux.pes.iter().map(|pes| pes.discontinuity).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn sound() {
    let (mut muxer, mut out) = (muxer(None, Some(&aac())), Vec::new());
    muxer.audio(&mut out, &[b"one", b"", &[7; 8184], b"three"], 4_500);
    // As ffmpeg writes LC, 44.1 kHz, stereo; what has no length is left out, and what is longer than it can be.
    let mut frames = b"\xff\xf1\x50\x80\x01\x5f\xfcone\xff\xf1\x50\x80\x01\x9f\xfcthree".to_vec();
    frames.splice(10..10, [&b"\xff\xf1\x50\x83\xff\xff\xfc"[..], &[7; 8184]].concat());
    let pes = Demux::of(&out).pes;
    assert_eq!((pes.len(), pes[0].pts, pes[0].random_access), (1, 904_500, true));
    assert!(pes[0].payload == frames);
    out.clear();
    muxer.audio(&mut out, &[&[7; 8185]], 0);
    assert!(out.is_empty());
    // Too many for one.
    muxer.audio(&mut out, &[&[7; 8000][..]; 20], 0);
    let pes: Vec<_> = Demux::of(&out).pes.iter().map(|pes| (pes.pts, pes.payload.len())).collect();
    let ticks = 900_000 + 8 * 1024 * 90_000 / 44_100;
    assert_eq!(pes, [(900_000, 8 * 8007), (ticks, 8 * 8007), (2 * ticks - 900_000, 4 * 8007)]);
}

#[test]
fn kinds_of_sound() {
    let stream = |track: &AudioTrack| {
        let mut muxer = Muxer::new(None, Some(track), Continuity::default())?;
        let mut out = Vec::new();
        muxer.begin_segment(&mut out);
        muxer.audio(&mut out, &[b"frame"], 0);
        let demux = Demux::of(&out);
        assert_eq!(demux.streams[0].1, 0x101);
        Some((demux.streams[0].0, demux.pes[0].payload.len() - 5))
    };
    let of = |codec, config: &[u8], rate| AudioTrack::of(codec, config, rate, 2).unwrap();
    assert_eq!(stream(&of(AudioCodec::Aac, &[0x12, 0x10], 0)), Some((0x0F, 7)));
    // HE-AAC is LC at half of its rate.
    assert_eq!(stream(&of(AudioCodec::Aac, &[0x2B, 0x11, 0x88, 0], 0)), Some((0x0F, 7)));
    // A layout of its own, eight channels, a rate without a number, a profile beyond.
    for config in
        [&[0x12, 0x00][..], &[0x12, 0x60], &[0x17, 0x80, 0x30, 0xD8, 0x90], &[0xF8, 0x48, 0x40, 0]]
    {
        assert_eq!(stream(&of(AudioCodec::Aac, config, 0)), None, "{config:x?}");
    }
    assert_eq!(stream(&of(AudioCodec::Mp3, b"", 44_100)), Some((0x03, 0)));
    assert_eq!(stream(&of(AudioCodec::Mp3, b"", 22_050)), Some((0x04, 0)));
    assert_eq!(stream(&of(AudioCodec::Ac3, b"", 48_000)), Some((0x81, 0)));
    assert_eq!(stream(&of(AudioCodec::Eac3, b"", 48_000)), Some((0x87, 0)));
    assert_eq!(stream(&of(AudioCodec::Opus, b"OpusHead\x01\x02", 0)), None);
    let av1 = VideoTrack::of(VideoCodec::Av1, b"\x81\x01\x0c\0").unwrap();
    assert!(Muxer::new(Some(&av1), None, Continuity::default()).is_none());
    assert!(Muxer::new(None, None, Continuity::default()).is_none());
}

proptest! {
    /// Every length of a frame fills its packets.
    #[test]
    fn any_length(lengths in prop::collection::vec(1..1200usize, 1..6), key: bool) {
        let units: Vec<_> = lengths.iter().map(|length| vec![0x41; *length]).collect();
        let units: Vec<_> = units.iter().map(Vec::as_slice).collect();
        let pes = one(&avc(), &frame(&units), 0, 33, key);
        let sets = if key { SETS } else { b"" };
        prop_assert_eq!(pes.payload, [DELIMITER, sets, &annex_b(&units)].concat());
    }

    /// What is sent may be anything: packets stay packets.
    #[test]
    fn any_frames(frames: Vec<(Vec<u8>, u64, i32, bool)>, size in 0..4u8, other: bool) {
        let mut video = if other { hevc() } else { avc() };
        let at = if other { 21 } else { 4 };
        video.config[at] = size;
        let (mut muxer, mut out) = (muxer(Some(&video), Some(&aac())), Vec::new());
        for (frame, time, cts, key) in &frames {
            muxer.begin_segment(&mut out);
            muxer.video(&mut out, frame, *time, *cts, *key);
            muxer.audio(&mut out, &[frame, frame], *time);
        }
        Demux::of(&out);
    }
}
