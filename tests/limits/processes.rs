//! What reloads, upgrades and dead workers make of the counts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{Random, Server, Wire, process, start};

use crate::{ask, conf, get, table};

const ZONES: &str = "limit_req_zone $arg_k zone=r:1m rate=1r/m; limit_conn_zone $arg_k zone=c:1m;";
const LOCATIONS: &str = "location /r { alias html/a; limit_req zone=r; }
     location /c { alias html/big; limit_rate 1k; limit_conn c 1; }
     location /one { alias html/a; limit_conn c 1; }";

#[track_caller]
fn up(workers: u32) -> Server {
    let server = start!(with_workers(workers, ZONES));
    server.file("html/a", "hello");
    server.file("html/big", support::bytes(4 << 20));
    server
}

fn with_workers(workers: u32, zones: &str) -> String {
    format!("worker_processes {workers};\n{}", conf(zones, LOCATIONS))
}

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The same, until those before have ended: until then they may accept still.
#[track_caller]
fn change(server: &Server, conf: String) {
    let before = server.workers();
    server.set_conf(conf);
    reload(server);
    before.into_iter().for_each(process::wait_for_end);
}

/// Begins a download that lasts. Of the request before, which had its answer, the other worker may not have let go yet.
#[track_caller]
fn hold(server: &Server, path: &str) -> Wire {
    let mut wire = server.wire();
    server.wait_for("a place", || {
        wire = server.wire();
        ask(&mut wire, path, "");
        wire.until("\r\n\r\n").contains(" 200 ")
    });
    wire
}

fn status(server: &Server, path: &str) -> u16 {
    get(&mut server.wire(), path, "").status
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let server = up(2);
    let held = hold(&server, "/c?k=1");
    assert_eq!(status(&server, "/r?k=1"), 200);
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!((status(&server, "/r?k=1"), status(&server, "/one?k=1")), (503, 503));
        }
        // The old worker has its download still, and the new ones know of it.
        reload(&server);
    }
    drop(held);
    server.wait_for("the place of the old worker's", || status(&server, "/one?k=1") == 200);
    // Of another key, or another size, nothing is known, as in nginx of another size.
    change(&server, with_workers(2, &ZONES.replace("r:1m", "r:2m")));
    assert_eq!((status(&server, "/r?k=1"), status(&server, "/r?k=1")), (200, 503));
    change(&server, with_workers(2, &ZONES.replace("$arg_k zone=r:1m", "$arg_k$arg_x zone=r:1m")));
    assert_eq!((status(&server, "/r?k=1"), status(&server, "/r?k=1")), (200, 503));
}

#[test]
fn an_upgrade_keeps_what_was_counted() {
    let server = up(1);
    assert_eq!((status(&server, "/r?k=1"), status(&server, "/r?k=1")), (200, 503));
    let old = server.pid();
    server.signal("USR2");
    let is_ready = || server.error_log().contains("is ready");
    server.wait_for("the new binary", is_ready);
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    assert_eq!(status(&server, "/r?k=1"), 503);
}

#[test]
fn a_dead_worker_gives_its_connections_back() {
    let server = up(2);
    for _ in 0..3 {
        let _held = [0, 1].map(|key| hold(&server, &format!("/c?k={key}")));
        assert_eq!((status(&server, "/one?k=0"), status(&server, "/one?k=1")), (503, 503));
        let workers = server.workers();
        process::kill(&workers);
        server.wait_for("workers in their place", || {
            let now = server.workers();
            now.len() == 2 && now.iter().all(|worker| !workers.contains(worker))
        });
        for key in [0, 1] {
            let path = format!("/one?k={key}");
            server.wait_for("the dead one's place", || status(&server, &path) == 200);
        }
    }
}

/// Clients come and go, workers are killed wherever they are, and the configuration is read again: when all is quiet nobody
/// is counted, and nobody's place is lost.
#[test]
fn of_any_turmoil_no_count_is_left() {
    let server = up(2);
    let table = table(&server, "limit_conn_zone.c");
    let (ends, mut random) = (AtomicBool::new(false), Random::new(7, 1));
    let client = |number: usize| {
        for n in 0.. {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            let Ok(mut socket) = TcpStream::connect(("127.0.0.1", server.port())) else { continue };
            let _ = socket.set_read_timeout(Some(Duration::from_millis(100)));
            // Some have it all, some go in the middle; keys of all lengths, some of which are others', too.
            let path = if n % 3 == 0 { "/c" } else { "/one" };
            let key = "k".repeat((n * 7 + number) % 120);
            let _ = write!(socket, "GET {path}?k={key}{} HTTP/1.1\r\nHost: x\r\n\r\n", n % 5);
            let _ = socket.read(&mut [0; 1024]);
        }
    };
    std::thread::scope(|scope| {
        (0..6).for_each(|number| drop(scope.spawn(move || client(number))));
        for turn in 0..12 {
            let workers = server.workers();
            match turn % 4 {
                3 => reload(&server),
                _ => process::kill(&workers[..1]),
            }
            // Killed at any moment of a request.
            std::thread::sleep(Duration::from_micros(random.below(150_000) as u64));
        }
        ends.store(true, Ordering::Relaxed);
    });
    server.wait_for("the workers of one generation", || {
        server.workers().len() == 2 && table.processes().len() == 2
    });
    server.wait_for("an empty table", || table.lock().is_empty());
    assert_eq!(status(&server, "/one?k=1"), 200);
}

/// One process is master and worker, and each configuration has tables of its own, over the same memory.
#[test]
fn a_single_process_counts_on_when_it_reads_its_configuration_again() {
    let server = start!(format!("master_process off;\n{}", conf(ZONES, LOCATIONS)));
    server.file("html/a", "hello");
    server.file("html/big", support::bytes(4 << 20));
    let held = hold(&server, "/c?k=1");
    assert_eq!((status(&server, "/r?k=1"), status(&server, "/one?k=1")), (200, 503));
    server.set_conf(format!(
        "master_process off;\n{}",
        conf(ZONES, &format!("{LOCATIONS} location /new {{ return 204; }}"))
    ));
    server.signal("HUP");
    server.wait_for("the new configuration", || status(&server, "/new") == 204);
    assert_eq!((status(&server, "/r?k=1"), status(&server, "/one?k=1")), (503, 503));
    drop(held);
    server.wait_for("the place of the old configuration's", || status(&server, "/one?k=1") == 200);
}
