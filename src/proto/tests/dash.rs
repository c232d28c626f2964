//! Descriptions for DASH.

use proptest::prelude::*;
use proto::dash::*;

fn video(addressing: Addressing) -> AdaptationSet {
    AdaptationSet {
        id: 1,
        sort: Sort::Video,
        language: None,
        timescale: 90_000,
        offset: 900_000,
        initialization: "$RepresentationID$/init-3.mp4".to_owned(),
        media: "$RepresentationID$/$Time$.m4s".to_owned(),
        addressing,
        independent: true,
        early: None,
        reference: None,
        representations: vec![Representation {
            id: "v".to_owned(),
            bandwidth: 2_500_000,
            codecs: "avc1.64001f".to_owned(),
            size: (1280, 720),
            frame_rate: 29.97,
            ..Representation::default()
        }],
    }
}

fn audio(addressing: Addressing) -> AdaptationSet {
    AdaptationSet {
        id: 2,
        sort: Sort::Audio,
        language: Some("en".to_owned()),
        timescale: 44_100,
        offset: 0,
        representations: vec![Representation {
            id: "a".to_owned(),
            bandwidth: 128_000,
            codecs: "mp4a.40.2".to_owned(),
            rate: 44_100,
            channels: 2,
            ..Representation::default()
        }],
        ..video(addressing)
    }
}

fn live(sets: Vec<AdaptationSet>) -> Mpd {
    Mpd {
        extent: Extent::Live { update: 2000 },
        availability_start: 784_111_777_000,
        publish_time: 784_111_787_500,
        time_shift: 30_000,
        presentation_delay: 6_000,
        max_segment: 2_000,
        min_buffer: 2_000,
        latency: None,
        periods: vec![Period { id: "p1".to_owned(), start: 0, duration: None, sets }],
        timing: Some(UtcTiming::Http("/time?a&b".to_owned())),
    }
}

fn times(segments: &[(u64, u64)]) -> Addressing {
    Addressing::Timeline { start_number: None, segments: segments.to_vec() }
}

#[test]
fn a_live_stream() {
    let segments =
        [(900_000, 180_000), (1_080_000, 180_000), (1_260_000, 90_000), (1_400_000, 90_000)];
    let sets = vec![video(times(&segments)), audio(times(&[(0, 88_064), (88_064, 88_064)]))];
    let expected = r#"<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1994-11-06T08:49:37.000Z" publishTime="1994-11-06T08:49:47.500Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT30S" suggestedPresentationDelay="PT6S" maxSegmentDuration="PT2S" minBufferTime="PT2S">
  <Period id="p1" start="PT0S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
      <SegmentTemplate timescale="90000" presentationTimeOffset="900000" initialization="$RepresentationID$/init-3.mp4" media="$RepresentationID$/$Time$.m4s">
        <SegmentTimeline>
          <S t="900000" d="180000" r="1"/>
          <S d="90000"/>
          <S t="1400000" d="90000"/>
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation id="v" bandwidth="2500000" codecs="avc1.64001f" width="1280" height="720" frameRate="30000/1001"/>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" lang="en" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
      <SegmentTemplate timescale="44100" initialization="$RepresentationID$/init-3.mp4" media="$RepresentationID$/$Time$.m4s">
        <SegmentTimeline>
          <S t="0" d="88064" r="1"/>
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation id="a" bandwidth="128000" codecs="mp4a.40.2" audioSamplingRate="44100">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
      </Representation>
    </AdaptationSet>
  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/time?a&amp;b"/>
</MPD>
"#;
    assert_eq!(live(sets).render(), expected);
}

#[test]
fn its_end() {
    let ended = Mpd { extent: Extent::Ended(61_234), ..live(Vec::new()) }.render();
    assert!(ended.contains("type=\"dynamic\"") && ended.contains("availabilityStartTime"));
    assert!(
        ended.contains("mediaPresentationDuration=\"PT61.234S\"")
            && !ended.contains("minimumUpdate")
    );
    let recorded =
        Mpd { extent: Extent::Recorded(5000), timing: None, ..live(Vec::new()) }.render();
    assert!(recorded.contains("type=\"static\" mediaPresentationDuration=\"PT5S\""));
    assert!(!recorded.contains("availabilityStartTime") && !recorded.contains("UTCTiming"));
}

#[test]
fn low_latency() {
    let numbers = Addressing::Duration { start_number: 8, duration: 180_000 };
    let set = AdaptationSet {
        early: Some(1_500),
        reference: Some(Reference { wall: 0, time: 900_000 }),
        media: "$Number$.m4s".to_owned(),
        ..video(numbers)
    };
    let latency = Some(Latency { target: 3000, min: 1500, max: 6000 });
    let text = Mpd { latency, timing: Some(UtcTiming::Direct(1)), ..live(vec![set]) }.render();
    for part in [
        "isoff-live:2011,http://www.dashif.org/guidelines/low-latency-live-v5\"",
        "<Latency target=\"3000\" min=\"1500\" max=\"6000\"/>",
        "<ProducerReferenceTime id=\"1\" inband=\"false\" type=\"encoder\" wallClockTime=\"1970-01-01T00:00:00.000Z\" presentationTime=\"900000\"/>",
        "media=\"$Number$.m4s\" startNumber=\"8\" duration=\"180000\" availabilityTimeOffset=\"1.500\" availabilityTimeComplete=\"false\"/>",
        "urn:mpeg:dash:utc:direct:2014\" value=\"1970-01-01T00:00:00.001Z\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn frame_rates() {
    let rates = [
        (25.0, Some("25")),
        (23.976, Some("24000/1001")),
        (59.940_06, Some("60000/1001")),
        (12.5, Some("12500/1000")),
        (0.0, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
        (-1.0, None),
    ];
    for (rate, expected) in rates {
        let mut set = video(times(&[]));
        set.representations[0].frame_rate = rate;
        let text = live(vec![set]).render();
        let found = text.split_once("frameRate=\"").and_then(|(_, rest)| rest.split('"').next());
        assert_eq!(found, expected, "{rate}");
    }
}

proptest! {
    /// Names are anybody's.
    #[test]
    fn any_name(name: String) {
        let mut set = video(times(&[]));
        set.representations[0].id = name.clone();
        set.media = name;
        let text = live(vec![set]).render();
        let value = text.split_once(" media=\"").unwrap().1.split('"').next().unwrap();
        prop_assert!(!value.contains(['<', '>', '\n', '\0']));
        prop_assert_eq!(text.lines().count(), 13);
        prop_assert_eq!(text.matches('<').count(), text.matches('>').count());
    }

    /// A timeline says all segments, and no other.
    #[test]
    fn any_timeline(steps in prop::collection::vec((0..3u64, 1..3u64), 0..30), start: u32) {
        let mut at = u64::from(start);
        let mut segments = Vec::new();
        for (gap, length) in steps {
            at += gap.saturating_sub(1);
            segments.push((at, length));
            at += length;
        }
        let text = live(vec![video(times(&segments))]).render();
        let (mut at, mut read) = (0, Vec::new());
        for line in text.lines().filter(|line| line.trim_start().starts_with("<S ")) {
            let number = |name: &str| {
                let (_, rest) = line.split_once(&format!(" {name}=\""))?;
                rest.split('"').next()?.parse::<u64>().ok()
            };
            at = number("t").unwrap_or(at);
            for _ in 0..=number("r").unwrap_or(0) {
                read.push((at, number("d").unwrap()));
                at += number("d").unwrap();
            }
        }
        prop_assert_eq!(read, segments);
    }
}
