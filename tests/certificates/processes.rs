//! Who is there, and who is not.

use support::certificates::{Authority, Validity};
use support::{process, wait_for};

use crate::{SITE, ask, leaf, put, shown, up, with};

/// Nobody waits for a worker that stands still; it has the new one when it goes on.
#[test]
fn a_worker_that_stands_still_keeps_nobody_waiting() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    wait_for("the workers", || server.workers().len() == 2);
    let workers = server.workers();
    workers.iter().for_each(|&worker| process::signal(worker, "STOP"));
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
    workers.iter().for_each(|&worker| process::signal(worker, "CONT"));
    (0..10).for_each(|_| assert_eq!(shown(server.port(), "localhost"), "two"));
    assert_eq!(server.workers(), workers);
}

/// Workers are killed while pairs change: those that come in their place have the newest.
#[test]
fn whoever_comes_in_the_place_of_a_killed_worker_has_the_newest() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    for round in 0..4 {
        wait_for("the workers", || server.workers().len() == 2);
        let victims = server.workers();
        let name = format!("new{round}");
        put(&server, "server", &leaf(&authority, &name, Validity::Now));
        process::kill(&victims);
        assert_eq!(ask(&server, "certificates"), (Some(0), String::new()));
        wait_for("others", || {
            let now = server.workers();
            now.len() == 2 && victims.iter().all(|worker| !now.contains(worker))
        });
        (0..4).for_each(|_| assert_eq!(shown(server.port(), "localhost"), name));
    }
}

/// During an upgrade there are two masters, and one of them looks after the files. Who asks the other is told so.
#[test]
fn one_master_looks_after_them_during_an_upgrade() {
    let authority = Authority::new("tests");
    let server = up(with(SITE, "server", &leaf(&authority, "one", Validity::Now)));
    let old = server.pid();
    server.signal("USR2");
    let now = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().unwrap_or(old);
    wait_for("the new binary", || now() != old && process::children(now()).len() == 2);
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    let (code, said) = ask(&server, "certificates");
    assert!(code == Some(1) && said.contains("another master"), "{code:?} {said}");
    // The old one takes it, for the workers of both.
    wait_for("the new one", || (0..4).all(|_| shown(server.port(), "localhost") == "two"));
    process::signal(old, "QUIT");
    wait_for("the end of the old one", || !process::is_alive(old));
    put(&server, "server", &leaf(&authority, "three", Validity::Now));
    wait_for("its own looks", || ask(&server, "certificates").0 == Some(0));
    assert_eq!(shown(server.port(), "localhost"), "three");
}
