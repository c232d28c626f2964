//! A worker that is stopped while it has the lock of a zone: it does not stop the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shm::{Holder, Table};
use support::{Server, proc, process, start};

use crate::{conf, get, table};

fn holder(table: &Table) -> Option<u32> {
    let mut holder = Holder::default();
    // Whoever has it at both looks, and did not give it back in between.
    table.look(&mut holder, 0, 0);
    table.look(&mut holder, 1, 0).map(|pid| pid as u32)
}

/// Asks without a pause, with a key that takes long to compare.
fn load(port: u16, ends: &AtomicBool) {
    let request = format!("GET /r HTTP/1.1\r\nHost: x\r\nK: {}\r\n\r\n", "x".repeat(60_000));
    while !ends.load(Ordering::Relaxed) {
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let _ = socket.set_read_timeout(Some(Duration::from_millis(200)));
        let mut answer = [0; 4096];
        while socket.write_all(request.as_bytes()).is_ok()
            && socket.read(&mut answer).is_ok_and(|count| count > 0)
            && !ends.load(Ordering::Relaxed)
        {}
    }
}

/// Stops a worker that has the lock. Gives it.
#[track_caller]
fn stop_one(server: &Server, table: &Table) -> u32 {
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        (0..3).for_each(|_| drop(scope.spawn(|| load(server.port(), &ends))));
        let mut stopped = None;
        let stops = || {
            stopped = server.workers().into_iter().find(|&worker| {
                process::signal(worker, "STOP");
                while proc::field(worker, "State").first().is_some_and(|state| state != "T") {}
                let has_it = holder(table) == Some(worker);
                if !has_it {
                    process::signal(worker, "CONT");
                }
                has_it
            });
            stopped.is_some()
        };
        let found = support::comes(stops);
        ends.store(true, Ordering::Relaxed);
        assert!(found, "waited in vain for a worker that has the lock");
        stopped.expect("a worker")
    })
}

#[test]
fn the_others_go_on_and_the_count_is_kept() {
    let server = start!(format!(
        "worker_processes 2;\n{}",
        conf(
            "large_client_header_buffers 4 80k; limit_req_zone $http_k zone=r:1m rate=1r/m;",
            "location /r { alias html/a; limit_req zone=r burst=3 nodelay; limit_req_log_level info; }"
        )
    ));
    server.file("html/a", "hello");
    let table = table(&server, "limit_req_zone.r");
    let key = "K: known\r\n";
    for status in [200, 200, 200, 200, 503] {
        assert_eq!(get(&mut server.wire(), "/r", key).status, status);
    }
    let stopped = stop_one(&server, &table);
    // The master ends it; until then nobody gets at the zone, and then everybody, and finds it whole.
    server.wait_for("its end", || !process::is_alive(stopped));
    assert_eq!(get(&mut server.wire(), "/r", key).status, 503);
    assert_eq!(get(&mut server.wire(), "/r", "K: new\r\n").status, 200);
    assert!(server.error_log().contains(&format!("process {stopped} keeps a lock")));
    server.wait_for("another worker in its place", || server.workers().len() == 2);
}
