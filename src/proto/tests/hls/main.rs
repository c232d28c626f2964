//! Playlists: their tags, what others read in them, and what clients ask them for.

mod arguments;
mod updates;

use m3u8_rs::{MediaPlaylistType, parse_master_playlist_res, parse_media_playlist_res};
use proto::date::iso_8601;
use proto::hls::*;

/// A segment of so many milliseconds.
fn segment(uri: &str, ms: u64) -> Segment {
    Segment { uri: uri.to_owned(), duration: ms * 1000, ..Segment::default() }
}

fn part(uri: &str, ms: u64) -> Part {
    Part { uri: uri.to_owned(), duration: ms * 1000, ..Part::default() }
}

#[test]
fn the_least_there_is() {
    let playlist = MediaPlaylist {
        target_duration: 4,
        media_sequence: 7,
        segments: vec![segment("s-7.ts", 4000), segment("s-8.ts", 3999)],
        ..MediaPlaylist::default()
    };
    let text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
                #EXTINF:4.000,\ns-7.ts\n#EXTINF:3.999,\ns-8.ts\n";
    assert_eq!(playlist.render(false), text);
    let ended = MediaPlaylist { ended: true, kind: Kind::Vod, ..playlist };
    let read = parse_media_playlist_res(ended.render(true).as_bytes()).unwrap();
    assert_eq!((read.media_sequence, read.target_duration, read.segments.len()), (7, 4, 2));
    assert_eq!((read.end_list, read.playlist_type), (true, Some(MediaPlaylistType::Vod)));
}

#[test]
fn everything_of_a_segment() {
    let map = Some(Map { uri: "init-1.mp4".to_owned(), range: Some((700, 0)) });
    let key = Some(Key { uri: "k?id=1".to_owned(), iv: None });
    let iv = Some(Key { uri: "k?id=2".to_owned(), iv: Some([0xAB; 16]) });
    let playlist = MediaPlaylist {
        target_duration: 2,
        discontinuity_sequence: 3,
        kind: Kind::Event,
        independent_segments: true,
        segments: vec![
            Segment { map: map.clone(), key: key.clone(), time: Some(0), ..segment("a", 2000) },
            Segment { map: map.clone(), key, range: Some((9, 100)), ..segment("a", 2000) },
            Segment { map: map.clone(), key: iv, gap: true, ..segment("b", 1) },
            Segment { map, discontinuity: true, time: Some(784_111_777_005), ..segment("c", 1) },
        ],
        ..MediaPlaylist::default()
    };
    let text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n\
                #EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n\
                #EXT-X-KEY:METHOD=AES-128,URI=\"k?id=1\"\n#EXT-X-MAP:URI=\"init-1.mp4\",BYTERANGE=\"700@0\"\n\
                #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.000,\na\n\
                #EXTINF:2.000,\n#EXT-X-BYTERANGE:9@100\na\n\
                #EXT-X-KEY:METHOD=AES-128,URI=\"k?id=2\",IV=0xABABABABABABABABABABABABABABABAB\n\
                #EXT-X-GAP\n#EXTINF:0.001,\nb\n\
                #EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"init-1.mp4\",BYTERANGE=\"700@0\"\n\
                #EXT-X-PROGRAM-DATE-TIME:1994-11-06T08:49:37.005Z\n#EXTINF:0.001,\nc\n";
    assert_eq!(playlist.render(true), text);
    let read = parse_media_playlist_res(text.as_bytes()).unwrap();
    assert_eq!((read.discontinuity_sequence, read.independent_segments), (3, true));
    let last = &read.segments[3];
    assert!(last.discontinuity && last.map.is_some() && last.program_date_time.is_some());
}

#[test]
fn low_latency() {
    let independent = Part { independent: true, ..part("s-1.0.m4s", 500) };
    let gap = Part { gap: true, range: Some((5, 6)), ..part("s-2.0.m4s", 505) };
    let playlist = MediaPlaylist {
        target_duration: 1,
        media_sequence: 1,
        control: Control::low_latency(505_000, 1),
        segments: vec![Segment {
            parts: vec![independent, part("s-1.1.m4s", 500)],
            ..segment("s-1.m4s", 1000)
        }],
        open: Some(Segment { time: Some(1000), parts: vec![gap], ..Segment::default() }),
        hint: Some("s-2.1.m4s".to_owned()),
        reports: vec![Report { uri: "../a/i.m3u8".to_owned(), last_msn: 2, last_part: Some(0) }],
        ..MediaPlaylist::default()
    };
    let text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n\
                #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.515,HOLD-BACK=3.000,CAN-SKIP-UNTIL=6.000\n\
                #EXT-X-PART-INF:PART-TARGET=0.505\n#EXT-X-MEDIA-SEQUENCE:1\n\
                #EXT-X-PART:DURATION=0.500,URI=\"s-1.0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.500,URI=\"s-1.1.m4s\"\n\
                #EXTINF:1.000,\ns-1.m4s\n\
                #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:01.000Z\n\
                #EXT-X-PART:DURATION=0.505,URI=\"s-2.0.m4s\",BYTERANGE=\"5@6\",GAP=YES\n\
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s-2.1.m4s\"\n\
                #EXT-X-RENDITION-REPORT:URI=\"../a/i.m3u8\",LAST-MSN=2,LAST-PART=0\n";
    assert_eq!(playlist.render(true), text);
    assert_eq!(parse_media_playlist_res(text.as_bytes()).unwrap().segments.len(), 1);
    let there = playlist.there();
    assert_eq!((there.next_msn, there.parts, there.last_parts), (2, 1, 2));
    assert!(there.block_reload && there.can_skip && !there.ended);
    // What is to come is not said at the end.
    let ended = MediaPlaylist { ended: true, ..playlist }.render(false);
    assert!(ended.ends_with("s-1.m4s\n#EXT-X-ENDLIST\n"), "{ended}");
}

#[test]
fn durations_are_exact() {
    for (micros, text) in
        [(0, "0.000"), (1, "0.000001"), (23_219, "0.023219"), (1_999_000, "1.999")]
    {
        let segments = vec![Segment { duration: micros, ..segment("x", 0) }];
        let playlist = MediaPlaylist { segments, ..MediaPlaylist::default() }.render(false);
        assert!(playlist.contains(&format!("#EXTINF:{text},\n")), "{playlist}");
    }
}

#[test]
fn names_stay_names() {
    let bad = "#x\n#EXT-X-ENDLIST\r\"é\0";
    let map = Some(Map { uri: bad.to_owned(), range: None });
    let segments = vec![Segment { map, ..segment(bad, 1) }];
    let playlist = MediaPlaylist { segments, ..MediaPlaylist::default() }.render(false);
    let encoded = "%23x%0A#EXT-X-ENDLIST%0D%22é%00";
    assert_eq!(playlist.lines().last(), Some(encoded));
    assert!(playlist.contains(&format!("#EXT-X-MAP:URI=\"{encoded}\"\n")));
    let rendition =
        Rendition { group: bad.to_owned(), name: bad.to_owned(), ..Rendition::default() };
    let multivariant = Multivariant { renditions: vec![rendition], ..Multivariant::default() };
    let text = multivariant.render();
    assert!(
        text.ends_with("GROUP-ID=\"#x#EXT-X-ENDLISTé\",NAME=\"#x#EXT-X-ENDLISTé\"\n"),
        "{text}"
    );
}

#[test]
fn multivariant() {
    let sound = Rendition {
        group: "aac".to_owned(),
        name: "English".to_owned(),
        language: Some("en".to_owned()),
        uri: Some("a/i.m3u8".to_owned()),
        default: true,
        channels: 2,
        ..Rendition::default()
    };
    let captions = Rendition {
        kind: RenditionKind::ClosedCaptions,
        group: "cc".to_owned(),
        name: "Deutsch".to_owned(),
        instream_id: Some("CC1".to_owned()),
        ..Rendition::default()
    };
    let variant = Variant {
        uri: "v/i.m3u8".to_owned(),
        bandwidth: 2_500_000,
        average_bandwidth: 1_900_000,
        codecs: vec!["avc1.64001f".to_owned(), "mp4a.40.2".to_owned()],
        resolution: (1280, 720),
        frame_rate: 29.97,
        audio: Some("aac".to_owned()),
        captions: Captions::Group("cc".to_owned()),
        ..Variant::default()
    };
    let plain = Variant {
        uri: "p".to_owned(),
        bandwidth: 1,
        captions: Captions::None,
        ..Variant::default()
    };
    let text = Multivariant {
        independent_segments: true,
        renditions: vec![sound, captions],
        variants: vec![variant, plain],
    }
    .render();
    let expected = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a/i.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"Deutsch\",INSTREAM-ID=\"CC1\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=1900000,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"aac\",CLOSED-CAPTIONS=\"cc\",RESOLUTION=1280x720,FRAME-RATE=29.970\n\
        v/i.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE\np\n";
    assert_eq!(text, expected);
    let read = parse_master_playlist_res(text.as_bytes()).unwrap();
    assert_eq!((read.variants.len(), read.alternatives.len()), (2, 2));
    let first = &read.variants[0];
    assert_eq!((first.bandwidth, first.average_bandwidth), (2_500_000, Some(1_900_000)));
    assert_eq!(first.codecs.as_deref(), Some("avc1.64001f,mp4a.40.2"));
}

#[test]
fn dates() {
    assert_eq!(iso_8601(951_782_400_000), "2000-02-29T00:00:00.000Z");
    assert_eq!(iso_8601(1_764_406_799_999), "2025-11-29T08:59:59.999Z");
    assert_eq!(iso_8601(u64::MAX), "9999-12-31T23:59:59.999Z");
}
