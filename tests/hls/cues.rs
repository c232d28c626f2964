//! `hls_cue`: what a publisher says of breaks is in playlists, and segments begin and end with them.

use std::fs;

use proto::rtmp::amf::Value;
use support::{process, start, wait_for};

use crate::checker::{Checker, Playlist};
use crate::film::Publisher;
use crate::{conf, frames, up};

const SETTINGS: &str = "hls_cue on; hls_fragment 2s; hls_playlist_length 60s; publish_grace 20s;";

/// A cue point as Flash has it.
fn cue_point(name: &str, parameters: &[(&str, Value<'_>)]) -> Vec<u8> {
    let parameters = parameters.iter().map(|(name, value)| (name.as_bytes(), value.clone()));
    let parameters = Value::Object(parameters.collect());
    let members = [
        ("name", name.into()),
        ("time", 1.0.into()),
        ("type", "event".into()),
        ("parameters", parameters),
    ];
    frames::data(&["@setDataFrame", "onCuePoint"], &members)
}

fn out(id: &str, seconds: f64) -> Vec<u8> {
    let said = [("type", "splice_out".into()), ("id", id.into()), ("duration", seconds.into())];
    cue_point("scte35", &said)
}

fn back(id: &str) -> Vec<u8> {
    cue_point("scte35", &[("type", "splice_in".into()), ("id", id.into())])
}

/// What stands before each segment of cues, and how long the segment is.
fn told(text: &str) -> Vec<(String, f64)> {
    let list = Playlist::read(text);
    let mut rest = text;
    let each = list.segments.iter().map(|segment| {
        let (before, behind) = rest.split_once(&segment.uri).expect("the segment");
        rest = behind;
        let is_cue = |line: &&str| line.starts_with("#EXT-X-CUE") || line.contains("DATERANGE");
        let lines: Vec<&str> = before.lines().filter(is_cue).collect();
        (lines.join("\n"), segment.duration)
    });
    each.collect()
}

/// The tags of breaks without the dates.
fn splices(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("#EXT-X-CUE")).collect()
}

#[test]
fn a_break_is_in_memory_and_in_files() {
    for more in ["hls_format ts;", "hls_format fmp4;", "hls_part 500ms;"] {
        let server = up(&format!("{SETTINGS} hls_path files/hls; {more}"));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(4500);
        publisher.data(&out("7", 3.0));
        publisher.run(3800);
        publisher.data(&cue_point("goal", &[]));
        publisher.run(4000);
        publisher.end();
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        let file = || fs::read_to_string(server.path("files/hls/s.m3u8")).unwrap_or_default();
        wait_for("the file", || file().contains("#EXT-X-ENDLIST"));
        let mut texts = vec![server.get("/hls/s/video.m3u8").text(), file()];
        if more != "hls_format ts;" {
            texts.push(server.get("/hls/s/audio.m3u8").text());
        }
        let dates: Vec<Vec<String>> = texts
            .iter()
            .map(|text| {
                let dates = text.lines().filter(|line| line.contains("DATERANGE"));
                dates.map(str::to_owned).collect()
            })
            .collect();
        assert!(dates.iter().all(|all| *all == dates[0]), "{more}: {dates:?}");
        let list = Playlist::read(&texts[0]);
        for text in &texts {
            let told = told(text);
            // A key frame a second: it is cut at 5 s, and at 8 s.
            let lengths: Vec<f64> = told.iter().map(|it| it.1.round()).collect();
            assert_eq!(lengths[..6], [2.0, 2.0, 1.0, 2.0, 1.0, 2.0], "{more}: {text}");
            let tags: Vec<&str> = told.iter().map(|it| it.0.lines().last().unwrap_or("")).collect();
            assert_eq!(tags[..3], ["", "", ""], "{text}");
            assert_eq!(tags[3], "#EXT-X-CUE-OUT:DURATION=3.000", "{text}");
            assert!(tags[4].starts_with("#EXT-X-CUE-OUT-CONT:ElapsedTime=2.0"), "{text}");
            assert_eq!(tags[5], "#EXT-X-CUE-IN", "{text}");
            assert!(tags[6].starts_with("#EXT-X-DATERANGE:ID=\"goal-"), "{text}");
        }
        let msn = list.sequence + 3;
        let (began, ended) = (&dates[0][0], &dates[0][1]);
        let id = format!("#EXT-X-DATERANGE:ID=\"7-{msn}\",CLASS=\"scte35\",START-DATE=\"");
        assert!(began.starts_with(&id) && began.ends_with(",PLANNED-DURATION=3.000"), "{began}");
        assert!(ended.starts_with(&id) && ended.contains(",DURATION=3.0"), "{ended}");
        // It begins when its segment does.
        let date = &began[id.len()..id.len() + 24];
        assert!(texts[0].contains(&format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n{began}")), "{began}");
        assert_eq!(dates[0].len(), 3, "{:?}", dates[0]);
    }
}

#[test]
fn nothing_is_told_without_it() {
    let server = up("hls_fragment 2s; hls_playlist_length 60s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    publisher.data(&out("7", 3.0));
    publisher.run(6000);
    publisher.end();
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let text = server.get("/hls/s/video.m3u8").text();
    assert!(splices(&text).is_empty() && !text.contains("DATERANGE"), "{text}");
    let lengths: Vec<f64> = told(&text).iter().map(|it| it.1.round()).collect();
    assert_eq!(lengths[..5], [2.0; 5], "{text}");
}

/// A break that has begun long ago is told of to whoever comes now, and to whoever has most of the playlist.
#[test]
fn deltas_and_short_playlists_have_the_dates() {
    let server = up("hls_cue on; hls_part 500ms; hls_fragment 1s; hls_playlist_length 20s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    publisher.data(&out("long", 0.0));
    publisher.run(15_000);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 17));
    let whole = server.get("/hls/s/video.m3u8").text();
    let date = whole.lines().find(|line| line.contains("DATERANGE")).expect("a date");
    for skip in ["YES", "v2"] {
        let delta = server.get(&format!("/hls/s/video.m3u8?_HLS_skip={skip}")).text();
        let behind = delta.split_once("#EXT-X-SKIP:SKIPPED-SEGMENTS=").expect("a delta").1;
        assert!(behind.lines().nth(1) == Some(date), "{date} in {delta}");
        assert!(!delta.contains("#EXT-X-CUE-OUT\n") && delta.contains("#EXT-X-CUE-OUT-CONT:"));
        assert_eq!(delta.matches("DATERANGE").count(), 1, "{delta}");
    }
    // What it began with has left the playlist.
    publisher.run(20_000);
    wait_for("that to go", || {
        let text = server.get("/hls/s/video.m3u8").text();
        text.contains("#EXT-X-CUE-OUT-CONT:ElapsedTime=30.") && !text.contains("#EXT-X-CUE-OUT\n")
    });
    let text = server.get("/hls/s/video.m3u8").text();
    assert_eq!(text.matches(date).count(), 1, "{date} in {text}");
    assert!(told(&text)[0].0.starts_with(date), "{text}");
}

#[test]
fn killed_workers_lose_no_cue_and_tell_none_twice() {
    for more in ["", "hls_part 500ms;"] {
        let server = up(&format!("{SETTINGS} {more}"));
        let mut publisher = Publisher::new(&server, "s");
        let mut checker = Checker::new("/hls/s/video.m3u8");
        publisher.run(4500);
        wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 2));
        // One waits, is in force, and waits to end.
        let cues = [Some(out("7", 0.0)), None, Some(back("7"))];
        for cue in cues {
            cue.into_iter().for_each(|cue| publisher.data(&cue));
            publisher.run(300);
            for pid in server.workers() {
                process::kill(&[pid]);
                wait_for("another worker", || server.workers().len() == 2);
                if !publisher.is_alive() {
                    publisher.come_back(&server, "s");
                }
            }
            publisher.run(2500);
            checker.look(&server);
        }
        publisher.run(2000);
        publisher.end();
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        checker.has_no_gap();
        let text = server.get("/hls/s/video.m3u8").text();
        let splices = splices(&text);
        assert_eq!(splices.first(), Some(&"#EXT-X-CUE-OUT"), "{text}");
        assert_eq!(splices.last(), Some(&"#EXT-X-CUE-IN"), "{text}");
        let inner = &splices[1..splices.len() - 1];
        let continues = |tag: &&str| tag.starts_with("#EXT-X-CUE-OUT-CONT:ElapsedTime=");
        assert!(!inner.is_empty() && inner.iter().all(continues), "{text}");
        assert_eq!(text.matches("DATERANGE").count(), 2, "{text}");
        // There is no segment between without one.
        let told = told(&text);
        let has = |(tags, _): &&(String, f64)| !tags.is_empty();
        let first = told.iter().position(|it| has(&it)).expect("a tag");
        assert!(told[first..first + splices.len()].iter().all(|it| has(&it)), "{text}");
    }
}

#[test]
fn reloads_change_nothing_of_a_break() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    publisher.data(&out("7", 6.0));
    for round in 0..4 {
        publisher.run(2000);
        server.set_conf(conf(&format!("{SETTINGS} merge_write {round}ms;")));
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "{}", server.error_log());
    }
    publisher.end();
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let text = server.get("/hls/s/video.m3u8").text();
    assert_eq!(splices(&text).first(), Some(&"#EXT-X-CUE-OUT:DURATION=6.000"), "{text}");
    assert_eq!(splices(&text).last(), Some(&"#EXT-X-CUE-IN"), "{text}");
    assert_eq!(text.matches("#EXT-X-CUE-IN").count(), 1, "{text}");
}

/// What is off after a reload tells of nothing more, and leaves no break without an end.
#[test]
fn who_looks_at_cues_no_more_ends_the_break() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    publisher.data(&out("7", 0.0));
    publisher.run(4000);
    let before = server.workers();
    server.set_conf(conf(&SETTINGS.replace("hls_cue on", "hls_cue off")));
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", server.error_log());
    // A worker goes on with what it was told when it began.
    publisher.break_off();
    before.into_iter().for_each(process::wait_for_end);
    publisher.come_back(&server, "s");
    publisher.run(3000);
    publisher.data(&out("8", 0.0));
    publisher.run(4000);
    publisher.end();
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    let text = server.get("/hls/s/video.m3u8").text();
    let splices = splices(&text);
    assert_eq!(splices.first(), Some(&"#EXT-X-CUE-OUT"), "{text}");
    assert_eq!(splices.last(), Some(&"#EXT-X-CUE-IN"), "{text}");
    assert_eq!(text.matches("DATERANGE").count(), 2, "{text}");
}

#[test]
fn names_of_cues_are_no_lines() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2500);
    for name in ["\"\n#EXT-X-ENDLIST\n", "a\",X=\"b", "\r\nhttp://elsewhere/", &"x".repeat(60_000)]
    {
        publisher.data(&cue_point(name, &[("id", name.into())]));
    }
    publisher.data(&frames::data(&["onCuePoint"], &[]));
    publisher.data(b"\x02\x00\x0aonCuePoint");
    publisher.data(b"\x02\x00\x0aonCuePoint\x08\xFF\xFF\xFF\xFF\x00");
    publisher.run(4000);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("cues", || checker.look(&server).is_some_and(|now| now.text.contains("DATERANGE")));
    let text = server.get("/hls/s/video.m3u8").text();
    assert!(!text.contains("\n#EXT-X-ENDLIST") && !text.contains("\nhttp"), "{text}");
    let dates: Vec<&str> = text.lines().filter(|line| line.contains("DATERANGE")).collect();
    assert_eq!(dates.len(), 5, "{text}");
    assert!(dates.iter().all(|line| line.matches('"').count() % 2 == 0 && line.len() < 300));
    publisher.end();
}

#[test]
fn listeners_are_told_of_each() {
    let settings = format!("{SETTINGS} rtmp_events z:live; hls_events on;");
    let conf = conf(&settings).replace(
        "location /stat",
        "location /events { sse_subscribe live; sse_start oldest; } location /stat",
    );
    let server = start!(conf.replace("http {", "http { sse_zone z 16m;"));
    let mut events = server.wire();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.until("\r\n\r\n");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    publisher.data(&out("7", 2.0));
    publisher.run(6000);
    publisher.end();
    let mut next = || {
        events.until("event: cue\n");
        events.until("\n\n")
    };
    let (began, ended) = (next(), next());
    let text = server.get("/hls/s/video.m3u8").text();
    let first = Playlist::read(&text).sequence;
    let id = format!("\"id\":\"7-{}\"", first + 3);
    for (told, number, word) in [(&began, first + 3, "out"), (&ended, first + 4, "in")] {
        let wanted =
            format!("\"app\":\"live\",\"name\":\"s\",\"number\":{number},\"cue\":\"{word}\",{id}");
        assert!(told.contains(&wanted), "{wanted} in {told}");
    }
    assert!(began.contains("\"class\":\"scte35\",\"duration\":2.0"), "{began}");
    // The end of the stream may have been told of before them: another stream comes behind.
    Publisher::new(&server, "t").end();
    let rest = events.until("\"name\":\"t\"");
    assert!(!rest.contains("event: cue"), "{rest}");
}
