//! Processes come and go: no stream is lost.

use support::{Transport, process, wait_for};

use crate::{Scenario, conf, up, up_over};

const MAIN: &str = "worker_processes 2;";

#[test]
fn a_stream_that_has_begun_is_completed() {
    let server = up(MAIN, "");
    let mut scenario = Scenario::start(&server, "drain", "slow_stream", &[]);
    assert_eq!(scenario.word(), "half");
    assert!(server.command(&["-s", "reload"]).status.success());
    scenario.ends();
}

/// Also where that takes longer than the client is waited for when it has everything.
#[test]
fn what_is_on_its_way_to_a_slow_client_comes() {
    for transport in [Transport::Plain, Transport::H2] {
        let server = up_over(transport, MAIN, "lingering_timeout 1s;");
        let mut scenario = Scenario::start(&server, "drain", "slow_reader", &[]);
        assert_eq!(scenario.word(), "begun");
        assert!(server.command(&["-s", "reload"]).status.success());
        scenario.ends();
    }
}

#[test]
fn reloads_lose_no_request() {
    let server = up(MAIN, "keepalive_requests 100000;");
    let mut scenario = Scenario::start(&server, "drain", "rounds", &["4000"]);
    assert_eq!(scenario.word(), "begun");
    for _ in 0..5 {
        server.set_conf(conf(MAIN, "keepalive_requests 100000;"));
        assert!(server.command(&["-s", "reload"]).status.success());
    }
    let done = scenario.word();
    scenario.ends();
    assert!(done.starts_with("done 4000 "), "{done}");
    assert!(!done.ends_with("connections 1"), "{done}");
}

#[test]
fn event_streams_come_back() {
    let server =
        up("worker_processes 2; worker_shutdown_timeout 2s;", "keepalive_requests 100000;");
    let mut scenario = Scenario::start(&server, "drain", "events", &[]);
    assert_eq!(scenario.word(), "begun");
    for _ in 0..3 {
        assert!(server.command(&["-s", "reload"]).status.success());
    }
    let heard = scenario.word();
    scenario.ends();
    assert!(heard.starts_with("heard "), "{heard}");
}

#[test]
fn upgrades_lose_no_request() {
    let server = up(MAIN, "keepalive_requests 100000;");
    let mut scenario = Scenario::start(&server, "drain", "rounds", &["4000"]);
    assert_eq!(scenario.word(), "begun");
    let before = server.pid();
    server.signal("USR2");
    server.wait_for("the new master", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != before)
    });
    wait_for("its workers", || server.workers().len() == 2);
    process::signal(before, "QUIT");
    let done = scenario.word();
    scenario.ends();
    assert!(done.starts_with("done 4000 "), "{done}");
    process::wait_for_end(before);
}
