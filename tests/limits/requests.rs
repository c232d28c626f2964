//! `limit_req`, beside nginx.

use std::time::Instant;

use support::{Wire, start, wait_for};

use crate::{ask, both, conf, get, told};

/// One a minute: nothing leaks while a test runs.
const ZONES: &str = "limit_req_zone $http_k zone=slow:1m rate=1r/m; limit_req_zone $http_m zone=other:1m rate=1r/m;
    limit_req_zone $arg_k zone=fast:1m rate=2r/s; limit_req_zone $http_none zone=none:1m rate=1r/m;";

#[test]
fn requests_come_to_what_they_come_to_in_nginx() {
    let conf = conf(
        ZONES,
        "location /one { alias html/a; limit_req zone=slow; }
         location /burst { alias html/a; limit_req zone=slow burst=3 nodelay; }
         location /two { alias html/a; limit_req zone=slow burst=2 nodelay; limit_req zone=other burst=9 nodelay; }
         location /turned { alias html/a; limit_req zone=other burst=1 nodelay; limit_req zone=slow burst=4 nodelay; }
         location /last-empty { alias html/a; limit_req zone=slow burst=1 nodelay; limit_req zone=none; }
         location /first-empty { alias html/a; limit_req zone=none; limit_req zone=slow burst=1 nodelay; }
         location /status { alias html/a; limit_req zone=slow; limit_req_status 429; }
         location /page { alias html/a; limit_req zone=slow burst=1 nodelay; error_page 503 =200 /one; }
         location /inner { limit_req zone=slow burst=1 nodelay; try_files /nothing /one; }
         location /quiet { alias html/a; limit_req zone=slow; limit_req_log_level info; }
         location /dry { alias html/a; limit_req zone=slow burst=1; limit_req_dry_run on; }
         location /closed { alias html/a; limit_req zone=slow; limit_req_status 444; }
         location /free { alias html/a; }",
    );
    let (server, twin) = both(&conf);
    let paths = [
        "one",
        "burst",
        "two",
        "turned",
        "last-empty",
        "first-empty",
        "status",
        "page",
        "inner",
        "quiet",
        "dry",
        "free",
    ];
    for path in paths {
        // One key for each location, one that has all, and one that has none.
        for (key, count) in [(format!("K: {path}\r\nM: {path}\r\n"), 7), (String::new(), 3)] {
            let run = |port: u16| -> Vec<(u16, String)> {
                let mut wire = Wire::open(port);
                let ask = |_| get(&mut wire, &format!("/{path}"), &key);
                (0..count).map(ask).map(|answer| (answer.status, String::new())).collect()
            };
            assert_eq!(run(server.port()), run(twin.port()), "{path} with {key:?}");
        }
    }
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        assert_eq!(get(&mut wire, "/closed", "K: c\r\n").status, 200);
        ask(&mut wire, "/closed", "K: c\r\n");
        assert!(wire.closes());
    }
    // The variables, in the order of the requests; and the lines of the error log.
    wait_for("the same access log", || server.access_log() == twin.access_log());
    assert!(server.access_log().contains("/burst 200 PASSED -\n"), "{}", server.access_log());
    assert!(server.access_log().contains("/burst 503 REJECTED -\n"));
    assert!(server.access_log().contains("/dry 200 REJECTED_DRY_RUN -\n"));
    assert!(server.access_log().contains("/dry 200 DELAYED_DRY_RUN -\n"));
    let lines = told(&server.error_log());
    assert!(lines.len() > 30, "{lines:?}");
    assert_eq!(lines, told(&twin.error_log()));
    // The levels: those of a refusal, and of a delay one below.
    let level = |log: &str, word: &str, uri: &str| {
        let line = log.lines().find(|line| line.contains(word) && line.contains(uri));
        line.and_then(|line| line.split(['[', ']']).nth(1)).map(str::to_owned)
    };
    for (word, uri) in [("limiting", "/one"), ("limiting", "/quiet"), ("delaying", "/dry")] {
        let ours = level(&server.error_log(), word, uri);
        assert!(ours.is_some(), "{word} {uri}");
        assert_eq!(ours, level(&twin.error_log(), word, uri), "{word} {uri}");
    }
}

/// As nginx, which keeps it at the main request: a request counts once, whichever of its subrequests has counted it.
#[test]
fn a_request_and_its_subrequests_count_once() {
    let locations = "location /one { alias html/a; limit_req zone=slow; }
         location = /guard { alias html/a; limit_req zone=slow burst=2 nodelay; }
         location /guarded { auth_request /guard; try_files /nothing /one; }
         location /both { auth_request /guard; alias html/a; limit_req zone=slow burst=2 nodelay; }";
    let (server, twin) = both(&conf(ZONES, locations));
    for path in ["/guarded", "/both"] {
        let run = |port: u16| -> Vec<u16> {
            let ask = |_| get(&mut Wire::open(port), path, &format!("K: {path}\r\n")).status;
            (0..4).map(ask).collect()
        };
        let statuses = run(server.port());
        assert_eq!(statuses[..3], [200; 3], "{path}");
        assert_eq!(statuses, run(twin.port()), "{path}");
    }
    wait_for("the same access log", || server.access_log() == twin.access_log());
    assert!(server.access_log().contains("/one 200 PASSED -\n"), "{}", server.access_log());
}

#[test]
fn a_list_of_a_location_takes_the_place_of_the_servers() {
    let locations = "limit_req zone=slow; limit_req_status 429;
         location /outer { alias html/a; }
         location /own { alias html/a; limit_req zone=other; }
         location /own/more { alias html/a; limit_req_dry_run on; }";
    let (server, twin) = both(&conf(ZONES, locations));
    let run = |port: u16| -> Vec<u16> {
        let mut wire = Wire::open(port);
        let paths = ["/outer", "/outer", "/own", "/own", "/own/more", "/outer"];
        paths.iter().map(|path| get(&mut wire, path, "K: a\r\nM: b\r\n").status).collect()
    };
    assert_eq!(run(server.port()), [200, 429, 200, 429, 200, 429]);
    assert_eq!(run(twin.port()), [200, 429, 200, 429, 200, 429]);
}

/// As nginx: what is above the rate and not above the burst waits until it is not above the rate any more.
#[test]
fn a_request_waits_for_its_turn_and_others_do_not() {
    let conf = conf(
        ZONES,
        "location /wait { alias html/a; limit_req zone=fast burst=5; }
         location /some { alias html/a; limit_req zone=fast burst=5 delay=2; }
         location /free { alias html/a; }",
    );
    let (server, twin) = both(&conf);
    for (path, port) in [("/wait", server.port()), ("/wait", twin.port())] {
        let begun = Instant::now();
        let mut all: Vec<Wire> = (0..4).map(|_| Wire::open(port)).collect();
        all.iter_mut().for_each(|wire| ask(wire, &format!("{path}?k=1"), ""));
        // The worker does not wait with them.
        assert_eq!(get(&mut Wire::open(port), "/free", "").status, 200);
        assert!(all.iter_mut().all(|wire| wire.answer().status == 200));
        // Of four at two a second the last one goes on 1500 ms after the first; less a little for clocks.
        assert!(begun.elapsed().as_millis() >= 1490, "{path}: {:?}", begun.elapsed());
    }
    for port in [server.port(), twin.port()] {
        let begun = Instant::now();
        let mut all: Vec<Wire> = (0..4).map(|_| Wire::open(port)).collect();
        all.iter_mut().for_each(|wire| ask(wire, "/some?k=2", ""));
        assert!(all.iter_mut().all(|wire| wire.answer().status == 200));
        // Two of the burst at once, the third of it after 500 ms.
        assert!(begun.elapsed().as_millis() >= 490, "{:?}", begun.elapsed());
    }
    // Which connection is accepted first is chance: so the log is compared in the order of its lines.
    let sorted = |log: String| {
        let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    wait_for("the same access log", || sorted(server.access_log()) == sorted(twin.access_log()));
    let delayed = server.access_log().matches("/wait 200 DELAYED").count();
    assert_eq!((delayed, server.access_log().matches("/some 200 DELAYED").count()), (3, 1));
    assert_eq!(told(&server.error_log()).len(), 4);
}

#[test]
fn the_longest_delay_of_several_zones_counts() {
    let zones =
        "limit_req_zone $arg_k zone=a:1m rate=5r/s; limit_req_zone $arg_k zone=b:1m rate=1r/s;";
    let locations =
        "location /ab { alias html/a; limit_req zone=a burst=9; limit_req zone=b burst=9; }
         location /ba { alias html/a; limit_req zone=b burst=9; limit_req zone=a burst=9; }";
    let (server, twin) = both(&conf(zones, locations));
    for path in ["/ab?k=1", "/ba?k=2"] {
        for port in [server.port(), twin.port()] {
            let begun = Instant::now();
            let mut wire = Wire::open(port);
            assert_eq!(get(&mut wire, path, "").status, 200);
            assert_eq!(get(&mut wire, path, "").status, 200);
            assert!(begun.elapsed().as_millis() >= 990, "{path}: {:?}", begun.elapsed());
        }
    }
    let lines = told(&server.error_log());
    assert_eq!(lines, ["delaying request, excess: 1, by zone \"b\""; 2]);
    assert_eq!(lines, told(&twin.error_log()));
}

/// As nginx, which logs 499: a client that goes away while its request waits (for a minute here) is not waited for.
#[test]
fn a_delay_ends_when_the_client_goes() {
    let conf = conf(ZONES, "location /wait { alias html/a; limit_req zone=slow burst=9; }");
    let (server, twin) = both(&conf);
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        assert_eq!(get(&mut wire, "/wait", "K: x\r\n").status, 200);
        ask(&mut wire, "/wait", "K: x\r\n");
    }
    let gone = "/wait 499 DELAYED -\n";
    server.wait_for("the end of who has gone", || server.access_log().contains(gone));
    wait_for("the same of nginx", || twin.access_log().contains(gone));
}

#[test]
fn a_body_that_comes_meanwhile_is_not_lost() {
    let server = start!(conf(
        ZONES,
        "location /wait { alias html/a; limit_req zone=fast burst=9; error_page 405 =200 /a; }"
    ));
    server.file("html/a", "ok");
    let mut wire = server.wire();
    for part in ["/wait?k=1", "/wait?k=1", "/wait?k=1"] {
        wire.send(format!("POST {part} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"));
        wire.send("llo");
        assert_eq!(wire.answer().text(), "ok");
    }
    // Pipelined requests wait for each other, as those of one connection do.
    wire.send("GET /wait?k=1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
    assert!((0..3).all(|_| wire.answer().text() == "ok"));
}

/// A dry run refuses nothing and is told; a block of `if` has its location's limits; and whatever one of the two modules
/// has said of a request stands beside what the other says.
#[test]
fn both_modules_and_dry_runs_of_several_zones() {
    let zones =
        format!("{ZONES} limit_conn_zone $http_k zone=ck:1m; limit_conn_zone $http_m zone=cm:1m;");
    let conf = conf(
        &zones,
        "location /dry { alias html/a; limit_req_dry_run on; limit_req zone=slow burst=1; limit_req zone=other; }
         location /dry-delay { alias html/a; limit_req_dry_run on; limit_req zone=slow burst=9 delay=1; limit_req zone=other burst=5 nodelay; }
         location /first-dry { alias html/a; limit_req_dry_run on; limit_req zone=slow; limit_req zone=other burst=9; }
         location /if { alias html/a; limit_req zone=slow burst=1 nodelay; limit_conn ck 1; if ($http_m) { set $x 1; } }
         location /all { alias html/a; limit_req zone=slow burst=1 nodelay; limit_req zone=other burst=2 nodelay; limit_conn ck 1; limit_conn cm 1; }
         location /conn-dry { alias html/a; limit_req zone=slow; limit_conn ck 1; limit_conn_dry_run on; }",
    );
    let (server, twin) = both(&conf);
    for path in ["/dry", "/dry-delay", "/first-dry", "/if", "/all", "/conn-dry"] {
        let keys = [
            format!("K: {path}\r\nM: {path}\r\n"),
            format!("K: only{path}\r\n"),
            format!("M: only{path}\r\n"),
            "K:\r\nM:\r\n".to_owned(),
        ];
        for key in keys {
            let run = |port: u16| -> Vec<u16> {
                let mut wire = Wire::open(port);
                (0..5).map(|_| get(&mut wire, path, &key).status).collect()
            };
            assert_eq!(run(server.port()), run(twin.port()), "{path} with {key:?}");
        }
    }
    wait_for("the same access log", || server.access_log() == twin.access_log());
    let lines = told(&server.error_log());
    assert!(lines.iter().any(|line| line.starts_with("delaying request, dry run")), "{lines:?}");
    assert_eq!(lines, told(&twin.error_log()));
}
