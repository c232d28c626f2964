//! Workers that are killed, reloads, upgrades, publishers that come back: no frame is missing, and none is there twice.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use support::{Server, process, wait_for};

use crate::film::{Message, Publisher};
use crate::recorded::{
    comes_to_hold, is_all_of, is_closed, is_sealed, media, names, path, payloads, probe, sent,
    wait_for_end,
};
use crate::{conf, up};

const SETTINGS: &str = "record all; publish_grace 20s;";

/// A part of the file is there.
fn grows(server: &Server, name: &str, least: u64) {
    let file = path(server, name);
    wait_for("the file to grow", || {
        std::fs::metadata(&file).is_ok_and(|about| about.len() >= least)
    });
}

/// Looks at a file all the time: who reads it while it is recorded must not see it shrink.
struct Growing {
    ends: Arc<AtomicBool>,
    looker: JoinHandle<Option<(u64, u64)>>,
}

impl Growing {
    fn watch(file: PathBuf) -> Growing {
        let ends = Arc::new(AtomicBool::new(false));
        let until = ends.clone();
        let looker = thread::spawn(move || {
            let mut before = 0;
            while !until.load(Ordering::Relaxed) {
                let len = std::fs::metadata(&file).map_or(before, |about| about.len());
                if len < before {
                    return Some((before, len));
                }
                before = len;
                thread::yield_now();
            }
            None
        });
        Growing { ends, looker }
    }

    fn has_never_shrunk(self) {
        self.ends.store(true, Ordering::Relaxed);
        assert_eq!(self.looker.join().expect("a thread"), None, "the file has shrunk");
    }
}

/// The next publisher comes to another worker while the one before still opens its file: what is published is in one file, not in a second
/// one, too.
#[test]
fn who_goes_on_while_a_file_is_opened_makes_no_second_one() {
    let server = up("record all; record_unique on;");
    let workers = server.workers();
    let publish = |worker: u32| {
        let mut publisher = server.only(worker, || Publisher::new(&server, "s"));
        publisher.run(500);
        publisher.end();
    };
    publish(workers[0]);
    wait_for("a file", || names(&server).iter().any(|name| is_closed(&path(&server, name))));
    // Who opens a file notes it there, and waits meanwhile.
    let noted =
        std::fs::OpenOptions::new().write(true).open(path(&server, ".rserve-live.journal.lock"));
    let noted = noted.expect("the journal's lock");
    noted.lock().expect("a lock");
    publish(workers[0]);
    wait_for("the next file", || names(&server).len() == 2);
    publish(workers[1]);
    drop(noted);
    wait_for("three files", || {
        let names = names(&server);
        names.len() == 3 && names.iter().all(|name| is_closed(&path(&server, name)))
    });
    for name in names(&server) {
        comes_to_hold(&path(&server, &name), &sent(500));
    }
    assert_eq!(names(&server).len(), 3);
}

#[test]
fn what_a_dead_worker_has_not_written_its_successor_writes() {
    // Killed early, late, in the middle of writing.
    for ms in [100, 900, 2500, 7300] {
        let server = up(
            "record all; publish_grace 2s; recorder k { record keyframes; record_suffix -k.flv; }",
        );
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(ms);
        let worker = server.connected_worker();
        process::kill(&[worker]);
        publisher.break_off();
        let (file, wanted) = (path(&server, "s.flv"), sent(ms));
        comes_to_hold(&file, &wanted);
        probe(&file);
        let keys: Vec<Message> = wanted.into_iter().filter(Message::is_key).collect();
        comes_to_hold(&path(&server, "s-k.flv"), &keys);
    }
}

#[test]
fn each_worker_is_killed_and_the_publisher_comes_back() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    let begun = publisher.now();
    publisher.run(4500);
    grows(&server, "s.flv", 200_000);
    let growing = Growing::watch(path(&server, "s.flv"));
    let first = server.connected_worker();
    let mut workers = server.workers();
    workers.sort_by_key(|pid| *pid != first);
    for pid in workers {
        process::kill(&[pid]);
        wait_for("another worker", || server.workers().len() == 2);
        if !publisher.is_alive() {
            publisher.come_back(&server, "s");
        }
        publisher.run(4000);
    }
    let sent_ms = publisher.now() - begun;
    publisher.end();
    let file = path(&server, "s.flv");
    let last = sent(sent_ms).pop().expect("a frame");
    wait_for("its end", || {
        is_closed(&file)
            && is_sealed(&file)
            && media(&file).last().is_some_and(|found| found.payload == last.payload)
    });
    growing.has_never_shrunk();
    assert!(!server.error_log().contains("frames are missing"), "the log keeps what is needed");
    assert_eq!(names(&server), ["s.flv"]);
    // What was sent after coming back begins with a key frame: nothing is there twice, and what is missing was not sent.
    let (found, wanted) = (media(&file), sent(sent_ms));
    let (found, wanted) = (payloads(&found), payloads(&wanted));
    let mut rest = wanted.iter();
    assert!(found.iter().all(|one| rest.any(|other| other == one)), "in order, and once");
    assert!(found.len() + 80 >= wanted.len(), "{} of {}", found.len(), wanted.len());
    probe(&file);
}

#[test]
fn reloads_change_nothing() {
    let server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    for round in 0..5 {
        publisher.run(2000);
        server.set_conf(conf(&format!("{SETTINGS} merge_write {round}ms;")));
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "{}", server.error_log());
    }
    publisher.run(1500);
    publisher.end();
    let file = path(&server, "s.flv");
    comes_to_hold(&file, &sent(11_500));
    assert_eq!(names(&server), ["s.flv"]);
}

#[test]
fn an_upgrade_changes_nothing() {
    let mut server = up(SETTINGS);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4000);
    let old = server.pid();
    server.signal("USR2");
    // It writes its own when it serves; until then there may be none.
    let pid = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().ok();
    wait_for("the new master", || pid().is_some_and(|pid| pid != old));
    publisher.run(3000);
    process::signal(old, "QUIT");
    publisher.run(3000);
    publisher.end();
    let file = path(&server, "s.flv");
    comes_to_hold(&file, &sent(10_000));
    let _ = server.stop();
}

#[test]
fn a_publisher_that_comes_back_goes_on_in_the_same_file() {
    let server = up("record all; publish_grace 30s; recorder u { record_unique on; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3000);
    publisher.break_off();
    let file = path(&server, "s.flv");
    // It is whole meanwhile.
    wait_for_end(&file);
    let first = media(&file);
    is_all_of(&first, &sent(3000));
    publisher.come_back(&server, "s");
    publisher.run(2000);
    publisher.end();
    wait_for("more", || media_len(&file) > first.len() + 50);
    wait_for_end(&file);
    let found = media(&file);
    assert_eq!(payloads(&found[..first.len()]), payloads(&first));
    assert!(found[first.len()].is_key() || found[first.len()].kind == 8);
    assert_eq!(names(&server).len(), 2, "{:?}", names(&server));
    // Without a grace, the next is another file.
    let next = Publisher::new(&server, "s");
    next.end();
}

fn media_len(file: &std::path::Path) -> usize {
    std::fs::read(file).map_or(0, |_| media_or_none(file))
}

/// It may be in the middle of being written.
fn media_or_none(file: &std::path::Path) -> usize {
    std::panic::catch_unwind(|| media(file).len()).unwrap_or(0)
}

/// The server is stopped in the middle, gently.
#[test]
fn a_stopped_server_leaves_whole_files() {
    for signal in ["QUIT", "TERM"] {
        let mut server = up("record all;");
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3300);
        server.signal(signal);
        if signal == "QUIT" {
            publisher.break_off();
        }
        let _ = server.wait_for_exit();
        let file = path(&server, "s.flv");
        is_all_of(&media(&file), &sent(3300));
        server.start_again().expect("it starts");
        wait_for_end(&file);
        probe(&file);
    }
}
