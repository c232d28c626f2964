//! A reload or a start changes a zone: its size, its name, its file. Everything goes along, and so do the readers.

use std::fs;
use std::os::unix::fs::MetadataExt;

use support::{Server, comes, start};

use crate::client::{Reader, publish};
use crate::{come_back, conf, publish_some, reload, up};

/// Changes the zone by a reload; a reader of the worker before is sent away, and finds everything at its return.
#[track_caller]
fn change(server: &Server, zone: &str, word: &str) {
    let mut old = Reader::open(server, "/events/a", "");
    let before = publish_some(server, word, 4);
    old.read_to(&format!("{word} 4"));
    server.set_conf(conf(zone));
    reload(server);
    let rest = old.read_to_the_end();
    assert!(rest.contains("retry: "), "{zone}: {rest}");
    let reader = come_back(server, &before[1]);
    let wanted = [format!("{word} 3"), format!("{word} 4"), "the last".into()];
    assert_eq!((reader.words(), reader.gaps.len()), (wanted.to_vec(), 0), "{zone}");
}

#[test]
fn every_change_by_a_reload_keeps_everything() {
    let mut server = up("sse_zone z 1m path=ev;");
    change(&server, "sse_zone z 2m path=ev;", "larger");
    assert_eq!(fs::metadata(server.path("ev")).expect("there").len(), 2 << 20);
    change(&server, "sse_zone z 512k path=ev;", "smaller");
    change(&server, "sse_zone other 512k path=ev;", "name");
    change(&server, "sse_zone other 512k path=ev channels=70;", "channels");
    change(&server, "sse_zone other 512k;", "memory");
    change(&server, "sse_zone other 512k path=ev;", "back");
    change(&server, "sse_zone other 512k path=elsewhere sync=ack;", "file");
    change(&server, "sse_zone other 1m path=elsewhere sync=interval 50ms;", "sync");
    change(&server, "sse_zone other 1m path=./html/../elsewhere sync=off;", "spelling");
    let first = publish(&server, "/events/a", "x 1");
    assert_eq!(server.stop(), Some(0));
    server.start_again().expect("started");
    publish(&server, "/events/a", "x 2");
    let reader = come_back(&server, &first);
    assert_eq!((reader.words(), reader.gaps.len()), (vec!["x 2".into(), "the last".into()], 0));
}

#[test]
fn another_spelling_is_no_change() {
    let server = up("sse_zone z 1m path=ev;");
    let mut reader = Reader::open(&server, "/events/a", "");
    server.set_conf(conf("sse_zone z 1m path=./html/../ev;"));
    reload(&server);
    publish(&server, "/events/a", "x");
    reader.read_to("x");
}

#[test]
fn another_size_at_a_start_is_copied_over() {
    let mut server = up("sse_zone z 1m path=ev;");
    let ids = publish_some(&server, "event", 30);
    for size in ["3m", "512k", "1m channels=77"] {
        assert_eq!(server.stop(), Some(0));
        server.set_conf(conf(&format!("sse_zone z {size} path=ev;")));
        server.start_again().expect("started");
        let reader = come_back(&server, &ids[27]);
        assert_eq!(reader.words()[..2], ["event 29", "event 30"], "{size}");
        assert_eq!(reader.gaps.len(), 0, "{size}");
    }
}

#[test]
fn a_refused_reload_changes_nothing() {
    let server = up("sse_zone z 1m path=ev;");
    let ids = publish_some(&server, "event", 5);
    let mut reader = Reader::open(&server, "/events/a", &ids[4]);
    let before = fs::read(server.path("ev")).expect("the file");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for (extra, zone) in [
        (format!("server {{ listen 127.0.0.1:{port}; }}"), "2m path=ev"),
        (String::new(), "2m path=ev; working_directory missing"),
        (String::new(), "1m path=missing/ev"),
    ] {
        // Workers that cannot start: the zone had gone over already, and comes back.
        let (zone, main) = zone.split_once(';').unwrap_or((zone, ""));
        let text = conf(&format!("{extra} sse_zone z {zone};"));
        let main = if main.is_empty() { String::new() } else { format!("{main};") };
        server.set_conf(format!("{main}{text}"));
        assert!(!server.command(&["-s", "reload"]).status.success(), "{zone}");
        assert!(fs::read(server.path("ev")).expect("the file") == before, "{zone}");
        assert!(!server.path("ev.new").exists() && !server.path("missing").exists());
    }
    publish(&server, "/events/a", "after");
    reader.read_to("after");
    assert_eq!(reader.gaps.len(), 0);
}

#[test]
fn another_zones_file_is_refused_and_stays() {
    let mut server = up("sse_zone z 1m path=one;");
    publish_some(&server, "event", 3);
    assert_eq!(server.stop(), Some(0));
    let one = fs::read(server.path("one")).expect("the file");
    server.set_conf(conf("sse_zone z 1m path=two;"));
    server.start_again().expect("started");
    publish(&server, "/events/a", "of two");
    server.set_conf(conf("sse_zone z 1m path=one;"));
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another zone"), "{said}");
    assert!(fs::read(server.path("one")).expect("the file") == one);
    assert_eq!(come_back(&server, "0").words(), ["of two", "the last"]);
}

#[test]
fn zones_do_not_take_each_others_files() {
    let two = |a: &str, b: &str| {
        let zones = format!("sse_zone z 1m path={a}; sse_zone y 1m path={b};");
        conf(&zones)
            .replace("sse_status; }", "sse_status; } location = /y { sse_use y; sse_publish y; }")
    };
    let mut server = start!(two("a", "b"));
    publish(&server, "/events/a", "z");
    publish(&server, "/y", "y");
    let files = || ["a", "b"].map(|name| fs::metadata(server.path(name)).expect("there").ino());
    let before = files();
    server.set_conf(two("b", "a"));
    let said = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("is the file of another sse_zone"), "{said}");
    assert_eq!(files(), before);
    server.set_conf(two("a", "b"));
    reload(&server);
    publish(&server, "/events/a", "z 2");
    assert_eq!(server.stop(), Some(0));
    server.start_again().expect("started");
    let mut reader = Reader::open(&server, "/events/a", "0-0");
    reader.read_to("z 2");
    assert_eq!(reader.words(), ["z", "z 2"]);
}

#[test]
fn memory_that_was_replaced_is_not_kept() {
    let server = up("sse_zone z 8m;");
    publish(&server, "/events/a", "x");
    server.set_conf(conf("sse_zone z 9m;"));
    reload(&server);
    let zones = |pid: u32| {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        maps.matches("/memfd:rserve-sse_zone.z").count()
    };
    server.wait_for("the old workers to end", || server.workers().len() == 2);
    let workers = server.workers();
    assert_eq!(workers.iter().map(|&pid| zones(pid)).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(zones(server.pid()), 1);
}

#[test]
fn an_upgrade_keeps_the_file_too() {
    let mut server = up("sse_zone z 1m path=ev;");
    let first = publish(&server, "/events/a", "x 1");
    for round in 2..4 {
        let output = server.command(&["-s", "upgrade"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        publish(&server, "/events/a", &format!("x {round}"));
    }
    let master = server.pid();
    support::process::signal(master, "TERM");
    support::process::wait_for_end(master);
    server.wait_for_exit();
    server.start_again().expect("started");
    let reader = come_back(&server, &first);
    assert_eq!(
        (reader.words(), reader.gaps.len()),
        (vec!["x 2".into(), "x 3".into(), "the last".into()], 0)
    );
}

#[test]
fn a_reload_that_changes_nothing_keeps_the_file_in_hand() {
    let server = up("sse_zone z 1m path=ev;");
    let first = publish(&server, "/events/a", "x 1");
    for round in 0..2 {
        reload(&server);
        let output = server.command(&["-s", "upgrade"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{round}: {said}\n{}", server.error_log());
    }
    reload(&server);
    server.set_conf(conf("sse_zone z 1m;"));
    reload(&server);
    publish(&server, "/events/a", "x 2");
    server.set_conf(conf("sse_zone z 1m path=ev;"));
    reload(&server);
    let reader = come_back(&server, &first);
    assert_eq!((reader.words(), reader.gaps.len()), (vec!["x 2".into(), "the last".into()], 0));
}

#[test]
fn two_binaries_have_the_same_zone_or_there_is_one() {
    for zone in ["sse_zone z 1m path=ev sync=ack;", "sse_zone z 1m;"] {
        let mut server = up(zone);
        let first = publish(&server, "/events/a", "x 1");
        server.set_conf(conf(&zone.replace("1m", "2m")));
        assert!(!server.command(&["-s", "upgrade"]).status.success());
        assert!(server.error_log().contains("upgrade first, then change it by a reload"));
        publish(&server, "/events/a", "x 2");
        if zone.contains("path=") {
            server.set_conf(conf(zone));
            assert_eq!(server.stop(), Some(0));
            server.start_again().expect("started");
        }
        let reader = come_back(&server, &first);
        assert_eq!((reader.words(), reader.gaps.len()), (vec!["x 2".into(), "the last".into()], 0));
    }
}

#[test]
fn epochs_of_the_past_go_along() {
    let mut server = up("sse_zone z 1m path=ev;");
    let ids = publish_some(&server, "event", 4);
    assert_eq!(server.stop(), Some(0));
    // A copy is put back: what came after it nobody knows.
    let copy = fs::read(server.path("ev")).expect("the file");
    server.start_again().expect("started");
    publish_some(&server, "lost", 3);
    assert_eq!(server.stop(), Some(0));
    fs::write(server.path("ev"), copy).expect("written");
    server.start_again().expect("started");
    publish(&server, "/events/a", "other 1");
    for (zone, restart) in [("1m path=ev", false), ("2m path=ev", false), ("3m path=ev", true)] {
        server.set_conf(conf(&format!("sse_zone z {zone};")));
        match restart {
            false => reload(&server),
            true => {
                assert_eq!(server.stop(), Some(0));
                server.start_again().expect("started");
            }
        }
        let reader = come_back(&server, &ids[2]);
        assert_eq!(reader.words()[..2], ["event 4", "other 1"], "{zone}");
        assert_eq!(reader.gaps, ["epoch"], "{zone}");
    }
}

#[test]
fn without_a_master_a_refused_reload_changes_nothing() {
    let server = support::start!(format!("master_process off; {}", conf("sse_zone z 1m;")));
    publish(&server, "/events/a", "x 1");
    server.file("foreign", "precious ".repeat(1000));
    let twice = "sse_zone z 2m; sse_zone other 1m path=foreign;";
    let location = "location = /other { sse_use other; sse_publish c; } location = /status";
    server.set_conf(format!(
        "master_process off; {}",
        conf(twice).replace("location = /status", location)
    ));
    server.signal("HUP");
    server.wait_for("the refusal", || server.error_log().contains("another program"));
    publish(&server, "/events/a", "x 2");
}

#[test]
fn a_publisher_who_comes_too_late_is_told_to_come_again() {
    for (before, after) in [("1m path=ev", "2m path=ev"), ("1m", "2m")] {
        let server = up(&format!("sse_zone z {before};"));
        let mut publisher = server.wire();
        publisher.send(
            "POST /events/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        );
        publisher.until("100 Continue\r\n\r\n");
        publish(&server, "/events/a", "first");
        server.set_conf(conf(&format!("sse_zone z {after};")));
        reload(&server);
        publisher.send("event");
        let answer = publisher.answer();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert_eq!(answer.header("Connection"), Some("close"));
        // A worker that has not heard yet that it is to go says the same to who comes new.
        server.wait_for("a worker that stays", || {
            let answer = server.curl(&["--data-binary", "second"], "/events/a");
            assert!(
                matches!(answer.status, 201 | 202 | 503),
                "{} {}",
                answer.status,
                answer.text()
            );
            answer.status != 503
        });
        let mut reader = Reader::open(&server, "/events/a", "0-0");
        reader.read_to("second");
        assert_eq!(reader.words(), ["first", "second"]);
    }
}

#[test]
fn who_publishes_while_the_zone_changes_loses_nothing() {
    let server = up("sse_zone z 1m path=ev sync=ack;");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let published = std::sync::atomic::AtomicUsize::new(0);
    let count = || published.load(std::sync::atomic::Ordering::Relaxed);
    let goes_on = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                let answer =
                    server.curl(&["--data-binary", &format!("{} .", count())], "/events/a");
                match answer.status {
                    201 | 202 => _ = published.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                    503 => assert_eq!(answer.header("Retry-After"), Some("1")),
                    status => panic!("{status}: {}", answer.text()),
                }
            }
        });
        // The publisher must be told of the end, whatever comes: so what is awaited is asserted after.
        let goes_on = ["2m", "512k", "1m channels=70", "3m", "1m"].iter().all(|size| {
            server.set_conf(conf(&format!("sse_zone z {size} path=ev sync=ack;")));
            let before = count();
            reload(&server);
            comes(|| count() > before)
        });
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        goes_on
    });
    assert!(goes_on, "no event was taken after a change");
    let published = count();
    publish(&server, "/events/a", "the last");
    let mut reader = Reader::open(&server, "/events/a", "0-0");
    reader.read_to("the last");
    let words = reader.events.iter().map(|(_, data)| data.clone());
    let wanted: Vec<String> = (0..published).map(|n| format!("{n} .")).collect();
    assert_eq!(words.collect::<Vec<_>>()[..published], wanted);
}
