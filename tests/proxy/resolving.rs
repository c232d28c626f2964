//! `server NAME resolve`: peers follow what DNS says of their names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::dns::ResponseCode;
use support::{Server, Wire, free_port, http, process, start};

use crate::zone::{Zone, origin_at, scripted_at};

fn conf(zone: &Zone, servers: &str) -> String {
    http(&format!(
        "resolver {} ipv6=off; upstream group {{ {servers} }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; }} }}",
        zone.dns.address
    ))
}

fn server(zone: &Zone, servers: &str) -> Server {
    start!(conf(zone, servers))
}

/// Who answers, `count` times; sorted.
fn answers(server: &Server, count: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..count).map(|_| server.get("/").text()).collect();
    all.sort();
    all
}

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{output:?}\n{}", server.error_log());
}

/// A connection that is kept to who has gone is closed.
#[test]
fn requests_go_where_the_name_leads() {
    let (port, closed) = (free_port(), Arc::new(AtomicBool::new(false)));
    let is_closed = closed.clone();
    let _first = scripted_at("127.0.0.2", port, move |exchange| {
        exchange.answer("200 OK", "", "first");
        exchange.hang();
        is_closed.store(true, Ordering::SeqCst);
        false
    });
    let _others = ["127.0.0.3", "127.0.0.4"].map(|address| origin_at(address, port));
    let zone = Zone::of(&["www.example 1 A 127.0.0.2"]);
    let server = server(&zone, &format!("server www.example:{port} resolve;"));
    assert_eq!(server.get("/").text(), "first");
    zone.set(&["www.example 1 A 127.0.0.4", "www.example 1 A 127.0.0.3"]);
    server.wait_for("the connection's end", || closed.load(Ordering::SeqCst));
    assert_eq!(answers(&server, 6), [["127.0.0.3"; 3], ["127.0.0.4"; 3]].concat());
    zone.set(&["www.example 1 A 127.0.0.3"]);
    server.wait_for("the change", || answers(&server, 2) == ["127.0.0.3"; 2]);
    assert_eq!(server.get("/").text(), "127.0.0.3");
    assert!(!server.error_log().contains("[error]"), "{}", server.error_log());
}

#[test]
fn what_is_under_way_goes_on_where_it_began() {
    let (port, go) = (free_port(), Arc::new(AtomicBool::new(false)));
    let closed = Arc::new(AtomicBool::new(false));
    let (may_go, is_closed) = (go.clone(), closed.clone());
    let slow = scripted_at("127.0.0.2", port, move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde");
        support::wait_for("the word to go on", || may_go.load(Ordering::SeqCst));
        exchange.send("fghij");
        exchange.hang();
        is_closed.store(true, Ordering::SeqCst);
        false
    });
    let _other = origin_at("127.0.0.3", port);
    let zone = Zone::of(&["www.example 1 A 127.0.0.2"]);
    let server = server(&zone, &format!("server www.example:{port} resolve;"));
    let mut wire = Wire::open(server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for("the origin", || slow.count() == 1);
    zone.set(&["www.example 1 A 127.0.0.3"]);
    zone.wait_for(1);
    let asked_elsewhere = || slow.count() == 1 && server.get("/").text() == "127.0.0.3";
    assert!(support::comes(asked_elsewhere), "{}", server.error_log());
    go.store(true, Ordering::SeqCst);
    assert_eq!(wire.answer().text(), "abcdefghij");
    server.wait_for("the connection's end", || closed.load(Ordering::SeqCst));
}

/// What is told in another order is the same: connections stay.
#[test]
fn the_order_of_an_answer_says_nothing() {
    let port = free_port();
    let number = |address| {
        scripted_at(address, port, |exchange| {
            let number = exchange.connection.to_string();
            exchange.answer("200 OK", "", number)
        })
    };
    let _origins = ["127.0.0.2", "127.0.0.3"].map(number);
    let records = ["www.example 1 A 127.0.0.2", "www.example 1 A 127.0.0.3"];
    let zone = Zone::of(&records);
    let server = server(&zone, &format!("server www.example:{port} resolve;"));
    assert_eq!(answers(&server, 4), ["0"; 4]);
    zone.set(&[records[1], records[0]]);
    zone.wait_for(3);
    assert_eq!(answers(&server, 4), ["0"; 4]);
}

#[test]
fn who_cannot_tell_changes_nothing() {
    let port = free_port();
    let _origin = origin_at("127.0.0.2", port);
    let zone = Zone::of(&["www.example 1 A 127.0.0.2"]);
    let server = server(&zone, &format!("resolver_timeout 1s; server www.example:{port} resolve;"));
    assert_eq!(server.get("/").text(), "127.0.0.2");
    zone.fail(ResponseCode::ServFail);
    zone.wait_for(2);
    assert_eq!(answers(&server, 3), ["127.0.0.2"; 3]);
    let failed = "www.example could not be resolved (2: Server failure)";
    assert_eq!(server.error_log().matches(failed).count(), 1, "{}", server.error_log());
    zone.hush();
    zone.wait_for(2);
    assert_eq!(answers(&server, 3), ["127.0.0.2"; 3]);
    server.wait_for("the word", || {
        server.error_log().contains("www.example could not be resolved (110: Operation timed out)")
    });
    assert_eq!(server.get("/").status, 200);
}

/// A name that does not exist any more has no servers; others of its group serve, or nobody does, until it is back.
#[test]
fn a_name_that_is_gone_has_nobody() {
    let port = free_port();
    let _origins = ["127.0.0.2", "127.0.0.3"].map(|address| origin_at(address, port));
    let zone = Zone::of(&["www.example 1 A 127.0.0.2", "sure.example 600 A 127.0.0.3"]);
    let alone = server(&zone, &format!("server www.example:{port} resolve;"));
    let beside = server(
        &zone,
        &format!("server www.example:{port} resolve; server sure.example:{port} resolve;"),
    );
    assert_eq!(answers(&beside, 4), [["127.0.0.2"; 2], ["127.0.0.3"; 2]].concat());
    assert_eq!(alone.get("/").text(), "127.0.0.2");
    zone.set(&["sure.example 600 A 127.0.0.3"]);
    alone.wait_for("the change", || alone.get("/").status == 502);
    let log = alone.error_log();
    assert!(log.contains("www.example could not be resolved (3: Host not found)"), "{log}");
    assert!(log.contains("no live upstreams while connecting to upstream"), "{log}");
    beside.wait_for("the change", || answers(&beside, 4) == ["127.0.0.3"; 4]);
    zone.set(&["www.example 600 A 127.0.0.2", "sure.example 600 A 127.0.0.3"]);
    // Who finds nobody has it asked for again.
    alone.wait_for("its return", || alone.get("/").status == 200);
}

/// Nothing is asked when the configuration is read: a server starts before DNS does, and its first requests wait.
#[test]
fn requests_wait_for_the_first_answer() {
    let port = free_port();
    let _origin = origin_at("127.0.0.2", port);
    let zone = Zone::silent();
    let group = |timeout: &str| format!("server www.example:{port} resolve; {timeout}");
    let (patient, hasty) =
        (server(&zone, &group("")), server(&zone, &group("resolver_timeout 50ms;")));
    assert_eq!(hasty.get("/").status, 502);
    let mut wire = Wire::open(patient.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    zone.wait_for(1);
    zone.set(&["www.example 600 A 127.0.0.2"]);
    assert_eq!(wire.answer().text(), "127.0.0.2");
    hasty.wait_for("an answer", || hasty.get("/").status == 200);
}

/// One that nobody can reach is a try.
#[test]
fn an_address_out_of_reach_is_a_try() {
    let port = free_port();
    let _origin = origin_at("127.0.0.2", port);
    let zone = Zone::of(&["www.example 600 AAAA 2001:db8::1", "www.example 600 A 127.0.0.2"]);
    let server = start!(http(&format!(
        "resolver {}; upstream group {{ server www.example:{port} resolve; }}
        proxy_connect_timeout 300ms;
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; }} }}",
        zone.dns.address
    )));
    assert_eq!(answers(&server, 8), ["127.0.0.2"; 8]);
    assert!(server.error_log().contains("[2001:db8::1]"), "{}", server.error_log());
}

/// What one worker was told all know, and the next configuration's; so they do of peers that have failed.
#[test]
fn workers_ask_once_and_a_reload_not_at_all() {
    let port = free_port();
    let _origin = origin_at("127.0.0.2", port);
    let zone = Zone::of(&["www.example 600 A 127.0.0.2", "www.example 600 A 127.0.0.3"]);
    let servers = format!("server www.example:{port} resolve fail_timeout=1h;");
    let server = start!(format!("worker_processes 4; {}", conf(&zone, &servers)));
    let tries = || server.error_log().matches("connect() failed").count();
    assert_eq!(answers(&server, 40), ["127.0.0.2"; 40]);
    assert_eq!((tries(), zone.dns.count()), (1, 1), "{}", server.error_log());
    let before = server.workers();
    reload(&server);
    before.into_iter().for_each(process::wait_for_end);
    assert_eq!(answers(&server, 40), ["127.0.0.2"; 40]);
    assert_eq!((tries(), zone.dns.count()), (1, 1), "{}", server.error_log());
}

/// A new binary knows what the old one was told, and so does a worker in the place of one that was killed.
#[test]
fn a_new_binary_need_not_ask() {
    let port = free_port();
    let _origin = origin_at("127.0.0.2", port);
    let zone = Zone::of(&["www.example 600 A 127.0.0.2"]);
    let server = server(&zone, &format!("server www.example:{port} resolve;"));
    assert_eq!(server.get("/").text(), "127.0.0.2");
    let (old, before) = (server.pid(), server.workers());
    server.signal("USR2");
    server.wait_for("the new binary", || {
        server.dir().text("logs/rserve.pid").trim().parse().is_ok_and(|pid: u32| pid != old)
    });
    process::signal(old, "QUIT");
    process::wait_for_end(old);
    before.into_iter().for_each(process::wait_for_end);
    assert_eq!(server.get("/").text(), "127.0.0.2");
    let killed = server.workers()[0];
    process::kill(&[killed]);
    server.wait_for("another worker", || server.workers().iter().any(|&pid| pid != killed));
    server.wait_for("an answer", || server.get("/").text() == "127.0.0.2");
    assert_eq!(zone.dns.count(), 1, "{:?}", zone.dns.questions());
}

/// A worker that drains has nobody to ask for.
#[test]
fn nobody_drains_for_an_answer() {
    let zone = Zone::silent();
    let server = server(&zone, "server www.example:1 resolve; resolver_timeout 1h;");
    zone.wait_for(1);
    let before = server.workers();
    reload(&server);
    before.into_iter().for_each(process::wait_for_end);
}

#[test]
fn services_have_ports_weights_and_an_order() {
    let (port, other) = (free_port(), free_port());
    let _origins = [("127.0.0.2", port), ("127.0.0.3", other), ("127.0.0.4", port)]
        .map(|(address, port)| origin_at(address, port));
    let hosts = [
        "one.example 600 A 127.0.0.2",
        "two.example 600 A 127.0.0.3",
        "three.example 600 A 127.0.0.4",
    ];
    let service = |priorities: [u16; 3]| {
        let [one, two, three] = priorities;
        [
            format!("_http._tcp.www.example 1 SRV {one} 2 {port} one.example"),
            format!("_http._tcp.www.example 1 SRV {two} 0 {other} two.example"),
            format!("_http._tcp.www.example 1 SRV {three} 9 {port} three.example"),
        ]
    };
    let records = |service: &[String]| -> Vec<String> {
        service.iter().cloned().chain(hosts.map(str::to_owned)).collect()
    };
    let set = |zone: &Zone, service: &[String]| {
        let records = records(service);
        zone.set(&records.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let zone = Zone::of(&[]);
    set(&zone, &service([1, 1, 5]));
    let server = server(&zone, "server www.example resolve service=http;");
    assert_eq!(answers(&server, 6), [&["127.0.0.2"; 4][..], &["127.0.0.3"; 2]].concat());
    // Those behind serve where nobody else does.
    set(&zone, &service([7, 7, 5]));
    server.wait_for("the change", || answers(&server, 3) == ["127.0.0.4"; 3]);
    let dead = free_port();
    set(
        &zone,
        &[
            format!("_http._tcp.www.example 1 SRV 1 2 {dead} one.example"),
            format!("_http._tcp.www.example 1 SRV 5 9 {other} two.example"),
        ],
    );
    server.wait_for("the change", || answers(&server, 3) == ["127.0.0.3"; 3]);
    assert!(server.error_log().contains("connect() failed"), "{}", server.error_log());
}

#[test]
fn wrong_words_are_refused() {
    for (text, words) in [
        (
            "upstream a { server www.example resolve; }",
            "no resolver defined to resolve names at run time in upstream \"a\"",
        ),
        (
            "resolver 127.0.0.1; upstream a { server www.example service=http; }",
            "service upstream \"www.example\" requires \"resolve\" parameter",
        ),
        (
            "resolver 127.0.0.1; upstream a { server www.example:80 service=http resolve; }",
            "service upstream \"www.example:80\" may not have port",
        ),
        (
            "resolver 127.0.0.1; upstream a { server 127.0.0.1 service=http resolve; }",
            "service upstream \"127.0.0.1\" requires domain name",
        ),
        (
            "resolver 127.0.0.1; upstream a { server www.example service= resolve; }",
            "service is empty",
        ),
    ] {
        let conf = http(&format!("{text} server {{ listen 127.0.0.1:{{port}}; }}"));
        let told = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail().1;
        assert!(told.contains(words), "{text}\n{told}");
    }
    // The resolver may stand behind, or in the group; an address is none to be asked for.
    for text in [
        "upstream a { server www.example resolve; } resolver 127.0.0.1;",
        "upstream a { server www.example resolve; resolver 127.0.0.1; resolver_timeout 1s; }",
        "upstream a { server 127.0.0.1 resolve; }",
    ] {
        start!(http(&format!("{text} server {{ listen 127.0.0.1:{{port}}; }}")));
    }
}
