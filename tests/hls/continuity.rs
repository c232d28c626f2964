//! Reloads, upgrades, killed workers, publishers that go and come back: the numbers never break, and nothing is missing.

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

/// The worker that has the publisher's connection: its segmenter is there, too.
fn publishers_worker(server: &Server, before: &[(u32, usize)]) -> Option<u32> {
    let _ = server;
    let grown = |(pid, count): &&(u32, usize)| support::proc::descriptors(*pid) > *count;
    before.iter().find(grown).map(|(pid, _)| *pid)
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
    let before: Vec<(u32, usize)> =
        server.workers().iter().map(|&pid| (pid, support::proc::descriptors(pid))).collect();
    let mut publisher = Publisher::new(&server, "s");
    let mut checker = Checker::new("/hls/s/video.m3u8");
    publisher.run(4500);
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    let first = publishers_worker(&server, &before);
    let mut workers = server.workers();
    workers.sort_by_key(|pid| Some(*pid) != first);
    for pid in workers {
        process::signal(pid, "KILL");
        process::wait_for_end(pid);
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
    let before: Vec<(u32, usize)> =
        server.workers().iter().map(|&pid| (pid, support::proc::descriptors(pid))).collect();
    let mut publisher = Publisher::new(&server, "s");
    let pictures = publisher.run(7300);
    let mut checker = Checker::new("/hls/s/video.m3u8");
    wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
    let first = publishers_worker(&server, &before).expect("a worker with a publisher");
    process::signal(first, "KILL");
    process::wait_for_end(first);
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

#[test]
fn a_cold_start_goes_forward_only() {
    let mut server = up(SETTINGS);
    let mut last = 0;
    for _ in 0..2 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3500);
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("segments", || checker.look(&server).is_some_and(|now| now.segments.len() >= 3));
        let now = checker.look(&server).expect("a playlist");
        assert!(now.sequence > last, "{} {last}", now.sequence);
        last = now.sequence;
        drop(publisher);
        server.stop();
        // A segment is a second: so long has passed when as many were made.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
        wait_for("a second", || std::time::Instant::now() >= until);
        server.start_again().expect("it starts");
    }
}
