//! Reloads, upgrades, killed workers, publishers that go and come back: the numbers never break, and nothing is missing.

use std::time::{Duration, Instant};

use support::{Server, process, wait_for};

use crate::checker::Checker;
use crate::film::Publisher;
use crate::ts::Stream;
use crate::{conf, up};

const SETTINGS: &str = "hls_fragment 1s; hls_playlist_length 8s; publish_grace 20s;";

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", server.error_log());
}

#[test]
fn reloads_change_nothing() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut pictures = 0;
    for round in 0..10 {
        pictures += publisher.run(2000);
        checker.look(&server);
        server.set_conf(conf(&format!("{SETTINGS} merge_write {round}ms;")));
        reload(&server);
        checker.look(&server);
    }
    pictures += publisher.run(3000);
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let mut stream = Stream::default();
    checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
    assert_eq!(stream.pictures.len(), pictures);
    assert!(checker.all().all(|(_, segment, _)| !segment.discontinuity));
}

#[test]
fn each_worker_is_killed_and_the_publisher_comes_back() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let first = server.connected_worker();
    let mut checker = Checker::new("/hls/s/video.m3u8");
    publisher.run(4500);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    let mut workers = server.workers();
    workers.sort_by_key(|pid| *pid != first);
    for pid in workers {
        process::kill(&[pid]);
        wait_for("another worker", || server.workers().len() == 2);
        checker.look(&server);
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        publisher.run(4000);
        checker.look(&server);
    }
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let mut stream = Stream::default();
    checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
    assert!(checker.all().any(|(_, segment, _)| segment.discontinuity));
}

/// The publisher's worker dies in the middle of a segment, and nobody comes back: what was published can be watched to its
/// last picture, and the playlist ends.
#[test]
fn what_a_dead_workers_publisher_has_sent_is_all_there() {
    let server = up("hls_fragment 2s; hls_playlist_length 30s; publish_grace 2s;");
    let mut publisher = Publisher::new(&server, "s");
    let first = server.connected_worker();
    let pictures = publisher.run(7300);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    process::kill(&[first]);
    publisher.break_off();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let mut stream = Stream::default();
    checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
    assert_eq!(stream.pictures.len(), pictures);
}

#[test]
fn an_upgrade_changes_nothing() {
    let mut server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    let mut pictures = publisher.run(4000);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    let old = server.pid();
    server.signal("USR2");
    wait_for("the new master", || {
        server.path("logs/rserve.pid.oldbin").exists() || server.pid() != old
    });
    pictures += publisher.run(3000);
    checker.look(&server);
    process::signal(old, "QUIT");
    pictures += publisher.run(3000);
    checker.look(&server);
    publisher.end();
    wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
    checker.has_no_gap();
    let mut stream = Stream::default();
    checker.all().for_each(|(_, _, bytes)| stream.segment(bytes));
    assert_eq!(stream.pictures.len(), pictures);
    let _ = server.stop();
}

/// All processes are gone at once, and nothing is in files: a publisher whose clock is that of the day has higher numbers then
/// than any that there were.
#[test]
fn a_cold_start_goes_forward_only() {
    let mut server = up(SETTINGS);
    let (mut checker, mut last) = (Checker::new("/hls/s/video.m3u8"), 0);
    for _ in 0..3 {
        let mut publisher = Publisher::new(&server, "s");
        let until = Instant::now() + Duration::from_millis(3500);
        publisher.run_as_time_passes(|| Instant::now() < until);
        let list = || server.get("/hls/s/video.m3u8").text();
        wait_for("segments", || list().matches("#EXTINF").count() >= 3);
        let now = checker.look(&server).expect("a playlist");
        assert!(now.sequence > last, "{} {last}", now.sequence);
        last = now.end();
        server.kill_everything();
        // A segment is a second: so long has passed when as many were made.
        let until = Instant::now() + Duration::from_secs(1);
        wait_for("a second", || Instant::now() >= until);
        server.start_again().expect("it starts");
    }
}

/// `hls_continuous off`: who publishes again has a playlist of its own, for those too who have watched the one before.
#[test]
fn a_stream_that_begins_again_has_an_empty_playlist() {
    let server = up("hls_fragment 1s; hls_continuous off;");
    let looks = || -> Vec<String> {
        // Either worker may answer.
        (0..16).map(|_| server.get("/hls/s/video.m3u8").text()).collect()
    };
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    wait_for("segments", || looks().iter().all(|text| text.matches("#EXTINF").count() >= 3));
    publisher.end();
    wait_for("the end", || looks().iter().all(|text| text.contains("#EXT-X-ENDLIST")));
    let before = looks().remove(0);
    let names: Vec<&str> = before.lines().filter(|line| line.ends_with(".ts")).collect();
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4500);
    wait_for("new ones alone", || {
        looks().iter().all(|text| {
            text.matches("#EXTINF").count() >= 3 && !names.iter().any(|name| text.contains(name))
        })
    });
}

/// `hls_type event`: all of it can be watched from memory, in whatever way the stream was looked at first.
#[test]
fn an_event_is_whole() {
    let server = up(
        "hls_fragment 1s; hls_playlist_length 3s; hls_type event; hls_path files/hls; hls_variant _low;",
    );
    let mut publisher = Publisher::new(&server, "s_low");
    for round in 1..=15 {
        publisher.run(1000);
        wait_for("the file", || round < 3 || server.path("files/hls/s.m3u8").exists());
    }
    let segments = || {
        let texts = (0..16).map(|_| server.get("/hls/s_low/video.m3u8").text());
        texts.map(|text| text.matches("#EXTINF").count()).min()
    };
    wait_for("all segments", || segments() >= Some(14));
}
