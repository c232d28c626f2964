//! Clients that say less than they could, or say it slowly: nobody waits for them, and nothing is left of them.

use support::Start;

use crate::{Scenario, conf, python, up};

#[test]
fn one_that_takes_nothing_of_an_urgent_answer_gets_the_others() {
    python(&up("", ""), "silent", "urgent", &[]);
}

#[test]
fn event_streams_end_with_their_clients() {
    let server = up("worker_processes 1;", "sse_keepalive off;");
    python(&server, "silent", "apart", &[]);
    let lines = || server.access_log().matches("GET /events/apart HTTP/2.0").count();
    server.wait_for("a line for each", || lines() == 20);
    assert!(server.access_log().lines().all(|line| line.starts_with("127.0.0.1 ")));
}

#[test]
fn one_that_was_told_to_go_may_not_go_on() {
    python(&up("", "keepalive_requests 3;"), "silent", "unheard", &[]);
}

/// Whether it acknowledges a ping or not; then its worker waits for nothing but what it has begun.
#[test]
fn one_that_holds_a_stream_is_told_that_it_is_the_last() {
    for pings in ["heard", "unheard"] {
        let server = up("worker_processes 1;", "");
        let old = server.workers();
        let mut scenario = Scenario::start(&server, "silent", "held", &[pings]);
        assert_eq!(scenario.word(), "begun");
        assert!(server.command(&["-s", "reload"]).status.success());
        scenario.ends();
        server.wait_for("the old worker's end", || !support::process::is_alive(old[0]));
    }
}

#[test]
fn one_that_holds_a_stream_keeps_a_worker_as_long_as_that_waits() {
    let server = up("worker_processes 1; worker_shutdown_timeout 1s;", "");
    let old = server.workers();
    let mut scenario = Scenario::start(&server, "silent", "held_on", &[]);
    assert_eq!(scenario.word(), "begun");
    assert!(server.command(&["-s", "reload"]).status.success());
    scenario.ends();
    server.wait_for("the old worker's end", || !support::process::is_alive(old[0]));
}

#[test]
fn the_idlest_make_room_and_are_told_so() {
    let conf =
        conf("worker_processes 1;", "").replace("worker_connections 4096", "worker_connections 16");
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).start();
    python(&server, "silent", "crowded", &[]);
    let line = "16 worker_connections are not enough, reusing connections";
    server.wait_for("the log", || server.error_log().contains(line));
}

/// Some of them: nobody fills the log by asking what cannot be answered.
#[test]
fn invalid_requests_are_told_of() {
    let server = up("", "");
    python(&server, "silent", "invalid", &[]);
    let lines = || server.error_log().matches("client sent invalid request on stream ").count();
    server.wait_for("the log", || lines() == 10);
    let first = "client sent invalid request on stream 1 while processing HTTP/2 connection, client: 127.0.0.1, ";
    assert!(server.error_log().contains(first), "{}", server.error_log());
}

#[test]
fn one_that_has_not_begun_does_not_keep_a_worker() {
    let server = up("worker_processes 1;", "");
    let old = server.workers();
    let mut scenario = Scenario::start(&server, "silent", "unbegun", &[]);
    assert_eq!(scenario.word(), "begun");
    // What waits to be accepted would be the new one's.
    server.wait_for("both", || support::proc::connections(old[0]) >= 2);
    assert!(server.command(&["-s", "reload"]).status.success());
    scenario.ends();
    server.wait_for("the old worker's end", || !support::process::is_alive(old[0]));
}

#[test]
fn a_slow_body_is_none_that_stands_still() {
    let server = up("", "client_header_timeout 1s;");
    python(&server, "silent", "slow_body", &[]);
    server.wait_for("the log", || server.error_log().contains("client timed out"));
}

#[test]
fn without_keepalive_the_first_request_is_answered() {
    python(&up("", "keepalive_timeout 0;"), "silent", "first", &[]);
}

#[test]
fn one_that_does_not_end_its_request_is_in_nobodys_way() {
    python(&up("", ""), "silent", "lingers", &[]);
}

#[test]
fn what_is_no_web_socket_is_no_tunnel() {
    python(&up("", ""), "silent", "tunnels", &[]);
}

/// As nginx tells it: 499, and nobody is alarmed.
#[test]
fn an_upload_that_is_given_up_is_the_clients_own_affair() {
    let server = up("", "");
    python(&server, "silent", "given_up", &[]);
    for path in ["given", "up"] {
        let line = format!("\"PUT /up/{path} HTTP/2.0\" 499 ");
        server.wait_for("the access log", || server.access_log().contains(&line));
    }
    assert!(!server.error_log().contains("[error]"), "{}", server.error_log());
}
