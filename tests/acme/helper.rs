//! The helper ends in all ways; another goes on.

use support::{proc, process, wait_for};

use crate::pebble::{Pebble, helper, running_helper};

/// It has no listeners, and is another process than the workers.
#[test]
fn it_listens_nowhere() {
    let pebble = Pebble::prepared(86_400);
    let server = pebble.server(&pebble.issuer("")).start();
    let pid = running_helper(&server);
    wait_for("all", || server.workers().len() == 3);
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
    let listens = |inode: &String| {
        table.lines().any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields.get(3) == Some(&"0A") && fields.get(9) == Some(&&inode[..])
        })
    };
    let worker = server.workers().into_iter().find(|worker| *worker != pid).expect("a worker");
    assert!(proc::sockets(worker).iter().any(listens), "that is how it is told");
    assert!(!proc::sockets(pid).iter().any(listens));
}

/// A killed one is replaced, and what it was at is begun again; the account is the same.
#[test]
fn killed() {
    let mut pebble = Pebble::prepared(86_400);
    let server = pebble.server(&pebble.issuer("")).start();
    wait_for("a key", || {
        server.path("state/account.key").exists() || {
            server.error_log().contains("no certificate")
        }
    });
    for _ in 0..3 {
        let pid = running_helper(&server);
        process::kill(&[pid]);
        wait_for("another", || helper(&server).is_some_and(|now| now != pid));
    }
    pebble.go_on();
    pebble.comes(&server, "");
}

/// One that stands still is found out, ended, and replaced; a reload does not wait for it.
#[test]
fn stopped() {
    let mut pebble = Pebble::prepared(86_400);
    let server = pebble.server(&pebble.issuer("")).start();
    wait_for("a try", || server.error_log().contains("no certificate"));
    let pid = running_helper(&server);
    process::signal(pid, "STOP");
    server.signal("HUP");
    wait_for("another", || helper(&server).is_some_and(|now| now != pid));
    wait_for("its end", || !process::is_alive(pid));
    pebble.go_on();
    pebble.comes(&server, "");
}

/// A kill of the master ends it; nothing is left behind.
#[test]
fn without_a_master_it_ends() {
    let pebble = Pebble::prepared(86_400);
    let mut server = pebble.server(&pebble.issuer("")).start();
    let pid = running_helper(&server);
    server.kill_master();
    wait_for("its end", || !process::is_alive(pid));
}

/// During an upgrade there are two masters, and one helper that orders.
#[test]
fn an_upgrade_orders_nothing_twice() {
    let pebble = Pebble::start(86_400);
    let server = pebble.server(&pebble.issuer("")).start();
    let first = pebble.comes(&server, "");
    let old = server.pid();
    server.signal("USR2");
    let now = || server.dir().text("logs/rserve.pid").trim().parse::<u32>().unwrap_or(old);
    wait_for("the new one", || now() != old && process::children(now()).len() == 3);
    assert_eq!(pebble.shown(), first);
    process::signal(old, "QUIT");
    wait_for("the old one's end", || !process::is_alive(old));
    assert_eq!(pebble.shown(), first);
    assert_eq!(server.error_log().matches("is ordered").count(), 1);
}
