//! Reloads, upgrades and killed workers under load: no request fails that the server could have saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use support::{Server, Wire, Wrk, http, process, start};

use crate::origin::Origin;

fn server(origin: &Origin, workers: usize) -> Server {
    start!(format!(
        "worker_processes {workers}; {}",
        http(&format!(
            "upstream group {{ server 127.0.0.1:{0}; }}
            server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; }} }}",
            origin.port
        ))
    ))
}

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{output:?}\n{}", server.error_log());
}

#[test]
fn reloads_lose_no_request() {
    let origin = Origin::start(|exchange| exchange.answer("200 OK", "", "x".repeat(2000)));
    let server = server(&origin, 2);
    let wrk = Wrk::start(8, &[&server.url("/")]);
    for _ in 0..10 {
        reload(&server);
    }
    let report = wrk.stop();
    assert!(report.is_clean(), "{report:?}");
    assert!(!server.error_log().contains("[error]"), "{}", server.error_log());
}

/// A request that is on its way when its worker is told to go is answered by that worker.
#[test]
fn a_slow_answer_is_not_cut_by_a_reload() {
    let go = Arc::new(AtomicBool::new(false));
    let (told, asked) = (go.clone(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let origin = Origin::start(move |exchange| {
        count.fetch_add(1, Ordering::SeqCst);
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde");
        support::wait_for("the word to go on", || told.load(Ordering::SeqCst));
        exchange.send("fghij")
    });
    let server = server(&origin, 1);
    let mut wire = Wire::open(server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for("the origin", || asked.load(Ordering::SeqCst) == 1);
    reload(&server);
    go.store(true, Ordering::SeqCst);
    assert_eq!(wire.answer().text(), "abcdefghij");
}

/// What a killed worker had counted is given back: a peer with a limit is not full for ever.
#[test]
fn a_killed_worker_leaves_no_count() {
    let origin = Origin::start(|exchange| {
        if exchange.target() == "/hang" {
            exchange.hang();
            return false;
        }
        exchange.answer("200 OK", "", "here")
    });
    let server = start!(format!(
        "worker_processes 2; {}",
        http(&format!(
            "upstream group {{ server 127.0.0.1:{0} max_conns=2; server 127.0.0.1:{0} down; }}
            server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; }} }}",
            origin.port
        ))
    ));
    let mut wires: Vec<Wire> = (0..2).map(|_| Wire::open(server.port())).collect();
    for wire in &mut wires {
        wire.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    server.wait_for("the origin", || origin.count() == 2);
    assert_eq!(server.get("/").status, 502, "it is full");
    for worker in server.workers() {
        process::kill(&[worker]);
    }
    server.wait_for("room", || server.get("/").status == 200);
}
