//! Playlists, and what is asked of them.

use super::*;

fn segment(msn: u64, parts: u32, whole: bool) -> Segment {
    let part = |part| Part {
        uri: format!("v-{msn}.{part}.m4s"),
        duration: (45_000, 90_000),
        independent: part == 0,
    };
    Segment {
        uri: whole.then(|| format!("v-{msn}.m4s")),
        duration: (180_000, 90_000),
        wall: 784_111_777_000 + msn * 2000,
        map: Some("v-init-1.mp4".to_owned()),
        parts: (0..parts).map(part).collect(),
        ..Segment::default()
    }
}

fn media(segments: Vec<Segment>) -> Media {
    Media { target: 2, sequence: 100, discontinuity_sequence: 7, segments, ..Media::default() }
}

#[test]
fn a_plain_playlist() {
    let mut segments = vec![segment(0, 0, true), segment(1, 0, true)];
    segments.iter_mut().for_each(|segment| segment.map = None);
    segments[1].discontinuity = true;
    segments[1].duration = (48_128, 48_000);
    let mut media = media(segments);
    let text = playlist(&media, false);
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXT-X-PROGRAM-DATE-TIME:1994-11-06T08:49:37.000Z\n\
         #EXTINF:2.000,\nv-0.m4s\n#EXT-X-DISCONTINUITY\n\
         #EXT-X-PROGRAM-DATE-TIME:1994-11-06T08:49:39.000Z\n#EXTINF:1.002667,\nv-1.m4s\n"
    );
    media.ended = true;
    media.kind = Kind::Event;
    assert!(playlist(&media, false).ends_with("v-1.m4s\n#EXT-X-ENDLIST\n"));
    assert!(playlist(&media, false).contains("\n#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    assert_eq!(playlist(&media, true), playlist(&media, false), "nothing is left out at the end");
}

/// Also where there are no parts: of what is long.
#[test]
fn a_long_list_is_told_once() {
    let mut media = media((0..20).map(|msn| segment(msn, 0, true)).collect());
    let whole = playlist(&media, false);
    assert!(!whole.contains("SERVER-CONTROL") && playlist(&media, true) == whole);
    media.skips = true;
    let whole = playlist(&media, false);
    assert!(whole.starts_with("#EXTM3U\n#EXT-X-VERSION:9\n"), "{whole}");
    assert!(whole.contains("\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12.000\n"), "{whole}");
    let delta = playlist(&media, true);
    assert!(delta.starts_with("#EXTM3U\n#EXT-X-VERSION:9\n"), "{delta}");
    assert!(delta.contains("\n#EXT-X-SKIP:SKIPPED-SEGMENTS=14\n"), "{delta}");
    let key = Key { uri: "k".to_owned(), iv: 1 };
    media.segments.iter_mut().for_each(|segment| segment.key = Some(key.clone()));
    let delta = playlist(&media, true);
    assert!(delta.contains("SEGMENTS=14\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\""), "{delta}");
    assert_eq!(delta.matches("#EXT-X-KEY").count(), 1, "{delta}");
    media.ended = true;
    assert!(!playlist(&media, true).contains("SKIP"));
}

#[test]
fn parts_hints_and_reports() {
    let mut media = media(vec![segment(0, 4, true), segment(1, 2, false)]);
    media.part_target = Some(505);
    media.hint = Some("v-1.2.m4s".to_owned());
    media.reports = vec![Report { uri: "audio.m3u8".to_owned(), msn: 101, part: Some(1) }];
    let text = playlist(&media, false);
    for line in [
        "#EXT-X-VERSION:9",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.515,HOLD-BACK=6.000,CAN-SKIP-UNTIL=12.000",
        "#EXT-X-PART-INF:PART-TARGET=0.505",
        "#EXT-X-PART:DURATION=0.500,URI=\"v-1.0.m4s\",INDEPENDENT=YES",
        "#EXT-X-PART:DURATION=0.500,URI=\"v-1.1.m4s\"",
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v-1.2.m4s\"",
        "#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\",LAST-MSN=101,LAST-PART=1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    assert_eq!(text.matches("#EXT-X-MAP").count(), 1);
    assert!(!text.contains("v-1.m4s\n"), "it is not whole");
}

/// What is left out and what is told make the whole.
#[test]
fn a_delta_and_what_was_known_are_the_whole() {
    for count in 1..20 {
        let mut segments: Vec<Segment> = (0..count).map(|msn| segment(msn, 0, true)).collect();
        segments.push(segment(count, 1, false));
        let mut media = media(segments);
        media.part_target = Some(505);
        let (whole, delta) = (playlist(&media, false), playlist(&media, true));
        let skipped =
            delta.lines().find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS="));
        let skipped: u64 = skipped.map_or(0, |text| text.parse().expect("a number"));
        // Six target durations of 2 s each are six segments of 2 s.
        assert_eq!(skipped, count.saturating_sub(6), "{count}");
        let names = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
        };
        assert_eq!(names(&delta), names(&whole)[skipped as usize..]);
    }
}

#[test]
fn keys_hold_until_the_next() {
    let key = |uri: &str| Some(Key { uri: uri.to_owned(), iv: 17 });
    let mut segments: Vec<Segment> = (0..4).map(|msn| segment(msn, 0, true)).collect();
    (segments[0].key, segments[1].key, segments[2].key) =
        (key("a.key"), key("a.key"), key("b.key"));
    let text = playlist(&media(segments), false);
    let keys: Vec<&str> = text.lines().filter(|line| line.starts_with("#EXT-X-KEY")).collect();
    let iv = "IV=0x00000000000000000000000000000011";
    assert_eq!(
        keys,
        [
            &*format!("#EXT-X-KEY:METHOD=AES-128,URI=\"a.key\",{iv}"),
            &*format!("#EXT-X-KEY:METHOD=AES-128,URI=\"b.key\",{iv}"),
            "#EXT-X-KEY:METHOD=NONE"
        ]
    );
}

#[test]
fn a_master_playlist() {
    let variant = Variant {
        uri: "video.m3u8".to_owned(),
        bandwidth: 2_500_000,
        average: 2_000_000,
        codecs: vec!["avc1.64001f".to_owned(), "mp4a.40.2".to_owned()],
        resolution: Some((1280, 720)),
        frame_rate: Some(29.97),
        audio: Some(Audio { uri: "audio.m3u8".to_owned(), channels: 2 }),
        attributes: vec!["BANDWIDTH=99".to_owned(), "NAME=\"x\"".to_owned()],
    };
    let two = Master {
        independent: true,
        variants: vec![variant.clone(), variant.clone()],
        ..Master::default()
    }
    .playlist();
    assert!(two.contains("GROUP-ID=\"audio0\"") && two.contains("AUDIO=\"audio1\""), "{two}");
    let text =
        Master { independent: true, variants: vec![variant], ..Master::default() }.playlist();
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=99,NAME=\"x\",AVERAGE-BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\",\
         RESOLUTION=1280x720,FRAME-RATE=29.970,CLOSED-CAPTIONS=NONE,AUDIO=\"audio\"\nvideo.m3u8\n"
    );
}

#[test]
fn captions_are_listed() {
    let caption = |instream: &str, language: &str| Caption {
        instream: instream.to_owned(),
        language: language.to_owned(),
    };
    let variant =
        |uri: &str| Variant { uri: uri.to_owned(), bandwidth: 1000, ..Variant::default() };
    let variants = vec![variant("high.m3u8"), variant("low.m3u8")];
    let captions = vec![caption("CC1", "en"), caption("CC2", "de-AT"), caption("CC3", "en")];
    let mut master = Master { independent: false, captions, variants };
    let text = master.playlist();
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:6\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"en\",LANGUAGE=\"en\",AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"de-AT\",LANGUAGE=\"de-AT\",AUTOSELECT=YES,INSTREAM-ID=\"CC2\"\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"en CC3\",LANGUAGE=\"en\",INSTREAM-ID=\"CC3\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1000,CLOSED-CAPTIONS=\"cc\"\nhigh.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1000,CLOSED-CAPTIONS=\"cc\"\nlow.m3u8\n"
    );
    master.captions.push(caption("SERVICE1", "fr"));
    assert!(master.playlist().contains("#EXT-X-VERSION:7\n"), "as services of CEA-708 want it");
}

#[test]
fn what_may_be_asked() {
    let asked = |text: &str| Arguments::of(text.as_bytes());
    assert_eq!(asked(""), Some(Arguments::default()));
    assert_eq!(asked("_HLS_part=1"), None);
    for bad in [
        "_HLS_msn=",
        "_HLS_msn=x",
        "_HLS_msn=-1",
        "_HLS_msn=1&_HLS_part=1.5",
        "_HLS_msn=99999999999999999999",
    ] {
        assert_eq!(asked(bad), None, "{bad}");
    }
    let there = Available {
        whole: 100,
        whole_parts: 4,
        parts: 3,
        begun: true,
        part_target: Some(505),
        ended: false,
    };
    let cases = [
        ("", Answer::Now),
        ("_HLS_msn=100", Answer::Now),
        ("_HLS_msn=1", Answer::Now),
        ("_HLS_msn=101", Answer::Wait),
        ("_HLS_msn=102", Answer::Wait),
        ("_HLS_msn=103", Answer::Bad),
        ("_HLS_msn=101&_HLS_part=2", Answer::Now),
        ("_HLS_msn=101&_HLS_part=3", Answer::Wait),
        ("_HLS_msn=101&_HLS_part=8", Answer::Wait),
        ("_HLS_msn=101&_HLS_part=9", Answer::Bad),
        ("_HLS_msn=100&_HLS_part=77", Answer::Now),
        ("_HLS_msn=99&_HLS_part=77", Answer::Now),
        ("_HLS_msn=102&_HLS_part=0", Answer::Wait),
        ("_HLS_msn=102&_HLS_part=6", Answer::Bad),
    ];
    for (args, wanted) in cases {
        let args = asked(args).expect("arguments");
        assert_eq!(answer(args, there), wanted, "{args:?}");
        assert_eq!(answer(args, Available { ended: true, ..there }), Answer::Now);
        assert_eq!(answer(args, Available { part_target: None, ..there }), Answer::Now);
    }
    // What is beyond the last part comes no more when the next segment begins, also where the track is silent in that.
    for (begun, wanted) in [(false, Answer::Wait), (true, Answer::Now)] {
        let beyond = asked("_HLS_msn=100&_HLS_part=4").expect("arguments");
        assert_eq!(answer(beyond, Available { parts: 0, begun, ..there }), wanted);
    }
    assert!(
        asked("_HLS_skip=YES").expect("arguments").skip && asked("_HLS_skip=v2").expect("v2").skip
    );
    assert!(!asked("_HLS_skip=NO").expect("arguments").skip);
}

#[test]
fn deltas_leave_no_date_out() {
    let mut segments: Vec<Segment> = (0..12).map(|msn| segment(msn, 0, true)).collect();
    for (at, word) in [(1, "early"), (10, "late")] {
        let (id, class) = (word.to_owned(), Some("a\"\nb".to_owned()));
        segments[at].dates = vec![DateRange {
            id,
            class,
            start: 784_111_777_000,
            planned: Some(1500),
            scte35: Some((Scte35::Command, vec![0xFC, 0x0A])),
            ..DateRange::default()
        }];
        segments[at].splice = Some(Splice::Out { duration: Some(1500) });
    }
    let mut media = media(segments);
    media.part_target = Some(505);
    let line = |word: &str| {
        format!(
            "#EXT-X-DATERANGE:ID=\"{word}\",CLASS=\"a__b\",START-DATE=\"1994-11-06T08:49:37.000Z\",\
             PLANNED-DURATION=1.500,SCTE35-CMD=0xFC0A\n"
        )
    };
    let cue = "#EXT-X-CUE-OUT:DURATION=1.500\n";
    let text = playlist(&media, false);
    assert!(["early", "late"].iter().all(|word| text.contains(&(line(word) + cue))), "{text}");
    let delta = playlist(&media, true);
    let skipped = format!("#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n{}", line("early"));
    assert!(delta.contains(&skipped) && delta.contains(&(line("late") + cue)), "{delta}");
    assert_eq!(delta.matches("CUE-OUT").count(), 1, "{delta}");
}
