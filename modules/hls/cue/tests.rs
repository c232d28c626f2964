//! Messages as encoders send them, and as nobody should; what of them is kept, and what playlists say.

use proto::hls::{Media, Segment, playlist};
use proto::rtmp::amf::{self, Value};

use super::listed::Listing;
use super::message::read;
use super::point::{Action, Break, Cue, MOST};
use super::state::Cues;
use crate::segmenter::tracks::Tracks;
use crate::timeline;

type Members<'a> = Vec<(&'a [u8], Value<'a>)>;

/// splice_insert: out of the network, 60.293 s, event 0x4800008F; time_signal: the start of a placement opportunity of
/// 307 s, event 0x4800008E (both are examples of SCTE 35 §14).
const INSERT: &str = "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=";
const SIGNAL: &str = "/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==";

fn message(names: &[&str], value: &Value<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    names.iter().for_each(|name| amf::string(&mut payload, name.as_bytes()));
    value.encode(&mut payload);
    payload
}

fn cue(members: Members<'_>) -> Option<Cue> {
    read(&message(&["onCuePoint"], &Value::EcmaArray(members)))
}

fn simple(action: Action, id: Option<&str>, duration: Option<u64>) -> Cue {
    Cue { action, id: id.map(str::to_owned), duration, ..Cue::default() }
}

#[test]
fn what_encoders_send() {
    let parameters = |members: Members<'static>| (&b"parameters"[..], Value::Object(members));
    let flash = |name: &'static str, members: Members<'static>| {
        let time = (&b"time"[..], Value::Number(12.5));
        cue(vec![(b"name", name.into()), time, (b"type", "event".into()), parameters(members)])
    };
    let told = flash("scte35", vec![(b"type", "splice_out".into()), (b"duration", "30".into())]);
    let told = told.expect("a cue");
    assert_eq!((told.action, told.duration), (Action::Out, Some(30_000)));
    assert_eq!(told.name.as_deref(), Some("scte35"));
    let told = flash("scte35", vec![(b"cue", "Splice-In".into()), (b"id", 7.0.into())]);
    let told = told.expect("a cue");
    assert_eq!((told.action, told.id.as_deref()), (Action::In, Some("7")));
    let told = flash("adbreak", vec![(b"duration", 12.5.into())]).expect("a cue");
    assert_eq!((told.action, told.duration), (Action::Out, Some(12_500)));
    assert_eq!(flash("adbreak", vec![]).expect("a cue").action, Action::Mark);
    let out = |truth: bool| flash("x", vec![(b"out-of-network", truth.into())]);
    assert_eq!(out(true).map(|cue| cue.action), Some(Action::Out));
    assert_eq!(out(false).map(|cue| cue.action), Some(Action::In));
    let told = flash("goal", vec![]).expect("a cue");
    assert_eq!((told.action, told.name.as_deref()), (Action::Mark, Some("goal")));
    let youtube = cue(vec![
        (b"type", "com.youtube.cuepoint".into()),
        (b"cue_point_start", true.into()),
        (b"break_duration_sec", 30.0.into()),
        (b"splice_event_id", 5.0.into()),
    ]);
    let told = youtube.expect("a cue");
    assert_eq!(
        (told.action, told.duration, told.id.as_deref()),
        (Action::Out, Some(30_000), Some("5"))
    );
    let adobe = Value::Object(vec![(b"cue", INSERT.into()), (b"type", "scte35".into())]);
    for names in [&["onAdCue"][..], &["@setDataFrame", "onAdCue"]] {
        let told = read(&message(names, &adobe)).expect("a cue");
        assert_eq!((told.action, told.duration), (Action::Out, Some(60_293)));
        assert_eq!(told.id.as_deref(), Some("1207959695"));
        assert_eq!((told.section.len(), told.section[0]), (50, 0xFC));
    }
    let told = cue(vec![(b"scte35", SIGNAL.into())]).expect("a cue");
    assert_eq!((told.action, told.duration), (Action::Out, Some(307_000)));
    assert_eq!(told.id.as_deref(), Some("1207959694"));
    let digits: String = told.section.iter().map(|byte| format!("{byte:02x}")).collect();
    let same = cue(vec![(b"scte35", (&*format!("0x{digits}")).into())]).expect("a cue");
    assert_eq!(same, told);
}

#[test]
fn what_is_no_cue() {
    for names in [&["onMetaData"][..], &["onTextData"], &["@setDataFrame"], &[], &["oncuepoint"]] {
        assert_eq!(read(&message(names, &Value::Object(Vec::new()))), None, "{names:?}");
    }
    assert_eq!(read(&message(&["onCuePoint"], &Value::Object(Vec::new()))[..12]), None);
    // Nothing is known of it, and it is a moment all the same.
    assert_eq!(read(&message(&["onCuePoint"], &Value::Null)), Some(Cue::default()));
    for text in ["", "!", "AAAA", "0xFC", "0xABC", "0xXY", &INSERT[..20], &"A".repeat(5000)] {
        assert!(cue(vec![(b"scte35", text.into())]).expect("a cue").section.is_empty(), "{text}");
    }
    for number in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
        let told = cue(vec![(b"duration", number.into()), (b"id", number.into())]).expect("a cue");
        assert!(told.duration.is_none_or(|ms| ms <= 86_400_000), "{number}: {told:?}");
    }
}

/// Whatever a publisher calls its cues, there is one tag in a line.
#[test]
fn names_put_nothing_into_playlists() {
    let long = "x".repeat(60_000);
    for name in [
        "a\"b",
        "a\n#EXT-X-ENDLIST",
        "a\r\nhttp://evil/",
        "a\u{85}\u{2028}b",
        "\u{202E}\u{0}\u{7F}",
        "\",SCTE35-OUT=0xFC",
        &long,
    ] {
        for action in ["splice_out", "splice_in", "other"] {
            let told =
                cue(vec![(b"name", name.into()), (b"id", name.into()), (b"cue", action.into())]);
            let cues = Cues { marks: vec![told.expect("a cue")], ..Cues::default() };
            let (dates, splice) = Listing::default().next(&cues, 5, 1_790_000_000_000);
            let uri = Some("5.ts".to_owned());
            let segments = vec![Segment { uri, dates, splice, ..Segment::default() }];
            let text = playlist(&Media { segments, ..Media::default() }, false);
            let lines: Vec<&str> = text.lines().filter(|line| line.contains("DATERANGE")).collect();
            assert_eq!(lines.len(), 1, "{text}");
            assert_eq!(lines[0].matches('"').count(), 6, "{text}");
            assert!(text.len() < 600 && text.is_ascii(), "{text}");
            assert!(!text.contains("\nhttp") && !text.contains("\n#EXT-X-ENDLIST"), "{text}");
        }
    }
}

fn many() -> Cues {
    let section = |len: usize| (0..len).map(|at| at as u8).collect();
    let long = Cue {
        name: Some("n".repeat(64)),
        section: section(512),
        wall: u64::MAX,
        ..simple(Action::Out, Some(&"i".repeat(64)), Some(86_400_000))
    };
    let before = Break { cue: long.clone(), msn: 1 << 40, place: 3, start: 77, elapsed: 88 };
    let marks = vec![long, simple(Action::Mark, None, None), simple(Action::In, Some("1"), None)];
    let waiting = vec![simple(Action::Out, None, Some(1)); MOST];
    Cues { upto: 1 << 50, before: Some(before), marks, waiting }
}

/// Who knows of no cues passes over them: as the server of the version before does.
#[test]
fn what_is_written_is_read_and_is_no_tracks() {
    for cues in [Cues::default(), many()] {
        let mut bytes = Vec::new();
        cues.write(&mut bytes);
        assert_eq!(Cues::read(&bytes).as_ref(), Some(&cues));
        assert!(Tracks::read(&bytes).is_none(), "they would begin a segment");
        assert_eq!(timeline::behind(&bytes).1.as_ref(), Some(&cues));
        assert!(timeline::behind(&bytes).0.is_none());
        let mut both = Vec::new();
        Tracks::default().write(&mut both);
        let len = both.len();
        assert!(timeline::behind(&both).0.is_some() && timeline::behind(&both).1.is_none());
        both.extend_from_slice(&bytes);
        assert_eq!(Tracks::read(&both).map(|(_, len)| len), Some(len));
        assert_eq!(timeline::behind(&both).1.as_ref(), Some(&cues));
        // What a later version writes is passed over, and what is cut short.
        bytes[4] = 9;
        assert!(Cues::read(&bytes).is_none() && timeline::behind(&bytes).0.is_none());
        bytes[4] = 1;
        for len in 0..bytes.len() {
            assert!(Cues::read(&bytes[..len]).is_none());
        }
        for at in 5..bytes.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let was = std::mem::replace(&mut bytes[at], value);
                let _ = Cues::read(&bytes);
                bytes[at] = was;
            }
        }
    }
}

#[test]
fn damaged_messages_do_no_harm() {
    let parameters = Value::Object(vec![(b"scte35", SIGNAL.into()), (b"duration", "3".into())]);
    let whole = vec![(&b"name"[..], Value::from("adbreak")), (b"parameters", parameters)];
    let whole = message(&["onCuePoint"], &Value::EcmaArray(whole));
    for at in 0..whole.len() {
        let _ = read(&whole[..at]);
        for value in 0..=255 {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let _ = read(&damaged);
        }
    }
}

/// The tags of some segments, from this one on: of each what stands before it.
fn tags(first: u64, cues: &[Cues]) -> Vec<String> {
    let mut listing = Listing::default();
    let segments = (first..).zip(cues).map(|(number, cues)| {
        let wall = 1_790_000_000_000 + number * 2000;
        let (dates, splice) = listing.next(cues, 100 + number, wall);
        Segment { uri: Some(String::new()), wall, dates, splice, ..Segment::default() }
    });
    let text = playlist(&Media { segments: segments.collect(), ..Media::default() }, false);
    let parts = text.split("#EXT-X-PROGRAM-DATE-TIME").skip(1);
    let kept = |line: &&str| line.starts_with("#EXT-X-DATERANGE") || line.starts_with("#EXT-X-CUE");
    parts.map(|part| part.lines().filter(kept).collect::<Vec<&str>>().join("\n")).collect()
}

/// Cues as they are in the parts of segments of two seconds; each has these new ones.
fn run(marks: Vec<Vec<Cue>>) -> Vec<Cues> {
    let mut cues = Cues::default();
    let mut all = Vec::new();
    for (number, marks) in (0..).zip(marks) {
        cues.waiting = marks;
        cues.next_segment(if number > 0 { 2000 } else { 0 });
        all.push(cues.clone());
        cues.happened(100 + number, 1_790_000_000_000 + number * 2000);
    }
    all
}

#[test]
fn a_break_in_a_playlist() {
    let out = Cue {
        section: vec![0xFC, 1],
        name: Some("ad".to_owned()),
        ..simple(Action::Out, Some("9"), Some(30_000))
    };
    let back = Cue { section: vec![0xFC, 2], ..simple(Action::In, Some("9"), None) };
    let all = run(vec![vec![], vec![out], vec![], vec![back], vec![]]);
    let began = "#EXT-X-DATERANGE:ID=\"9-101\",CLASS=\"ad\",START-DATE=\"2026-09-21T14:13:22.000Z\",PLANNED-DURATION=30.000,SCTE35-OUT=0xFC01";
    let continues = "#EXT-X-CUE-OUT-CONT:ElapsedTime=2.000,Duration=30.000";
    let ended = "#EXT-X-DATERANGE:ID=\"9-101\",CLASS=\"ad\",START-DATE=\"2026-09-21T14:13:22.000Z\",DURATION=4.000,SCTE35-IN=0xFC02\n#EXT-X-CUE-IN";
    let first = format!("{began}\n#EXT-X-CUE-OUT:DURATION=30.000");
    assert_eq!(tags(0, &all), ["", &first, continues, ended, ""]);
    // It has begun before what is listed.
    assert_eq!(tags(2, &all[2..]), [&format!("{began}\n{continues}"), ended, ""]);
    assert_eq!(tags(3, &all[3..]), [&format!("{began}\n{ended}"), ""]);
}

#[test]
fn breaks_that_are_over_end() {
    let out = |duration| vec![simple(Action::Out, Some("a"), duration)];
    let tags_of = |marks| -> Vec<String> {
        let last = |tags: String| tags.lines().last().unwrap_or_default().to_owned();
        tags(0, &run(marks)).into_iter().map(last).collect()
    };
    let none = Vec::new;
    let all = tags_of(vec![out(Some(4000)), none(), none(), none()]);
    assert_eq!(
        all[1..],
        ["#EXT-X-CUE-OUT-CONT:ElapsedTime=2.000,Duration=4.000", "#EXT-X-CUE-IN", ""]
    );
    let all = tags_of(vec![out(None), none(), none(), none()]);
    assert_eq!((&*all[0], &*all[3]), ("#EXT-X-CUE-OUT", "#EXT-X-CUE-OUT-CONT:ElapsedTime=6.000"));
    // Another break ends the one before.
    let all = tags(0, &run(vec![out(None), vec![simple(Action::Out, Some("b"), None)], none()]));
    assert!(
        all[1].starts_with("#EXT-X-DATERANGE:ID=\"a-100\"") && all[1].contains(",DURATION=2.000\n")
    );
    assert!(all[1].contains("ID=\"b-101\"") && all[1].ends_with("\n#EXT-X-CUE-OUT"), "{all:?}");
}

#[test]
fn dates_that_go_back_leave_a_break_its_length() {
    let all = run(vec![
        vec![simple(Action::Out, Some("a"), None)],
        vec![],
        vec![simple(Action::In, None, None)],
    ]);
    let mut listing = Listing::default();
    let walls = [1_790_000_000_000, 1_700_000_000_000, 1_700_000_002_000];
    let dates = all.iter().zip(walls).map(|(cues, wall)| listing.next(cues, 100, wall).0);
    let durations: Vec<Option<u64>> = dates.flatten().map(|date| date.duration).collect();
    assert_eq!(durations, [None, Some(4000)]);
}

#[test]
fn the_same_again_is_one_and_there_is_a_bound() {
    let mut cues = Cues::default();
    for seq in 1..=3 {
        cues.take(seq, simple(Action::Out, Some("a"), None), false);
    }
    assert_eq!((cues.waiting.len(), cues.upto), (1, 3));
    cues.next_segment(2000);
    cues.happened(1, 0);
    cues.take(4, simple(Action::Out, Some("a"), None), false);
    assert!(cues.waiting.is_empty(), "it is in force");
    for seq in 5..100 {
        cues.take(seq, simple(Action::Mark, None, None), seq % 2 == 0);
    }
    assert_eq!(cues.marks.len() + cues.waiting.len(), MOST);
    let mut bytes = Vec::new();
    cues.begin();
    cues.write(&mut bytes);
    assert!(Cues::read(&bytes).is_some());
}
