//! Clients that ask for too much: bounded, told so, and of no matter to others.

use support::proc;

use crate::{Scenario, python, up};

#[test]
fn floods() {
    let server = up(
        "",
        "http2_max_concurrent_streams 128; location = /slow-body { limit_req zone=slow burst=10000; root html; }",
    );
    let worker = server.workers()[0];
    let before = (proc::memory_kb(worker), proc::cpu_ms(worker));
    python(&server, "floods", "all_kinds", &[]);
    let grown = proc::memory_kb(worker).saturating_sub(before.0);
    assert!(grown < 30_000, "{grown} KB");
    let log = server.error_log();
    for words in [
        "client sent too many control frames",
        "client gave up too many streams",
        "http2 flood detected",
    ] {
        assert!(
            log.contains(&format!("{words} while processing HTTP/2 connection, client: 127.0.0.1")),
            "{words}"
        );
    }
}

#[test]
fn small_on_the_wire_and_large_in_memory() {
    let server = up("", "");
    let worker = server.workers()[0];
    python(&server, "floods", "bombs", &[]);
    let grown = proc::memory_kb(worker);
    assert!(grown < 40_000, "{grown} KB");
}

/// 2000 streams that take nothing.
#[test]
fn windows_that_stay_closed() {
    let server = up("", "");
    let worker = server.workers()[0];
    let before = proc::memory_kb(worker);
    let mut scenario = Scenario::start(&server, "floods", "pinned", &["20"]);
    assert_eq!(scenario.word(), "pinned");
    let grown = proc::memory_kb(worker).saturating_sub(before);
    scenario.go_on();
    scenario.ends();
    assert!(grown < 40_000, "{grown} KB");
    assert_eq!(server.get("/says").status, 200);
}

#[test]
fn what_browsers_do_is_none() {
    python(&up("", "keepalive_requests 100000;"), "floods", "browser", &[]);
}
