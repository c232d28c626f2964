//! Workers come and go; events stay.

use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use support::{Server, process, start, wait_for};

use crate::client::{data, end, number, publish, replay, subscribe};
use crate::{conf, up, with_zone};

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "reload: {said}\n{}", server.error_log());
}

#[test]
fn every_worker_sees_what_any_worker_published() {
    let server = start!(conf("").replace("worker_processes 2", "worker_processes 4"));
    let mut readers: Vec<_> = (0..40).map(|_| subscribe(&server, "/events/c", "")).collect();
    for n in 0..40 {
        publish(&server, "/events/c", &format!("event {n}"));
    }
    for reader in &mut readers {
        for n in 0..40 {
            reader.until(&format!("data: event {n}\n\n"));
        }
    }
}

#[test]
fn a_reload_keeps_events_and_old_workers_deliver() {
    let server = up("sse_start oldest;");
    let first = publish(&server, "/events/c", "1");
    let mut old = subscribe(&server, "/events/c", "");
    old.until("data: 1\n\n");
    for n in 2..5 {
        reload(&server);
        publish(&server, "/events/c", &n.to_string());
        old.until(&format!("data: {n}\n\n"));
        let mut new = subscribe(&server, "/events/c", &format!("Last-Event-ID: {first}\r\n"));
        new.until(&format!("data: {n}\n\n"));
    }
    server.wait_for("the others to be gone", || number(&server.get("/status"), "subscribers") == 1);
    drop(old);
    server.wait_for("the old workers to end", || server.workers().len() == 2);
}

#[test]
fn the_time_to_shut_down_sheds_readers_with_a_time_to_come_back() {
    let server = start!(format!("worker_shutdown_timeout 1s; {}", conf("")));
    let mut readers: Vec<_> = (0..10).map(|_| subscribe(&server, "/events/c", "")).collect();
    reload(&server);
    for reader in &mut readers {
        let rest = String::from_utf8_lossy(&reader.rest()).into_owned();
        assert!(rest.contains("retry: ") && rest.ends_with("0\r\n\r\n"), "{rest}");
    }
    server.wait_for("the old workers to end", || server.workers().len() == 2);
}

#[test]
fn busy_readers_are_sent_away_by_the_clock() {
    // The worker has so much to deliver that its steps come late, and keep-alives come due meanwhile.
    let settings = "sse_keepalive 300ms; sse_history 1000 1h;";
    let conf = conf(settings).replace("worker_processes 2", "worker_processes 1");
    let conf = conf.replace("worker_connections 2000", "worker_connections 4000");
    let server = start!(format!("worker_shutdown_timeout 8s; {conf}"));
    let readers: Vec<_> = (0..2500).map(|_| subscribe(&server, "/events/c", "")).collect();
    let over = AtomicBool::new(false);
    let ends = std::thread::scope(|scope| {
        scope.spawn(|| publish_on_and_on(&server, &over));
        let all = scope.spawn(|| ends_of(&readers));
        reload(&server);
        let ends = all.join().expect("all ends");
        over.store(true, Ordering::Relaxed);
        ends
    });
    let cut = |end: &&String| !end.contains("\nretry: ") || !end.ends_with("\r\n0\r\n\r\n");
    assert_eq!(ends.iter().filter(cut).count(), 0, "{:?}", ends.iter().find(cut));
}

/// Publishes one event behind the other, each when the one before it was taken.
fn publish_on_and_on(server: &Server, over: &AtomicBool) {
    let head = "POST /events/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 40\r\n";
    while !over.load(Ordering::Relaxed) {
        let mut wire = server.wire();
        wire.send(format!("{head}\r\n{}", "x".repeat(40)));
        wire.rest();
    }
}

/// The last bytes of each stream. All are read all the time, as by as many clients.
fn ends_of(readers: &[support::Wire]) -> Vec<String> {
    let mut tails: Vec<(bool, Vec<u8>)> = readers.iter().map(|_| (true, Vec::new())).collect();
    readers.iter().for_each(|one| one.stream().set_nonblocking(true).expect("set"));
    let mut room = vec![0; 64 << 10];
    wait_for("all to be sent away", || {
        for (reader, (open, tail)) in readers.iter().zip(&mut tails) {
            match reader.stream().read(&mut room) {
                _ if !*open => {}
                Ok(0) => *open = false,
                Ok(count) => {
                    tail.extend_from_slice(&room[..count]);
                    tail.drain(..tail.len().saturating_sub(100));
                }
                Err(error) => *open = error.kind() == ErrorKind::WouldBlock,
            }
        }
        tails.iter().all(|(open, _)| !open)
    });
    tails.into_iter().map(|(_, tail)| String::from_utf8_lossy(&tail).into_owned()).collect()
}

#[test]
fn a_worker_that_is_killed_takes_no_event_along() {
    let server = up("sse_start oldest;");
    let mut published = 0;
    for round in 0..5 {
        let mut readers: Vec<_> = (0..10).map(|_| subscribe(&server, "/events/c", "")).collect();
        for _ in 0..10 {
            publish(&server, "/events/c", &published.to_string());
            published += 1;
        }
        let victim = server.workers()[round % 2];
        process::kill(&[victim]);
        server.wait_for("a new worker", || server.workers().len() == 2);
        // Those of the other worker go on; counts are exact again.
        publish(&server, "/events/c", &published.to_string());
        published += 1;
        let figures =
            server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], "/events/c");
        let alive = number(&figures, "subscribers") as usize;
        let word = format!("data: {}\n\n", published - 1);
        let mut got = 0;
        for reader in &mut readers {
            got += usize::from(reader.comes(&word));
        }
        assert_eq!(got, alive, "round {round}");
        drop(readers);
        server.wait_for("none", || number(&server.get("/status"), "subscribers") == 0);
    }
    end(&server, "/events/c");
    let wanted: Vec<String> = (0..published).map(|n: u32| n.to_string()).collect();
    assert_eq!(data(&replay(&server, "/events/c", "")), wanted);
}

#[test]
fn an_upgrade_hands_the_events_over() {
    let server = up("sse_start oldest;");
    publish(&server, "/events/c", "1");
    let mut reader = subscribe(&server, "/events/c", "");
    reader.until("data: 1\n\n");
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the new master", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    // Both serve now, and both see everything.
    for n in 2..12 {
        publish(&server, "/events/c", &n.to_string());
        reader.until(&format!("data: {n}\n\n"));
    }
    process::signal(old, "QUIT");
    publish(&server, "/events/c", "12");
    reader.until("data: 12\n\n");
    drop(reader);
    process::wait_for_end(old);
    publish(&server, "/events/c", "13");
    end(&server, "/events/c");
    let wanted: Vec<String> = (1..14).map(|n| n.to_string()).collect();
    assert_eq!(data(&replay(&server, "/events/c", "")), wanted);
}

#[test]
fn a_zone_in_a_file_outlives_the_server() {
    let mut server = start!(with_zone("z 2m path=zone.log", "sse_start oldest;"));
    let id = publish(&server, "/events/c", "1");
    let port = server.port();
    // Another server must not take the same file.
    let other = server.command(&["-g", "pid logs/other.pid;"]);
    assert!(!other.status.success());
    assert_eq!(server.stop(), Some(0));
    let dir = server.path("");
    let mut again = std::process::Command::new(env!("CARGO_BIN_EXE_rserve"))
        .arg("-p")
        .arg(&dir)
        .args(["-c", "rserve.conf"])
        .spawn()
        .expect("started");
    wait_for("the server", || support::is_listening(port));
    publish(&server, "/events/c", "2");
    assert_eq!(data_after(&server, &id), ["2"]);
    process::signal(again.id(), "TERM");
    again.wait().expect("ended");
}

#[test]
fn another_programs_file_is_left_alone() {
    for len in [13, 2 << 20] {
        let start = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
        let precious = b"precious data".repeat(len / 13 + 1)[..len].to_vec();
        let start = start.conf(with_zone("z 2m path=precious", "")).file("precious", &precious);
        let dir = start.dir();
        let (_, said) = start.fail();
        assert!(said.contains("the file of another program"), "{said}");
        assert_eq!(std::fs::read(dir.path("precious")).expect("there"), precious);
    }
}

#[test]
fn a_damaged_file_stops_no_server() {
    let conf = with_zone("z 2m path=zone.log", "sse_start oldest;");
    for round in 0..6 {
        let mut server = start!(&conf);
        for n in 0..50 {
            publish(&server, &format!("/events/{}", n % 7), &"x".repeat(n * 20));
        }
        assert_eq!(server.stop(), Some(0));
        let mut bytes = std::fs::read(server.path("zone.log")).expect("the zone");
        let noise = support::bytes(8000);
        for (at, byte) in noise.chunks_exact(4).enumerate() {
            let place =
                usize::from(byte[0]) << 13 | usize::from(byte[1]) << 5 | usize::from(byte[2]) >> 3;
            // All but the shape at the beginning.
            let place = 256 + (place * (round + 1) + at) % (bytes.len() - 256);
            bytes[place] = byte[3];
        }
        let again = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
        let again = again.conf(&conf).file("zone.log", &bytes).start();
        publish(&again, "/events/new", "after");
        end(&again, "/events/new");
        assert!(data(&replay(&again, "/events/new", "")).contains(&"after"));
        assert_eq!(again.workers().len(), 2);
    }
}

#[test]
fn without_a_master_reloads_go_on_and_on() {
    let server = start!(format!("master_process off; {}", conf("sse_start oldest;")));
    let mut wire = subscribe(&server, "/events/c", "");
    for n in 0..80 {
        let loaded = || server.error_log().matches("reconfiguring").count();
        server.signal("HUP");
        server.wait_for("the reload", || loaded() > n);
        publish(&server, "/events/c", &n.to_string());
        wire.until(&format!("data: {n}\n\n"));
    }
}

fn data_after(server: &Server, id: &str) -> Vec<String> {
    end(server, "/events/c");
    let all = replay(server, "/events/c", id);
    data(&all).into_iter().map(str::to_owned).collect()
}

#[test]
fn more_and_fewer_workers_lose_nothing() {
    let server = up("sse_start oldest;");
    let mut wanted = Vec::new();
    for workers in [4, 2, 8, 1, 2] {
        server.set_conf(
            conf("sse_start oldest;")
                .replace("worker_processes 2", &format!("worker_processes {workers}")),
        );
        reload(&server);
        for _ in 0..10 {
            wanted.push(wanted.len().to_string());
            publish(&server, "/events/c", wanted.last().expect("one"));
        }
    }
    end(&server, "/events/c");
    assert_eq!(data(&replay(&server, "/events/c", "")), wanted);
}

/// A worker whose master is gone dies: the other master sees to what it has left, as nobody else would.
#[test]
fn the_dead_of_another_master_are_not_counted() {
    let server = up("");
    publish(&server, "/events/c", "x");
    let _readers: Vec<_> = (0..4).map(|_| subscribe(&server, "/events/c", "")).collect();
    let (master, workers) = (server.pid(), server.workers());
    server.signal("USR2");
    server.wait_for("the new master", || {
        let pid = server.dir().text("logs/rserve.pid").trim().parse().unwrap_or(master);
        pid != master && process::children(pid).len() == 2
    });
    // None of them gets to leave by itself.
    workers.iter().for_each(|&pid| process::signal(pid, "STOP"));
    process::kill(&[master]);
    process::kill(&workers);
    server.wait_for("a channel without subscribers", || {
        let accept = "Accept: application/vnd.rserve.channel+json";
        number(&server.curl(&["-H", accept], "/events/c"), "subscribers") == 0
    });
}

#[test]
fn there_is_room_for_as_many_workers_as_are_written() {
    // More than the processors of a small machine make one think of; and twice that for the time of a reload.
    let conf = conf("").replace("worker_processes 2", "worker_processes 70");
    let server = start!(conf.replace("worker_connections 2000", "worker_connections 32"));
    server.wait_for("all workers", || server.workers().len() == 70);
    for _ in 0..2 {
        let mut readers: Vec<_> = (0..20).map(|_| subscribe(&server, "/events/c", "")).collect();
        publish(&server, "/events/c", "to all");
        readers.iter_mut().for_each(|reader| drop(reader.until("data: to all\n\n")));
        reload(&server);
    }
    assert!(!server.error_log().contains("no place"), "{}", server.error_log());
}

#[test]
fn a_zone_that_is_too_small_for_its_workers_is_refused() {
    let conf = with_zone("z 256k", "").replace("worker_processes 2", "worker_processes 1000");
    let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
    assert!(said.contains("\"z\" is too small for 1000 worker_processes"), "{said}");
}
