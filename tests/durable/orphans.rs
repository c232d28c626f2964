//! The master is killed: its workers let go of the file and send their readers away, and a new server has it.

use support::{process, wait_for};

use crate::client::{Reader, publish};
use crate::{come_back, publish_some, up};

#[test]
fn a_start_after_a_killed_master_has_the_events() {
    let mut server = up("sse_zone z 1m path=ev;");
    let ids = publish_some(&server, "event", 5);
    let workers = server.workers();
    let mut idle = Reader::open(&server, "/events/a", "");
    server.kill_master();
    // At once: the orphans have the file for a moment still.
    server.start_again().expect("started");
    let rest = idle.read_to_the_end();
    assert!(rest.contains("retry: "), "{rest}");
    workers.into_iter().for_each(process::wait_for_end);
    let reader = come_back(&server, &ids[1]);
    assert_eq!(reader.words(), ["event 3", "event 4", "event 5", "the last"]);
    // The file was the server's own all the time: nothing can have been lost.
    assert_eq!(reader.gaps, [""; 0]);
    assert!(reader.events[3].0.starts_with(ids[0].split('-').next().expect("an epoch")));
}

#[test]
fn readers_of_an_orphan_are_sent_away_with_a_time_to_come_back() {
    let mut server = up("sse_zone z 1m;");
    publish(&server, "/events/a", "x");
    let mut readers: Vec<_> = (0..20).map(|_| Reader::open(&server, "/events/a", "")).collect();
    let mut waiting: Vec<_> = (0..20).map(|_| Reader::open(&server, "/events/new", "")).collect();
    server.kill_master();
    for reader in readers.iter_mut().chain(&mut waiting) {
        let rest = reader.read_to_the_end();
        assert!(rest.contains("retry: "), "{rest}");
    }
    server.start_again().expect("started");
}

#[test]
fn everything_is_killed_again_and_again() {
    let mut server = up("sse_zone z 4m path=ev;");
    let mut wanted = Vec::new();
    for round in 0..5 {
        for n in 0..20 {
            wanted.push(format!("{round}.{n} x"));
            publish(&server, "/events/a", wanted.last().expect("one"));
        }
        let workers = server.workers();
        match round % 3 {
            0 => server.kill_master(),
            1 => process::kill(&workers),
            _ => {
                process::kill(&workers);
                server.kill_master();
            }
        }
        if round % 3 != 1 {
            server.start_again().expect("started");
        } else {
            wait_for("other workers", || server.workers().iter().all(|pid| !workers.contains(pid)));
        }
    }
    let mut reader = Reader::open(&server, "/events/a", "0");
    publish(&server, "/events/a", "the last");
    reader.read_to("the last");
    wanted.push("the last".into());
    assert_eq!(reader.words(), wanted);
}

#[test]
fn who_has_the_file_is_named() {
    let server = up("sse_zone z 1m path=ev;");
    publish(&server, "/events/a", "x");
    let other = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
    let path = server.path("ev");
    let (_, said) =
        other.conf(crate::conf(&format!("sse_zone z 1m path={};", path.display()))).fail();
    let named = |pid: &u32| said.contains(&format!("process {pid} "));
    assert!(said.contains("is in use") && server.workers().iter().any(named), "{said}");
    assert_eq!(crate::come_back(&server, "0").words(), ["x", "the last"]);
}
