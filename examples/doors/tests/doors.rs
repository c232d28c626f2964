//! Each door's module in a running server, with two workers where that matters.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::Instant;

use support::{Server, Start, Wire, http, site};

fn start(conf: &str) -> Server {
    Start::new(env!("CARGO_BIN_EXE_rserve-doors")).conf(conf).start()
}

#[test]
fn a_handler_waits_for_a_timer() {
    let server = start(&site("location / { delay 200ms; } location /now { }"));
    server.file("html/a", "a");
    server.file("html/now/a", "now");
    let began = Instant::now();
    let mut slow = server.wire();
    slow.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    // The worker serves others meanwhile.
    assert_eq!(server.get("/now/a").text(), "now");
    assert_eq!(slow.answer().text(), "a");
    assert!(began.elapsed().as_millis() >= 200);
}

#[test]
fn nobody_waits_for_a_client_that_has_gone() {
    let server = start(&site("location / { delay 1h; }"));
    let mut client = server.wire();
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    drop(client);
    server.wait_for("the line of its end", || server.access_log().contains(" 499 "));
}

#[test]
fn a_handler_waits_for_another_server() {
    let server = start(&site(
        "location / { ask unix:{dir}/other.sock; } location /nobody { ask unix:{dir}/no.sock; }",
    ));
    let path = server.path("other.sock");
    let other = UnixListener::bind(&path).expect("a socket");
    // Workers are nobody where the tests are root's.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("its mode");
    let other = std::thread::spawn(move || {
        let (mut client, _) = other.accept().expect("a client");
        let mut line = String::new();
        BufReader::new(&client).read_line(&mut line).expect("a line");
        client.write_all(format!("you want {line}").as_bytes()).expect("room");
    });
    assert_eq!(server.get("/the/moon").text(), "you want /the/moon\n");
    other.join().expect("it was asked");
    assert_eq!(server.get("/nobody").status, 502);
    assert!(server.error_log().contains("no.sock failed"), "{}", server.error_log());
}

/// Of 100 descriptors 60 clients may have 60, and then there are 60 more.
#[test]
fn sockets_of_its_own_need_descriptors_beside_those_of_clients() {
    let warning =
        "60 worker_connections and as many sockets of ask exceed open file resource limit";
    for (limit, location, warned) in [
        (100, "location / { ask unix:{dir}/other.sock; }", true),
        (120, "location / { ask unix:{dir}/other.sock; }", false),
        (100, "location / { }", false),
    ] {
        let server = start(&format!(
            "worker_rlimit_nofile {limit}; events {{ worker_connections 60; }} {}",
            site(location)
        ));
        assert_eq!(server.error_log().contains(warning), warned, "{limit} {location}");
    }
}

#[test]
fn a_body_is_read_piece_by_piece() {
    let server = start(&site("location / { count_lines on; client_max_body_size 2m; }"));
    let mut client = server.wire();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n");
    client.send("2\r\n\n\n\r\n0\r\n\r\n");
    assert_eq!(client.answer().text(), "4\n");
    // Longer than what is read at once.
    server.file("long", "line\n".repeat(200_000));
    let long = format!("@{}", server.path("long").display());
    assert_eq!(server.curl(&["--data-binary", &long], "/").text(), "200000\n");
    server.file("longer", "line\n".repeat(500_000));
    let longer = format!("@{}", server.path("longer").display());
    assert_eq!(server.curl(&["--data-binary", &longer], "/").status, 413);
    // Of one in chunks that is found out on the way.
    let chunks = ["-H", "Transfer-Encoding: chunked", "--data-binary", &longer];
    assert_eq!(server.curl(&chunks, "/").status, 413);
}

#[test]
fn a_body_is_made_while_it_is_sent() {
    let server = start(&site("location / { ticks 3 50ms; }"));
    let mut client = server.wire();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    // The first line is here before the last one is made.
    let first = client.until("tick 1\n");
    assert!(!first.contains("tick 3"), "{first}");
    client.until("tick 3\n");
    assert_eq!(server.get("/").text(), "tick 1\ntick 2\ntick 3\n");
}

#[test]
fn a_body_filter_changes_what_is_sent() {
    let server = start(&site(
        "types { text/plain txt; text/html html; } shout on; location /ticks { ticks 2 1ms; }",
    ));
    server.file("html/a.txt", "loud");
    server.file("html/a.html", "quiet");
    // Sent from a file, in several pieces.
    server.file("html/long.txt", "x".repeat(300_000));
    let answer = server.get("/a.txt");
    assert_eq!((answer.text(), answer.header("content-length")), ("LOUD".into(), Some("4")));
    assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (None, None));
    assert_eq!(server.get("/a.html").text(), "quiet");
    assert_eq!(server.get("/long.txt").text(), "X".repeat(300_000));
    assert_eq!(server.get("/ticks").text(), "TICK 1\nTICK 2\n");
    // A part of it is not to be had: all of it is, in capitals.
    let part = server.curl(&["-r", "0-1"], "/a.txt");
    assert_eq!((part.status, part.text()), (200, "LOUD".into()));
    assert_eq!(server.curl(&["-I"], "/a.txt").header("content-length"), Some("4"));
}

#[test]
fn a_header_filter_adds_a_field() {
    let server =
        start(&site("server_timing on; location / { } location /off { server_timing off; }"));
    server.file("html/a", "a");
    server.file("html/off", "off");
    let timing = |path: &str| server.get(path).header("server-timing").map(str::to_owned);
    assert!(timing("/a").is_some_and(|value| value.starts_with("total;dur=")));
    assert_eq!(timing("/off"), None);
    // Of errors, too.
    assert!(timing("/missing").is_some());
}

/// `Order::Module` is before the configuration's own fields, which may be made of what a module has added.
#[test]
fn filters_have_an_order() {
    let server = start(&site("add_header X-Copy $sent_http_x_trace_id; trace_id on;"));
    server.file("html/a", "a");
    let answer = server.curl(&["-H", "X-Trace-Id: mine"], "/a");
    assert_eq!(answer.header("x-copy"), Some("mine"));
}

#[test]
fn variables_of_ones_own() {
    let server = start(&http(
        "log_format parts \"$path_depth:$path_part_2:$path_part_9\"; server { listen 127.0.0.1:{port}; access_log logs/parts.log parts; }",
    ));
    server.get("/a/b/c");
    let line = || server.dir().text("logs/parts.log");
    server.wait_for("the line", || line() == "3:b:-\n");
}

#[test]
fn a_request_has_a_state() {
    let server = start(&http(
        "log_format ids $trace_id; server { listen 127.0.0.1:{port}; trace_id on; access_log logs/ids.log ids; }",
    ));
    let answer = server.curl(&["-H", "X-Trace-Id: mine"], "/");
    assert_eq!(answer.header("x-trace-id"), Some("mine"));
    // One that has none gets one, and the next on the same connection another.
    let mut client = server.wire();
    let mut next = || {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        client.answer().header("x-trace-id").map(str::to_owned).expect("an id")
    };
    let (first, second) = (next(), next());
    assert_ne!(first, second);
    let logged = || server.dir().text("logs/ids.log");
    server.wait_for("the lines", || logged() == format!("mine\n{first}\n{second}\n"));
}

#[test]
fn subrequests_make_an_answer() {
    let server = start(&site(
        "location = /all { join /a /ticks /a; } location /ticks { internal; ticks 2 1ms; } location = /broken { join /a /missing; } location = /circle { join /circle; }",
    ));
    server.file("html/a", "a\n");
    assert_eq!(server.get("/all").text(), "a\ntick 1\ntick 2\na\n");
    assert_eq!(server.get("/ticks").status, 404);
    assert_eq!(server.get("/broken").status, 404);
    assert_eq!(server.get("/circle").status, 502);
}

/// The counts that so many requests are told.
fn visit(server: &Server, times: u64) -> Vec<u64> {
    let visits = |_| {
        let answer = server.get("/page?someone");
        answer.header("x-visits").and_then(|value| value.parse().ok()).expect("a count")
    };
    (0..times).map(visits).collect()
}

#[test]
fn counters_are_those_of_all_workers_and_survive_a_reload() {
    let conf = format!(
        "worker_processes 2; {}",
        http(
            "visits_zone $args zone=visits:64k; server { listen 127.0.0.1:{port} reuseport; visits visits; }"
        )
    );
    let server = start(&conf);
    server.wait_for("both workers", || server.workers().len() == 2);
    // Each connection is a new one: the kernel deals them to both workers' sockets.
    let counted = visit(&server, 20);
    assert_eq!(counted, (1..=20).collect::<Vec<_>>());
    let before: BTreeSet<_> = server.workers().into_iter().collect();
    server.signal("HUP");
    let replaced = || server.workers().iter().all(|pid| !before.contains(pid));
    server.wait_for("new workers", || server.workers().len() == 2 && replaced());
    assert_eq!(visit(&server, 1), [21]);
    // Nor does a worker that dies take anything along.
    let worker = server.workers()[0];
    support::process::signal(worker, "KILL");
    server.wait_for("another worker", || {
        let workers = server.workers();
        workers.len() == 2 && !workers.contains(&worker)
    });
    assert!(visit(&server, 1)[0] >= 22);
}

#[test]
fn a_zone_that_is_full_forgets_the_oldest() {
    let server = start(&http(
        "visits_zone $uri zone=visits:32k; server { listen 127.0.0.1:{port}; visits visits; }",
    ));
    let mut client = server.wire();
    let mut visits = |path: &str| {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        client.answer().header("x-visits").map(str::to_owned)
    };
    assert_eq!(visits("/first").as_deref(), Some("1"));
    for number in 0..900 {
        assert_eq!(visits(&format!("/{number}")).as_deref(), Some("1"));
    }
    assert_eq!(visits("/899").as_deref(), Some("2"));
    assert_eq!(visits("/first").as_deref(), Some("1"), "the zone is larger than this test thinks");
}

#[test]
fn a_zone_must_be_declared() {
    let conf = site("visits nowhere;");
    let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve-doors")).conf(conf).fail();
    assert_eq!(code, 1);
    assert!(said.contains("zone \"nowhere\"") && said.contains("visits_zone"), "{said}");
}

/// Two workers that beat, with several locations.
fn beating(every: &str) -> (Server, Vec<u32>) {
    let body = format!(
        "beat logs/beats {every}; server {{ listen 127.0.0.1:{{port}}; location /a {{ }} location /b {{ }} }}"
    );
    let server = start(&format!("worker_processes 2; {}", http(&body)));
    server.wait_for("both workers", || server.workers().len() == 2);
    let workers = server.workers();
    (server, workers)
}

fn beats(server: &Server, worker: u32) -> usize {
    let line = format!("{worker} beats");
    server.dir().text("logs/beats").lines().filter(|found| *found == line).count()
}

/// A worker that leaves does not wait for its task, and its successor has one.
fn reload(server: &Server, old: &[u32]) -> Vec<u32> {
    server.signal("HUP");
    let alive = || server.workers().iter().filter(|pid| old.contains(pid)).count();
    server.wait_for("the old ones to end", || alive() == 0 && server.workers().len() == 2);
    server.workers()
}

#[test]
fn each_worker_has_a_task_of_its_own() {
    let (server, old) = beating("20ms");
    server.wait_for("both to beat", || old.iter().all(|&pid| beats(&server, pid) >= 3));
    let new = reload(&server, &old);
    server.wait_for("the new ones", || new.iter().all(|&pid| beats(&server, pid) >= 3));
}

/// Not one for each location that has inherited it.
#[test]
fn a_worker_has_the_task_once() {
    let (server, old) = beating("1h");
    server.wait_for("both to beat", || old.iter().all(|&pid| beats(&server, pid) >= 1));
    reload(&server, &old);
    // They have ended: that was all that they had to say.
    assert_eq!(old.iter().map(|&pid| beats(&server, pid)).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_core_module_has_a_block_and_a_listener() {
    let conf = format!(
        "worker_processes 2; echo {{ listen 127.0.0.1:{{port2}}; idle 5s; }} {}",
        site("location / { }")
    );
    let server = start(&conf);
    let mut clients: Vec<Wire> = (0..8).map(|_| Wire::open(server.port2())).collect();
    for _ in 0..2 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("hello {number}\n"));
            assert_eq!(client.until("\n"), format!("hello {number}\n"));
        }
    }
    // More than a socket takes at once.
    let long = "x".repeat(3 << 20);
    let mut writer = clients[0].stream().try_clone().expect("a second handle");
    let sent = std::thread::spawn({
        let long = long.clone();
        move || writer.write_all(long.as_bytes())
    });
    assert_eq!(clients[0].exactly(long.len()), long.as_bytes());
    sent.join().expect("no panic").expect("sent");
    clients[1].half_close();
    assert!(clients[1].closes());
    // The listener is new workers', too.
    server.signal("HUP");
    assert!(clients[2].closes());
    let mut after = Wire::open(server.port2());
    after.send("again\n");
    assert_eq!(after.until("\n"), "again\n");
}

#[test]
fn mistakes_in_the_block_are_told() {
    for (block, wanted) in [
        ("echo { listen 0; }", "invalid port in \"0\""),
        ("echo { lissten 7007; }", "unknown directive \"lissten\""),
        ("echo { idle 5x; }", "\"idle\" directive invalid value"),
        ("echo { idle 5s; idle 5s; }", "\"idle\" directive is duplicate"),
        ("echo { } echo { }", "\"echo\" directive is duplicate"),
        ("echo { root html; }", "\"root\" directive is not allowed here"),
        ("echo { listen 127.0.0.1:{port}; }", "duplicate listen"),
    ] {
        let conf = format!("{block} {}", site("location / { }"));
        let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve-doors")).conf(conf).fail();
        assert_eq!(code, 1);
        assert!(said.contains(wanted), "{block}: {said}");
    }
}
