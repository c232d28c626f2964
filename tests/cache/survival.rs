//! What is known of answers outlives processes; what is in files outlives all of them.

use support::process;

use crate::origin::Origin;
use crate::{Stage, numbered, stage_with};

fn fill(stage: &Stage, count: usize) {
    for number in 0..count {
        assert_eq!(stage.get(&format!("/600/{number}")).0, "MISS");
    }
}

#[track_caller]
fn all_are_there(stage: &Stage, count: usize) {
    for number in 0..count {
        let told = stage.get(&format!("/600/{number}"));
        assert_eq!(told, ("HIT".into(), format!("answer {number}")));
    }
    assert_eq!(stage.origin.count(), count);
}

#[test]
fn reloads_upgrades_and_deaths() {
    let stage = stage_with("worker_processes 2;", "", "", numbered());
    fill(&stage, 20);
    let output = stage.server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{output:?}");
    all_are_there(&stage, 20);
    let (old, before) = (stage.server.pid(), stage.server.workers());
    stage.server.signal("USR2");
    let pid = || stage.server.dir().text("logs/rserve.pid").trim().parse::<u32>();
    stage.server.wait_for("the new binary", || pid().is_ok_and(|pid| pid != old));
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    before.into_iter().for_each(process::wait_for_end);
    all_are_there(&stage, 20);
    for worker in stage.processes("worker process") {
        process::kill(&[worker]);
    }
    stage.server.wait_for("workers", || stage.processes("worker process").len() == 2);
    all_are_there(&stage, 20);
    // Nobody had to look through the directory but the first.
    let log = stage.server.error_log();
    assert_eq!(log.matches("start cache loader process").count(), 1, "{log}");
}

/// A new index is filled from the files, by a process that ends then; what is asked for meanwhile is found nevertheless.
#[test]
fn a_cold_start_finds_the_files() {
    let mut stage = stage_with("", "loader_files=1 loader_sleep=20ms", "", numbered());
    fill(&stage, 30);
    stage.server.stop();
    // However old they are: from now on each has its time.
    for file in stage.files() {
        support::set_modified(&file, 1_000_000_000);
    }
    stage.server.start_again().expect("a start");
    all_are_there(&stage, 30);
    let found = || stage.server.error_log().contains("cache zone \"z\": 30 files");
    stage.server.wait_for("the loader", found);
    stage.server.wait_for("its end", || stage.processes("cache loader process").is_empty());
    assert_eq!(stage.processes("cache manager process").len(), 1);
    all_are_there(&stage, 30);
}

/// With another directory, or divided otherwise, it is another cache.
#[test]
fn another_place_is_another_cache() {
    let stage = stage_with("", "", "", numbered());
    fill(&stage, 1);
    let conf = stage.server.dir().text("rserve.conf");
    stage.server.set_conf(conf.replace("levels=1:2", "levels=2"));
    let output = stage.server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stage.get("/600/0").0, "MISS");
    assert_eq!(stage.get("/600/0").0, "HIT");
}

/// A worker that is killed in the middle of an answer leaves nothing of it.
#[test]
fn killed_in_the_middle() {
    let origin = Origin::start(|exchange| {
        if exchange.connection > 0 {
            return exchange.answer("200 OK", "Cache-Control: max-age=60\r\n", "whole");
        }
        exchange
            .send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhalf");
        exchange.hang();
        false
    });
    let stage = stage_with("", "", "proxy_cache_lock on;", origin);
    let url = stage.server.url("/");
    let first = std::thread::spawn(move || support::curl(&[&url]));
    stage.server.wait_for("the origin", || stage.origin.count() == 1);
    let worker = stage.processes("worker process")[0];
    process::kill(&[worker]);
    let _ = first.join();
    let mut told = (String::new(), String::new());
    stage.server.wait_for("another worker", || {
        told = stage.get("/");
        told.1 == "whole"
    });
    assert_eq!((stage.get("/").0, stage.files().len()), ("HIT".into(), 1));
}

/// The manager goes on in the place of one that was killed.
#[test]
fn the_manager_comes_again() {
    let stage = stage_with("", "inactive=2s", "", numbered());
    let manager = || stage.processes("cache manager process");
    stage.server.wait_for("the manager", || manager().len() == 1);
    let killed = manager()[0];
    process::kill(&[killed]);
    stage.server.wait_for("another one", || manager().first().is_some_and(|&pid| pid != killed));
    fill(&stage, 3);
    stage.server.wait_for("its work", || stage.files().is_empty());
}

/// A hundred thousand files: a new binary reads none of them before it is asked for one.
#[test]
fn very_many() {
    const COUNT: usize = 100_000;
    let mut stage = stage_with("", "loader_files=10000", "", numbered());
    fill(&stage, 1);
    stage.server.stop();
    // As many others beside it: more names of a few files.
    let one = stage.files()[0].clone();
    let cache = stage.server.path("cache");
    let mut original = one.clone();
    for number in 0..COUNT {
        let name = format!("{:032x}", ((number as u128) << 64) | (0x1_0000 + number as u128));
        let directory = cache.join(&name[31..]).join(&name[29..31]);
        std::fs::create_dir_all(&directory).expect("a directory");
        let path = directory.join(name);
        // A file may have so many names, and no more.
        if number % 10_000 == 0 {
            std::fs::copy(&one, &path).expect("copied");
            original = path;
        } else {
            std::fs::hard_link(&original, &path).expect("another name");
        }
    }
    stage.server.set_conf(stage.server.dir().text("rserve.conf").replace("z:1m", "z:16m"));
    stage.server.start_again().expect("a start");
    let found = || stage.server.error_log().contains("cache zone \"z\": 100001 files");
    stage.server.wait_for("the loader", found);
    let old = stage.server.pid();
    stage.server.signal("USR2");
    let pid = || stage.server.dir().text("logs/rserve.pid").trim().parse::<u32>();
    stage.server.wait_for("the new binary", || pid().is_ok_and(|pid| pid != old));
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    assert_eq!(stage.get("/600/0"), ("HIT".into(), "answer 0".into()));
    let log = stage.server.error_log();
    assert_eq!(log.matches("start cache loader process").count(), 2, "one for each cold start");
}
