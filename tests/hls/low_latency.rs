//! Low-latency HLS: parts, and requests that wait for them.

use std::thread;

use support::wait_for;

use crate::checker::{Checker, Playlist, Segment};
use crate::film::Publisher;
use crate::playlist::attribute;
use crate::{conf, up};

const SETTINGS: &str =
    "hls_part 500ms; hls_fragment 2s; hls_playlist_length 12s; publish_grace 20s;";

/// What is left out and what was known are what there is. Gives how much is left out.
///
/// The film comes faster than it is played, and the answer may be another worker's: a client whose list is older than half of
/// what may be left out asks for all of it (RFC 8216bis §6.3.7).
pub fn check_deltas(server: &support::Server, path: &str, known: &Playlist) -> usize {
    let (mut whole, mut delta) = (server.get(path).text(), String::new());
    // Both of one moment.
    wait_for("two that are alike", || {
        delta = server.get(&format!("{path}?_HLS_skip=YES")).text();
        let before = std::mem::replace(&mut whole, server.get(path).text());
        whole == before
    });
    let whole = Playlist::read(&whole);
    let Some(skipped) =
        delta.lines().find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS="))
    else {
        return 0;
    };
    let skipped: usize = skipped.parse().expect("a number");
    let told = Playlist::read(&delta);
    let before = whole.segments[..skipped].to_vec();
    let control = whole.control.as_deref().expect("what a server can do");
    let until: f64 = attribute(control, "CAN-SKIP-UNTIL").expect("it").parse().expect("a number");
    let new = known.end().saturating_sub(whole.sequence) as usize;
    let passed: f64 = whole.segments.iter().skip(new).map(|segment| segment.duration).sum();
    let is_known = |segment: &Segment| known.segments.iter().any(|old| old.uri == segment.uri);
    assert!(
        passed > until / 2.0 || before.iter().all(is_known),
        "{} is followed by {delta}",
        known.text
    );
    let uris = |segments: &[Segment]| -> Vec<String> {
        segments.iter().map(|segment| segment.uri.clone()).collect()
    };
    assert_eq!([uris(&before), uris(&told.segments)].concat(), uris(&whole.segments), "{delta}");
    for (told, known) in told.segments.iter().zip(&whole.segments[skipped..]) {
        // What initialises decoders a client knows already.
        assert_eq!(*told, Segment { map: told.map.clone(), ..known.clone() }, "{delta}");
    }
    assert_eq!((told.sequence, told.discontinuities), (whole.sequence, whole.discontinuities));
    skipped
}

#[test]
fn the_rules_hold_for_parts_of_200_ms() {
    the_rules_hold_for_parts(200);
}

#[test]
fn the_rules_hold_for_parts_of_500_ms() {
    the_rules_hold_for_parts(500);
}

#[test]
fn the_rules_hold_for_parts_of_a_second() {
    the_rules_hold_for_parts(1000);
}

#[track_caller]
fn the_rules_hold_for_parts(part: u32) {
    // Longer than what is never left out.
    let settings = SETTINGS.replace("length 12s", "length 30s");
    let server = up(&settings.replace("500ms", &format!("{part}ms")));
    let mut publisher = Publisher::new(&server, "s");
    let mut video = Checker::new("/hls/s/video.m3u8");
    let mut audio = Checker::new("/hls/s/audio.m3u8");
    let mut skipped = 0;
    for _ in 0..60 {
        publisher.run(300);
        let Some(now) = video.look(&server) else { continue };
        skipped += check_deltas(&server, "/hls/s/video.m3u8", &now);
        // The one that is asked for later may be further, until it is asked for first.
        wait_for("sound as far as pictures", || {
            let sound = audio.look(&server).expect("sound, too");
            let now = video.look(&server).expect("pictures");
            (now.sequence, now.end()) == (sound.sequence, sound.end())
        });
        // A whole number of frames, of pictures and of sound.
        let target = now.part_target.expect("a target") * 1000.0;
        assert!((f64::from(part)..f64::from(part + 65)).contains(&target), "{}", now.text);
        assert!(now.text.contains("#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\""), "{}", now.text);
        for segment in &now.segments {
            assert!(segment.parts.first().is_none_or(|part| part.2), "{}", now.text);
        }
    }
    assert!(skipped > 0, "nothing was left out");
    publisher.end();
    wait_for("the end", || video.look(&server).is_some_and(|now| now.ended));
    video.has_no_gap();
    let now = video.look(&server).expect("a playlist");
    assert!(now.hint.is_none() && now.part_target.is_none(), "{}", now.text);
}

#[test]
fn requests_wait_for_what_comes() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    publisher.run(4200);
    wait_for("a segment", || checker.look(&server).is_some());
    let now = checker.look(&server).expect("a playlist");
    let (msn, parts) = (now.end(), now.open.len());
    let status = |args: &str| server.get(&format!("/hls/s/video.m3u8?{args}")).status;
    for bad in [
        "_HLS_part=1".to_owned(),
        "_HLS_msn=x".to_owned(),
        format!("_HLS_msn={}", msn + 2),
        format!("_HLS_msn={msn}&_HLS_part={}", parts + 7),
    ] {
        assert_eq!(status(&bad), 400, "{bad}");
    }
    let hint = now.hint.expect("a hint");
    thread::scope(|scope| {
        let ask = |path: String| {
            let server = &server;
            scope.spawn(move || server.get(&path))
        };
        let mut asked = vec![
            ask(format!("/hls/s/video.m3u8?_HLS_msn={msn}&_HLS_part={parts}")),
            ask(format!("/hls/s/audio.m3u8?_HLS_msn={msn}&_HLS_part={parts}")),
            ask(format!("/hls/s/video.m3u8?_HLS_msn={msn}")),
            ask(format!("/hls/s/{hint}")),
        ];
        wait_for("the requests", || server.workers().len() == 2);
        publisher.run(2500);
        let answers: Vec<_> =
            asked.drain(..).map(|asked| asked.join().expect("an answer")).collect();
        assert!(
            answers.iter().all(|answer| answer.status == 200),
            "{:?}",
            answers.iter().map(|a| a.status).collect::<Vec<_>>()
        );
        let first = Playlist::read(&answers[0].text());
        assert!(first.end() > msn || first.open.len() > parts, "{}", first.text);
        assert!(Playlist::read(&answers[2].text()).end() > msn);
        assert!(answers[3].body.windows(4).any(|name| name == b"moof"), "a part, all of it");
    });
    // A part beyond the last of a segment is the first of the next.
    assert_eq!(status(&format!("_HLS_msn={msn}&_HLS_part=99")), 200);
    assert_eq!(server.get("/hls/s/video-1.0.m4s").status, 404);
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    assert_eq!(status(&format!("_HLS_msn={}", msn + 900)), 200, "nothing is waited for any more");
}

#[test]
fn parts_of_transport_streams_are_refused() {
    let conf = crate::conf("hls_part 500ms; hls_format ts;");
    let (code, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
    assert!(code == 1 && said.contains("hls_part") && said.contains("rserve.conf:"), "{said}");
}

/// A part without sound is in no playlist of sound, and whoever waits for the next one there goes on waiting: until the stream goes on
/// behind a segment that has none.
#[test]
fn silence_is_no_part() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let (mut video, mut audio) =
        (Checker::new("/hls/s/video.m3u8"), Checker::new("/hls/s/audio.m3u8"));
    publisher.run(4200);
    wait_for("a segment", || audio.look(&server).is_some());
    publisher.mute();
    let mut msn = 0;
    wait_for("a segment that begins without sound", || {
        publisher.run(300);
        let (pictures, sound) = (video.look(&server), audio.look(&server));
        let (pictures, sound) = (pictures.expect("pictures"), sound.expect("sound"));
        msn = sound.end();
        !pictures.open.is_empty() && pictures.end() == msn && sound.open.is_empty()
    });
    let path = format!("/hls/s/audio.m3u8?_HLS_msn={msn}&_HLS_part=0");
    thread::scope(|scope| {
        let asked = scope.spawn(|| server.get(&path));
        wait_for("an answer", || {
            publisher.run(300);
            asked.is_finished()
        });
        let answer = asked.join().expect("an answer");
        let now = Playlist::read(&answer.text());
        assert!(now.end() > msn || !now.open.is_empty(), "{}", now.text);
    });
}

/// Nothing comes for long: who waits is told so, and is not kept.
#[test]
fn who_waits_in_vain_is_told_so() {
    let server = up("hls_part 500ms; hls_fragment 1s; publish_grace 30s;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2200);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("a segment", || checker.look(&server).is_some());
    let msn = checker.look(&server).expect("a playlist").end();
    let answer = server.get(&format!("/hls/s/video.m3u8?_HLS_msn={msn}"));
    assert_eq!(answer.status, 503);
}

#[test]
fn reloads_and_killed_workers_break_no_rule() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    publisher.run(6000);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 2));
    for round in 0..6 {
        if round % 2 == 0 {
            server.set_conf(conf(&format!("{SETTINGS} merge_write {round}ms;")));
            assert!(server.command(&["-s", "reload"]).status.success());
        } else {
            let pid = server.workers()[0];
            support::process::kill(&[pid]);
            wait_for("the workers", || server.workers().len() >= 2);
        }
        checker.look(&server);
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        publisher.run(3000);
        checker.look(&server);
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
}
