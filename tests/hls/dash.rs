//! DASH: the same segments, described otherwise.

use std::thread;

use support::{start, wait_for};

use crate::ffmpeg::decoded;
use crate::film::{self, Publisher};
use crate::{conf, up};

/// The values of an attribute.
pub fn values(text: &str, name: &str) -> Vec<String> {
    let wanted = format!(" {name}=\"");
    let parts = text.split(&wanted).skip(1);
    parts.filter_map(|part| part.split('"').next().map(str::to_owned)).collect()
}

#[test]
fn ffmpeg_watches_every_frame() {
    let settings = "dash on; dash_fragment 2s; dash_playlist_length 60s;";
    let server = start!(conf(settings).replace("hls on;", ""));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(film::LENGTH - 100);
    publisher.end();
    let text = || server.get("/dash/s/index.mpd").text();
    wait_for("the end", || text().contains("mediaPresentationDuration"));
    let film = film::path().to_string_lossy().into_owned();
    for track in ["0:v", "0:a"] {
        let (got, wanted) =
            (decoded(&server.url("/dash/s/index.mpd"), track), decoded(&film, track));
        assert!(
            got.len() > 70 && wanted.starts_with(&got[..got.len() - 1]),
            "{track}: {} of {}",
            got.len(),
            wanted.len()
        );
    }
    assert_eq!(server.get("/hls/s/index.m3u8").status, 404, "hls is off");
}

#[test]
fn what_was_said_once_stays_so() {
    let server = up(
        "dash on; hls_fragment 1s; hls_playlist_length 6s; dash_playlist_length 6s; publish_grace 20s;",
    );
    let mut publisher = Publisher::new(&server, "s");
    let mut known: Vec<(String, String)> = Vec::new();
    for round in 0..12 {
        if round == 6 {
            publisher.break_off();
            publisher.come_back(&server, "s");
        }
        publisher.run(1500);
        let is_told = || {
            let answer = server.get("/dash/s/index.mpd");
            let periods = if round < 8 { 1 } else { 2 };
            answer.status == 200 && answer.text().matches("<Period ").count() >= periods
        };
        match round {
            0 | 1 => continue,
            // The one before leaves the list.
            9.. => {}
            _ => wait_for("a description", is_told),
        }
        let answer = server.get("/dash/s/index.mpd");
        let text = answer.text();
        assert_eq!(values(&text, "availabilityStartTime"), ["1970-01-01T00:00:00.000Z"], "{text}");
        let periods: Vec<&str> = text.split("<Period ").skip(1).collect();
        for period in periods {
            let period = format!("<Period {period}");
            let (id, start) = (values(&period, "id").remove(0), values(&period, "start").remove(0));
            let offsets = values(&period, "presentationTimeOffset");
            let now = (id.clone(), format!("{start} {offsets:?}"));
            match known.iter().find(|(known, _)| *known == id) {
                Some(before) => assert_eq!(*before, now),
                None => known.push(now),
            }
        }
        let (first, id) = (values(&text, "t"), values(&text, "id").remove(0));
        for (name, wanted) in
            [(format!("video-{id}-t{}.m4s", first[0]), 200), (format!("video-{id}-t1.m4s"), 404)]
        {
            assert_eq!(server.get(&format!("/dash/s/{name}")).status, wanted, "{name} {text}");
        }
    }
    assert_eq!(known.len(), 2, "one before, one after: {known:?}");
    publisher.end();
}

/// Segments come in chunks, before they are whole; numbers and lengths are told, and are true.
#[test]
fn segments_come_in_chunks() {
    let server = up("dash on; dash_low_latency on; hls_part 200ms; hls_fragment 2s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(6500);
    let text = || server.get("/dash/s/index.mpd").text();
    wait_for("a description", || text().contains("<Period "));
    let mpd = text();
    for told in [
        "availabilityTimeComplete=\"false\"",
        "availabilityTimeOffset=\"1.79",
        "<Latency ",
        "<ProducerReferenceTime ",
        "media=\"video-$Number$.m4s\"",
        "media=\"audio-$Number$.m4s\"",
    ] {
        assert!(mpd.contains(told), "{told} in {mpd}");
    }
    assert_eq!(values(&mpd, "duration")[0], "180000", "{mpd}");
    let first: u64 = values(&mpd, "startNumber")[0].parse().expect("a number");
    // Three are whole; the fourth is open, and comes as it grows.
    for number in first..first + 3 {
        assert_eq!(server.get(&format!("/dash/s/video-{number}.m4s")).status, 200);
    }
    let mut wire = server.wire();
    wire.send(format!("GET /dash/s/video-{}.m4s HTTP/1.1\r\nHost: x\r\n\r\n", first + 3));
    let head = wire.until("\r\n\r\n");
    assert!(
        head.contains(" 200 ") && head.to_ascii_lowercase().contains("transfer-encoding: chunked"),
        "{head}"
    );
    wire.until("moof");
    publisher.run(600);
    wire.until("moof");
    wire.until("moof");
    publisher.run(1500);
    let rest = wire.until("\r\n0\r\n\r\n");
    // As many fragments as the whole one has.
    let whole = server.get(&format!("/dash/s/video-{}.m4s", first + 3)).body;
    let all = whole.windows(4).filter(|it| *it == b"moof").count();
    assert_eq!(3 + rest.matches("moof").count(), all);
    // One that is to come is waited for, one that is far away is not.
    let open = format!("/dash/s/video-{}.m4s", first + 4);
    let mut wire = server.wire();
    wire.send(format!("GET {open} HTTP/1.1\r\nHost: x\r\n\r\n"));
    wire.until("moof");
    assert_eq!(server.get(&format!("/dash/s/video-{}.m4s", first + 30)).status, 404);
    let next = format!("/dash/s/video-{}.m4s", first + 5);
    thread::scope(|scope| {
        let asked = scope.spawn(|| server.get(&next).status);
        publisher.run(4500);
        assert_eq!(asked.join().expect("an answer"), 200, "it was waited for");
    });
    publisher.end();
    wait_for("the end", || text().contains("mediaPresentationDuration"));
}

/// A segment that never becomes whole is given as far as it goes; a publisher who stands still holds nobody for ever.
#[test]
fn a_segment_that_stays_open_ends() {
    let server = up("dash on; dash_low_latency on; hls_part 200ms; hls_fragment 1s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    let text = || server.get("/dash/s/index.mpd").text();
    wait_for("a description", || text().contains("startNumber"));
    let newest = || {
        let list = server.get("/hls/s/video.m3u8").text();
        let line = list.lines().rfind(|line| line.starts_with("video-")).map(str::to_owned);
        let number = line.expect("a segment");
        let number = number.trim_start_matches("video-").trim_end_matches(".m4s");
        number.parse::<u64>().expect("a number")
    };
    let open = format!("GET /dash/s/video-{}.m4s HTTP/1.1\r\nHost: x\r\n\r\n", newest() + 1);
    // It stands still: the connection is broken off, since there is no other way to say that this is not all.
    let mut wire = server.wire();
    wire.send(&open);
    wire.until("moof");
    assert!(!wire.rest().ends_with(b"\r\n0\r\n\r\n"), "it is not told to be whole");
    // It ends: so does what was asked for.
    let mut wire = server.wire();
    wire.send(&open);
    wire.until("moof");
    publisher.end();
    wire.until("\r\n0\r\n\r\n");
}

/// Whoever publishes again has a clock that begins again: segments have names of their own all the same, in memory and as
/// files.
#[test]
fn times_that_come_again_are_other_segments() {
    let server = up("dash on; hls_fragment 1s; dash_path files/dash; dash_playlist_length 60s;");
    let text = || server.get("/dash/s/index.mpd").text();
    let periods = || text().matches("<Period ").count();
    for round in 1..=2 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3500);
        publisher.end();
        wait_for("its segments", || periods() == round);
    }
    let text = text();
    let periods = text.split("<Period ").skip(1).map(|period| format!("<Period {period}"));
    let named = periods.map(|period| {
        let (id, first) = (values(&period, "id").remove(0), values(&period, "t").remove(0));
        assert!(period.contains(&format!("media=\"video-{id}-t$Time$.m4s\"")), "{period}");
        (id, first)
    });
    let named: Vec<(String, String)> = named.collect();
    let (one, other) = (&named[0], &named[1]);
    assert_eq!(one.1, other.1, "the same times: {text}");
    let get = |(id, time): &(String, String)| {
        let answer = server.get(&format!("/dash/s/video-{id}-t{time}.m4s"));
        assert_eq!(answer.status, 200);
        answer.body
    };
    // What is in them is the same but for the numbers of fragments.
    assert_ne!(get(one), get(other));
    let file = |(id, time): &(String, String)| {
        let path = server.path(format!("files/dash/s-{id}-{time}.m4v").as_str());
        wait_for("the file", || path.exists());
        std::fs::read(path).expect("a file")
    };
    assert_eq!((file(one), file(other)), (get(one), get(other)));
}
