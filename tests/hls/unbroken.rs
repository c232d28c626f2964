//! What a stream lives through: its publisher goes and comes back, ten reloads, an upgrade, the end of each worker, again and
//! again. Whoever follows it sees nothing of that but discontinuities.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::{Server, process, wait_for};

use crate::checker::{Checker, Playlist};
use crate::film::Publisher;
use crate::mpd::Follower;
use crate::{conf, labels, up};

const SETTINGS: &str = "hls_fragment 1s; hls_playlist_length 8s; publish_grace 20s;";

/// All of it, and somebody looks all the while.
pub fn lives(server: &Server, settings: &str, look: &mut dyn FnMut(&mut Publisher)) -> Publisher {
    let mut publisher = Publisher::new(server, "s");
    publisher.label();
    publisher.run(4500);
    look(&mut publisher);
    publisher.break_off();
    publisher.come_back(server, "s");
    publisher.run(2500);
    look(&mut publisher);
    for round in 0..10 {
        server.set_conf(conf(&format!("{settings} merge_write {round}ms;")));
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "{}", server.error_log());
        publisher.run(1200);
        look(&mut publisher);
    }
    upgrade(server, &mut publisher, look);
    for _ in 0..2 {
        for pid in server.workers() {
            process::kill(&[pid]);
            wait_for("another worker", || server.workers().len() == 2);
            look(&mut publisher);
            if !publisher.is_alive() {
                publisher.come_back(server, "s");
            }
            publisher.run(1500);
            look(&mut publisher);
        }
    }
    publisher
}

/// Another program, to which the publisher comes when the one before it goes.
fn upgrade(server: &Server, publisher: &mut Publisher, look: &mut dyn FnMut(&mut Publisher)) {
    let old = server.pid();
    server.signal("USR2");
    let pid = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().ok();
    wait_for("the new master", || pid().is_some_and(|pid| pid != old));
    publisher.run(1500);
    look(publisher);
    process::signal(old, "QUIT");
    publisher.run(1500);
    look(publisher);
    publisher.break_off();
    publisher.come_back(server, "s");
    publisher.run(1500);
    look(publisher);
    wait_for("the new workers", || server.workers().len() == 2);
}

/// Reads a playlist on the disk, and all that it lists.
struct Reader {
    list: PathBuf,
    before: Option<Playlist>,
    bytes: HashMap<String, Vec<u8>>,
}

impl Reader {
    fn look(&mut self) {
        let Ok(text) = fs::read_to_string(&self.list) else {
            assert!(self.before.is_none(), "it was there, and is gone");
            return;
        };
        let now = Playlist::read(&text);
        assert!(text.ends_with('\n') && !now.segments.is_empty(), "torn: {text}");
        if let Some(before) = &self.before {
            let (first, end) = (now.sequence >= before.sequence, now.end() >= before.end());
            let goes_on = first && end && now.discontinuities >= before.discontinuities;
            assert!(goes_on, "{}\nis followed by\n{text}", before.text);
        }
        let beside = self.list.parent().expect("a directory");
        for segment in now.segments.iter().filter(|segment| !segment.gap) {
            for uri in [Some(&segment.uri), segment.map.as_ref()].into_iter().flatten() {
                let bytes = fs::read(beside.join(uri));
                let bytes = bytes.unwrap_or_else(|error| panic!("{uri}: {error}\n{text}"));
                let known = self.bytes.entry(uri.clone()).or_insert_with(|| bytes.clone());
                assert!(!bytes.is_empty() && *known == bytes, "{uri} has other bytes");
            }
        }
        self.before = Some(now);
    }
}

/// Whoever reads stops when it goes.
pub struct Ends<'a>(pub &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A list is never torn and never goes back, however often it is read; and what it lists is there.
#[test]
fn files_go_on_through_everything() {
    for (more, list) in [
        ("", "files/hls/s.m3u8"),
        ("hls_nested on; hls_format fmp4;", "files/hls/s/index.m3u8"),
        ("hls_type event; hls_fragment_naming system;", "files/hls/s.m3u8"),
    ] {
        let settings = format!("{SETTINGS} hls_path files/hls; {more}");
        let mut server = up(&settings);
        let mut checker = Checker::new(&format!("/{list}"));
        let (ends, list) = (AtomicBool::new(false), server.path(list));
        thread::scope(|scope| {
            let ends = Ends(&ends);
            let (before, bytes) = Default::default();
            let mut reader = Reader { list, before, bytes };
            let reading = scope.spawn({
                let ends = ends.0;
                move || {
                    while !ends.load(Ordering::Relaxed) {
                        reader.look();
                    }
                }
            });
            let publisher = lives(&server, &settings, &mut |_| {
                checker.look(&server);
                assert!(!reading.is_finished(), "who reads has found a fault");
            });
            publisher.end();
            wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        });
        checker.has_no_gap();
        let breaks = checker.all().filter(|(_, segment, _)| segment.discontinuity).count();
        assert!(breaks >= 3, "{breaks}");
        if !more.contains("fmp4") {
            labels::are_together(&checker, &checker);
        }
        let _ = server.stop();
    }
}

/// A description, from memory and in files: nothing that was said is said otherwise later.
#[test]
fn descriptions_go_on_through_everything() {
    for (more, list) in [
        ("", "/dash/s/index.mpd"),
        ("dash_path files/dash;", "/files/dash/s.mpd"),
        ("dash_path files/dash; dash_nested on;", "/files/dash/s/index.mpd"),
    ] {
        let settings = format!("{SETTINGS} dash on; dash_playlist_length 8s; {more}");
        let mut server = up(&settings);
        let mut follower = Follower::new(list);
        let publisher = lives(&server, &settings, &mut |_| drop(follower.look(&server)));
        publisher.end();
        wait_for("the end", || follower.look(&server).is_some_and(|now| now.ended));
        follower.has_no_gap();
        assert!(follower.periods() >= 3, "{}", follower.periods());
        let _ = server.stop();
    }
}

/// A description that tells of segments by their numbers, which come in chunks: the next number is waited for, and what came
/// in chunks is what it stays. The same of playlists with parts. Sound and pictures stay together.
#[test]
fn numbers_go_on_through_everything() {
    let settings = "hls_fragment 1s; hls_playlist_length 5s; publish_grace 20s; hls_part 500ms;
         dash on; dash_low_latency on; dash_playlist_length 5s;";
    // What is asked for takes two segments, and numbers may be a minute ahead of the clock: every other time, then at the other times.
    let asked: u32 = (0..2).map(|turn| next_numbers_come(settings, turn)).sum();
    assert!(asked > 10, "{asked}");
}

/// Asks for the next number at every other look; gives how often.
fn next_numbers_come(settings: &str, turn: u32) -> u32 {
    let mut server = up(settings);
    let mut follower = Follower::new("/dash/s/index.mpd");
    let mut lists = ["video", "audio"].map(|it| Checker::new(&format!("/hls/s/{it}.m3u8")));
    let (mut asked, mut looked) = (0, 0);
    let publisher = lives(&server, settings, &mut |publisher| {
        lists.iter_mut().for_each(|list| drop(list.look(&server)));
        let numbered = follower.look(&server).is_some_and(|now| now.text.contains("$Number$"));
        looked += 1;
        if !numbered || !publisher.is_alive() || looked % 2 == turn {
            return;
        }
        let names = ["video", "audio"].map(|it| format!("{it}-{}.m4s", follower.newest + 1));
        let mut wires = names.each_ref().map(|name| {
            let mut wire = server.wire();
            wire.send(format!("GET /dash/s/{name} HTTP/1.1\r\nHost: x\r\n\r\n"));
            wire
        });
        publisher.run(2200);
        for (name, wire) in names.iter().zip(&mut wires) {
            follower.keep(name, wire.answer());
        }
        asked += 1;
    });
    publisher.end();
    wait_for("the end", || follower.look(&server).is_some_and(|now| now.ended));
    for list in &mut lists {
        wait_for("the end", || list.look(&server).is_some_and(|now| now.ended));
        list.has_no_gap();
    }
    labels::are_together(&lists[0], &lists[1]);
    let _ = server.stop();
    asked
}
