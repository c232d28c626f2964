//! Readers that are slow, or do not read at all.

use support::{Server, curl, proc, start};

use crate::client::{end, publish, subscribe};
use crate::{conf, with_zone};

/// Publishes so many events of 10 kB.
fn flood(server: &Server, path: &str, count: usize) {
    let file = server.file("flood", "x".repeat(10_000));
    let arg = format!("@{}", file.display());
    let url = server.url(path);
    for _ in 0..count / 50 {
        let urls: Vec<&str> = std::iter::repeat_n(url.as_str(), 50).collect();
        curl(&[&["--data-binary", &arg, "-o", "/dev/null"], &urls[..]].concat());
    }
}

fn small(settings: &str) -> Server {
    start!(with_zone("z 2m", &format!("sse_history 100000 1h; {settings}")))
}

#[test]
fn one_that_does_not_read_costs_no_memory_and_disturbs_nobody() {
    let server = start!(conf("sse_history 100 1h;"));
    let _idle: Vec<_> = (0..20).map(|_| subscribe(&server, "/events/c", "")).collect();
    let memory = || server.workers().into_iter().map(proc::memory_kb).sum::<u64>();
    flood(&server, "/events/c", 500);
    let before = memory();
    flood(&server, "/events/c", 2000);
    let after = memory();
    // Twenty megabytes for each of twenty readers were published meanwhile.
    assert!(after < before + 8000, "{before} kB, then {after} kB");
    let mut wire = subscribe(&server, "/events/c", "");
    publish(&server, "/events/c", "still here");
    wire.until("data: still here\n\n");
    server.wait_for("the lag to show", || {
        let text =
            server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], "/events/c").text();
        !text.contains("\"behind\":0")
    });
}

#[test]
fn one_that_was_lapped_is_told_and_goes_on() {
    let server = small("");
    let mut wire = subscribe(&server, "/events/c", "");
    flood(&server, "/events/c", 2000);
    publish(&server, "/events/c", "the last");
    // What it was in the middle of is gone: the connection ends, and it comes back with its id.
    let mut text =
        String::from_utf8_lossy(&until_end_or(&mut wire, "data: the last\n\n")).into_owned();
    if !text.contains("the last") {
        let id = text.split("\nid: ").filter_map(|rest| rest.split_once("\ndata: x")).last();
        let id = id.expect("an event").0.to_owned();
        let mut again = subscribe(&server, "/events/c", &format!("Last-Event-ID: {id}\r\n"));
        text = again.until("data: the last\n\n");
    }
    assert!(text.contains("event: gap\n"), "it was not told");
    server.wait_for("the count of those that were lapped", || {
        !server.get("/status").text().contains("\"lapped\":0,")
    });
}

/// A stream has ended, and its client keeps its half open: the worker waits for it, and for nothing else.
#[test]
fn one_that_does_not_close_lets_the_worker_sleep() {
    let server = start!(conf("").replace("worker_processes 2", "worker_processes 1"));
    let worker = server.workers()[0];
    publish(&server, "/events/c", "first");
    let before = proc::descriptors(worker);
    let mut wire = subscribe(&server, "/events/c", "");
    let (begin, busy) = (std::time::Instant::now(), proc::cpu_ms(worker));
    end(&server, "/events/c");
    wire.until("0\r\n\r\n");
    let passed = || begin.elapsed().as_millis() as u64;
    server.wait_for("a while", || passed() > 500);
    server.wait_for("the worker to give it up", || proc::descriptors(worker) <= before);
    let (passed, busy) = (passed(), proc::cpu_ms(worker) - busy);
    assert!(busy < passed / 4, "{busy} of {passed} ms");
    drop(wire);
}

/// All bytes up to a word or the connection's end.
fn until_end_or(wire: &mut support::Wire, what: &str) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let more = wire.some();
        let ended = more.is_empty();
        all.extend(more);
        let tail = &all[all.len().saturating_sub(200_000)..];
        if ended || tail.windows(what.len()).any(|part| part == what.as_bytes()) {
            return all;
        }
    }
}

#[test]
fn latest_skips_to_the_newest_and_close_sends_away() {
    for (lag, wanted) in [("latest", "event: gap\n"), ("close", "0\r\n\r\n")] {
        let server = small(&format!("sse_lag {lag};"));
        let id = publish(&server, "/events/c", "first");
        flood(&server, "/events/c", 400);
        publish(&server, "/events/c", "newest");
        let mut wire = subscribe(&server, "/events/c", &format!("Last-Event-ID: {id}\r\n"));
        let text = wire.until(wanted);
        if lag == "latest" {
            assert!(wire.until("data: newest\n\n").len() < 2000, "only the newest came");
        } else {
            assert!(!text.contains("data: x"), "{}", text.len());
        }
    }
}

#[test]
fn one_that_reads_slowly_gets_everything_that_is_kept() {
    let server = start!(conf("sse_history 100000 1h;"));
    let mut wire = subscribe(&server, "/events/c", "");
    flood(&server, "/events/c", 800);
    publish(&server, "/events/c", "the last");
    let all = until_end_or(&mut wire, "data: the last\n\n");
    let text = String::from_utf8_lossy(&all);
    assert_eq!(text.matches("\ndata: x").count(), 800);
    assert!(!text.contains("event: gap"));
}
