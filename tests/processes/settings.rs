//! What the main context gives to the workers.

use std::process::Command;

use support::{Server, Start, proc, process, site};

use crate::{logged, up};

fn only_worker(server: &Server) -> u32 {
    server.workers()[0]
}

/// What `/proc` says of a worker comes after its start: it sets itself up before it is ready.
#[track_caller]
fn answers(server: &Server) -> u32 {
    assert_eq!(server.get("/ok").text(), "ok");
    only_worker(server)
}

fn id(args: &[&str]) -> String {
    let output = process::run(Command::new("id").args(args));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_root() -> bool {
    id(&["-u"]) == "0"
}

#[test]
fn priority_limit_and_directory() {
    let main = "worker_priority 5; worker_rlimit_nofile 1234; worker_rlimit_core 2m; \
                working_directory {dir}/html;";
    let server = up(1, main, "");
    let worker = answers(&server);
    assert_eq!(proc::nice(worker), Some(5));
    assert_eq!(proc::limit(worker, "Max open files"), Some(1234));
    assert_eq!(proc::limit(worker, "Max core file size"), Some(2 << 20));
    assert_eq!(proc::link(worker, "cwd"), server.path("html"));
    assert_eq!(proc::nice(server.pid()), proc::nice(std::process::id()), "the master's");
}

/// `0-1,4` as a list of numbers.
fn processors(list: &str) -> Vec<usize> {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let ranges = list.split(',').map(|range| range.split_once('-').unwrap_or((range, range)));
    ranges.flat_map(|(first, last)| number(first)..=number(last)).collect()
}

#[test]
fn processors_by_mask_and_in_turn() {
    let allowed = |pid| processors(&proc::field(pid, "Cpus_allowed_list")[0]);
    let all = allowed(std::process::id());
    let (first, last) = (all[0], all[all.len() - 1]);
    let mask = |processor: usize| format!("1{}", "0".repeat(processor));

    let server = up(2, &format!("worker_cpu_affinity {} {};", mask(first), mask(last)), "");
    logged(&server, "start worker process");
    server.wait_for("the workers' processors", || {
        let mut given: Vec<_> = server.workers().into_iter().map(allowed).collect();
        given.sort();
        given == [[first], [last]]
    });

    let server = up(all.len(), "worker_cpu_affinity auto;", "");
    server.wait_for("a processor each", || {
        let mut given: Vec<_> = server.workers().into_iter().flat_map(allowed).collect();
        given.sort_unstable();
        given == all
    });
}

#[test]
fn the_environment_is_what_env_keeps() {
    // The time zone is what one sees of it from outside.
    let start = |main: &str| {
        let conf = site("location / { return 200 ok; }");
        let start = Start::new(env!("CARGO_BIN_EXE_rserve")).env("TZ", "XXX-5");
        let server = start.conf(format!("{main} {conf}")).start();
        assert_eq!(server.get("/").text(), "ok");
        server.wait_for("the line", || !server.access_log().is_empty());
        server.access_log()
    };
    let kept = start("");
    assert!(kept.contains(" +0500]"), "{kept}");
    let set = start("env TZ=YYY-3;");
    assert!(set.contains(" +0300]"), "{set}");
}

#[test]
fn workers_of_root_are_nobody() {
    let server = up(1, "", "");
    let worker = answers(&server);
    let user = if is_root() { id(&["-u", "nobody"]) } else { id(&["-u"]) };
    assert_eq!(proc::field(worker, "Uid"), vec![user; 4]);
    assert_eq!(proc::field(server.pid(), "Uid"), vec![id(&["-u"]); 4], "the master's");
}

#[test]
fn workers_are_whom_user_names() {
    let server = up(1, "user www-data;", "");
    let worker = answers(&server);
    if !is_root() {
        let said = server.dir().text("logs/stderr");
        assert!(said.contains("the \"user\" directive makes sense only"), "{said}");
        return;
    }
    let (user, group) = (id(&["-u", "www-data"]), id(&["-g", "www-data"]));
    assert_eq!(proc::field(worker, "Uid"), vec![user; 4]);
    assert_eq!(proc::field(worker, "Gid"), vec![group.clone(); 4]);
    assert_eq!(proc::field(worker, "Groups"), [group], "root's groups are gone");
    assert_eq!(proc::field(worker, "CapEff"), ["0000000000000000"]);
    // The logs are theirs: they reopen them by themselves.
    server.signal("USR1");
    logged(&server, "reopening logs (worker 0)");
    assert!(!server.error_log().contains("Permission denied"));
}

#[test]
fn a_group_of_its_own() {
    if !is_root() {
        return;
    }
    let server = up(1, "user nobody www-data;", "");
    let group = process::run(Command::new("getent").args(["group", "www-data"]));
    let group = String::from_utf8_lossy(&group.stdout).into_owned();
    let group = group.split(':').nth(2).expect("a group").to_owned();
    assert_eq!(proc::field(answers(&server), "Gid"), vec![group; 4]);
}

#[test]
fn an_unknown_user_is_refused() {
    if !is_root() {
        return;
    }
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let (code, said) = start.conf(format!("user no-such-user; {}", site("return 200;"))).fail();
    assert_eq!(code, 1);
    assert!(said.contains("getpwnam(\"no-such-user\") failed"), "{said}");
}

/// A container without capabilities (`docker run --cap-drop ALL`): to stay who one is takes no right.
/// nginx logs that initgroups failed, and serves.
#[test]
fn root_without_rights_may_stay_root() {
    if !is_root() {
        return;
    }
    let conf = |user: &str| format!("user {user}; {}", site("return 200 ok;"));
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf("root"));
    let server = start.under(&["setpriv", "--bounding-set=-all", "--inh-caps=-all"]).start();
    assert_eq!(server.get("/").text(), "ok");
    logged(&server, "initgroups(root, 0) failed (1: Operation not permitted)");
    assert!(!server.error_log().contains("[emerg]"), "{}", server.error_log());

    // To become somebody else takes it: nobody serves with more rights than were asked for.
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf("www-data"));
    let dir = start.dir();
    let (code, _) = start.under(&["setpriv", "--bounding-set=-all", "--inh-caps=-all"]).fail();
    let log = dir.text("logs/error.log");
    assert!(code == 1 && log.contains("setgid(33) failed (1: Operation not permitted)"), "{log}");
}
