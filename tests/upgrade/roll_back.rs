//! The ways back from an upgrade, in each of the orders that nginx's page "Controlling nginx" knows
//! (<https://nginx.org/en/docs/control.html#upgrade>), and with crashes of either side.

use support::{Server, is_listening, process, start, wait_for};

use crate::{OLD, command, conf, old_pid, quit, upgrade};

/// The workers of the old master: its children, but for the new master.
fn workers_of(old: u32, new: u32) -> Vec<u32> {
    process::children(old).into_iter().filter(|child| *child != new).collect()
}

/// An upgrade to a configuration that only the new binary could read, with the old workers sent away.
#[track_caller]
fn half_way(server: &Server) -> (u32, u32) {
    let (old, new) = upgrade(server);
    process::signal(old, "WINCH");
    server.wait_for("the old workers to end", || workers_of(old, new).is_empty());
    assert_eq!(server.get("/").text(), "one");
    server.set_conf("http { a_word_of_the_new_binary; }");
    (old, new)
}

/// The old master is the only one, serves with both its workers, and has the plain names.
#[track_caller]
fn is_back(server: &Server, old: u32) {
    server.wait_for("the old name", || {
        server.dir().text("logs/rserve.pid").trim() == old.to_string()
    });
    server.wait_for("the old workers", || process::children(old).len() == 2);
    assert_eq!(server.get("/").text(), "one");
    for file in [OLD, "logs/rserve.pid.oldbin.sock"] {
        assert!(!server.path(file).exists(), "{file} is left");
    }
    // It can be told everything again, and go forward once more.
    server.set_conf(format!("worker_processes 2; {}", conf("one")));
    command(server, &["-s", "reload"]);
    let (old, _) = upgrade(server);
    quit(old);
    assert_eq!(server.get("/").text(), "one");
}

fn two_workers() -> Server {
    start!(format!("worker_processes 2; {}", conf("one")))
}

/// "Send the HUP signal to the old master process. The old master process will start new worker
/// processes without re-reading the configuration. After that, all new processes can be shut down
/// gracefully, by sending the QUIT signal to the new master process."
#[test]
fn hup_to_the_old_one_reads_nothing() {
    let server = two_workers();
    let (old, new) = half_way(&server);
    process::signal(old, "HUP");
    server.wait_for("the old workers again", || workers_of(old, new).len() == 2);
    assert!(!server.error_log().contains("a_word_of_the_new_binary"));
    quit(new);
    is_back(&server, old);
}

/// A second HUP, and one while the workers were never sent away, start no further ones.
#[test]
fn hup_starts_no_second_set_of_workers() {
    let server = two_workers();
    let (old, new) = upgrade(&server);
    let before = workers_of(old, new);
    for _ in 0..2 {
        process::signal(old, "HUP");
    }
    let words = "the configuration stays as it is, nothing is read";
    server.wait_for(words, || server.error_log().contains(words));
    assert_eq!(server.get("/").text(), "one");
    assert_eq!(workers_of(old, new), before);
    quit(new);
    is_back(&server, old);
}

/// "Send the TERM signal to the new master process. It will then send a message to its worker processes
/// requesting them to exit immediately, and they will all exit almost immediately. When the new master
/// process exits, the old master process will start new worker processes automatically."
#[test]
fn workers_come_back_by_themselves_when_the_new_one_goes() {
    for signal in ["TERM", "QUIT", "KILL", "ABRT"] {
        let server = two_workers();
        let (old, new) = half_way(&server);
        process::signal(new, signal);
        is_back(&server, old);
    }
}

/// A client that came while nobody served waits in the queue, and is served.
#[test]
fn who_waits_meanwhile_is_served() {
    let server = two_workers();
    let (old, new) = half_way(&server);
    process::kill(&[new]);
    let mut wire = server.wire();
    wire.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(wire.answer().text(), "one");
    is_back(&server, old);
}

/// The old master is killed at each stage: the new one stays, alone, with the plain names.
#[test]
fn the_new_one_outlives_a_killed_old_one() {
    for stage in ["serving", "sent away", "brought back", "quitting"] {
        let server = two_workers();
        let (old, new) = upgrade(&server);
        let workers = workers_of(old, new);
        match stage {
            "sent away" => process::signal(old, "WINCH"),
            "quitting" => process::signal(old, "QUIT"),
            "brought back" => {
                process::signal(old, "WINCH");
                server.wait_for("their end", || workers_of(old, new).is_empty());
                process::signal(old, "HUP");
                server.wait_for("the workers", || workers_of(old, new).len() == 2);
            }
            _ => {}
        }
        process::kill(&[old]);
        for pid in workers {
            process::wait_for_end(pid);
        }
        server.wait_for("its files to be taken away", || {
            !server.path(OLD).exists() && !server.path("logs/rserve.pid.oldbin.sock").exists()
        });
        assert_eq!(server.pid(), new);
        server.set_conf(conf("two"));
        command(&server, &["-s", "reload"]);
        server.wait_for("the reload", || server.get("/").text() == "two");
        command(&server, &["-s", "stop"]);
        wait_for("the end", || !server.path("logs/rserve.pid").exists());
        wait_for(&format!("the port to be free, {stage}"), || !is_listening(server.port()));
    }
}

/// The old one is killed before the new one serves: that one takes over all the same.
#[test]
fn the_old_one_may_die_before_the_new_one_serves() {
    let server = start!(conf("one"));
    let old = server.pid();
    server.signal("USR2");
    server.wait_for("the second name", || old_pid(&server) == Some(old));
    process::kill(&[old]);
    server.wait_for("the new one", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    server.wait_for("the old one's files to go", || !server.path(OLD).exists());
    assert_eq!(server.get("/").text(), "one");
}

/// Both signals at once: nginx is then left with nobody, since it hears QUIT first.
#[test]
fn usr2_and_quit_without_a_pause() {
    let server = start!(conf("one"));
    assert_eq!(server.get("/").text(), "one");
    let old = server.pid();
    process::signal(old, "STOP");
    process::signal(old, "USR2");
    process::signal(old, "QUIT");
    process::signal(old, "CONT");
    process::wait_for_end(old);
    server.wait_for("the new one", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    assert_eq!(server.get("/").text(), "one");
}

/// What stands where the old pid file is to go is somebody else's: no upgrade, nothing is overwritten.
#[test]
fn a_strangers_file_is_not_written_over() {
    let server = start!(conf("one"));
    server.file(OLD, "a diary");
    let master = server.pid();
    server.signal("USR2");
    let words = "the new binary was not started";
    server.wait_for(words, || server.error_log().contains(words));
    assert_eq!(server.dir().text(OLD), "a diary");
    assert_eq!(server.pid(), master);
    std::fs::remove_file(server.path(OLD)).expect("removed");
    let (old, _) = upgrade(&server);
    quit(old);
    assert_eq!(server.get("/").text(), "one");
}

/// The mirror of the way back: the new one's workers were sent away, and then the old one goes.
#[test]
fn workers_of_the_new_one_come_back_when_the_old_one_goes() {
    for signal in ["QUIT", "TERM", "KILL"] {
        let server = two_workers();
        let (old, new) = upgrade(&server);
        process::signal(new, "WINCH");
        server.wait_for("the new workers to end", || process::children(new).is_empty());
        process::signal(old, signal);
        server.wait_for("the new workers again", || process::children(new).len() == 2);
        assert_eq!(server.get("/").text(), "one", "{signal}");
        assert_eq!(server.pid(), new);
    }
}
