//! Processes that die: workers are replaced, and a master's death ends its workers.

use support::{is_listening, process, wait_for};

use crate::{download, is_complete, logged, up};

#[test]
fn a_killed_worker_is_replaced() {
    let server = up(2, "", "");
    let master = server.pid();
    let before = server.workers();
    process::kill(&[before[0]]);
    let worker = before[0];
    logged(
        &server,
        &format!("[alert] {master}#{master}: worker process {worker} exited on signal 9"),
    );
    server.wait_for("a new worker", || {
        let now = server.workers();
        now.len() == 2 && !now.contains(&worker) && now.contains(&before[1])
    });
    assert_eq!(server.get("/ok").text(), "ok");
    assert!(server.error_log().contains("signal 17 (SIGCHLD) received"));
}

#[test]
fn one_that_dies_young_again_and_again_is_replaced_later_and_later() {
    let server = up(1, "", "");
    let words = |pause: u32| format!("worker 0 died young, it is started again in {pause} ms");
    let mut worker = 0;
    // The first may have been old enough when it died: it is replaced at once.
    for pause in [100, 200, 400] {
        server.wait_for(&words(pause), || {
            if let [found] = server.workers()[..]
                && found != worker
                && !server.error_log().contains(&words(pause))
            {
                worker = found;
                process::kill(&[worker]);
            }
            server.error_log().contains(&words(pause))
        });
    }
    server.wait_for("a worker", || server.workers().iter().any(|found| *found != worker));
    assert_eq!(server.get("/ok").text(), "ok");
}

#[test]
fn a_worker_ended_by_hand_is_replaced() {
    let server = up(1, "", "");
    let worker = server.workers()[0];
    process::signal(worker, "TERM");
    logged(&server, &format!("worker process {worker} exited with code 0"));
    server.wait_for("a new worker", || server.workers().iter().any(|found| *found != worker));
    assert_eq!(server.get("/ok").text(), "ok");
}

#[test]
fn workers_of_a_killed_master_end_in_good_order() {
    let mut server = up(2, "", "");
    let (master, workers) = (server.pid(), server.workers());
    let wire = download(&server);
    process::kill(&[master]);
    assert_eq!(server.wait_for_exit(), None);
    logged(&server, "the master process is gone, shutting down");
    wait_for("the port to be free", || !is_listening(server.port()));
    // What was being served is served.
    assert!(is_complete(wire));
    for worker in workers {
        process::wait_for_end(worker);
    }
    // What the master has left behind is in nobody's way.
    let again = server.command(&["-t"]);
    assert!(again.status.success());
    assert!(server.path("logs/rserve.pid").exists());
    let second = server.command(&["-s", "stop"]);
    assert_eq!(second.status.code(), Some(1), "there is nobody to stop");
    assert!(server.path("logs/rserve.pid.sock").exists());
}
