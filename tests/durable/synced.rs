//! `sync=`: when the disk has it.

use support::{Start, wait_for};

use crate::client::publish;
use crate::conf;

/// How often the disk was waited for while so many events were published.
fn syncs(sync: &str, events: usize, enough: impl Fn(usize) -> bool) -> usize {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let dir = start.dir();
    let trace = dir.path("trace").display().to_string();
    let start = start.conf(conf(&format!("sse_zone z 1m path=ev {sync};")));
    let server =
        start.under(&["strace", "-f", "-qq", "-e", "trace=fdatasync", "-o", &trace]).start();
    let count = || dir.text("trace").lines().filter(|line| line.contains(" = 0")).count();
    publish(&server, "/events/a", "the first: the file's header is synced with it");
    let before = count();
    for n in 0..events {
        publish(&server, "/events/a", &n.to_string());
        if sync == "sync=ack" {
            assert!(count() > before + n, "answered before it was on the disk");
        }
    }
    if !enough(count() - before) {
        wait_for("the disk", || enough(count() - before));
    }
    count() - before
}

#[test]
fn ack_waits_for_the_disk() {
    assert!(syncs("sync=ack", 10, |count| count >= 10) >= 10);
}

#[test]
fn an_interval_is_for_many() {
    let count = syncs("sync=50ms", 40, |count| count >= 1);
    assert!(count < 40, "{count}");
}

#[test]
fn off_leaves_it_to_the_system() {
    assert_eq!(syncs("sync=off", 20, |_| true), 0);
}
