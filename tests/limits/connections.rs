//! `limit_conn`, beside nginx.

use support::{Wire, wait_for};

use crate::{ask, both, conf, get, told};

const ZONES: &str = "limit_conn_zone $http_k zone=k:1m; limit_conn_zone $http_m zone=m:1m;";

const LOCATIONS: &str = "location /two { alias html/big; limit_rate 1k; limit_conn k 2; }
     location /both { alias html/big; limit_rate 1k; limit_conn k 9; limit_conn m 1; }
     location /status { alias html/big; limit_rate 1k; limit_conn k 1; limit_conn_status 429; }
     location /quiet { alias html/big; limit_rate 1k; limit_conn k 1; limit_conn_log_level notice; }
     location /dry { alias html/big; limit_rate 1k; limit_conn k 1; limit_conn_dry_run on; }
     location /inner { limit_conn k 1; try_files /nothing /two; }
     location = /guard { alias html/a; limit_conn k 1; }
     location /guarded { alias html/big; limit_rate 1k; auth_request /guard; }
     location /quick { alias html/a; limit_conn k 2; }
     location /one { alias html/a; limit_conn k 1; }";

/// Begins a download, and gives its status.
fn begin(wire: &mut Wire, path: &str, key: &str) -> u16 {
    ask(wire, path, key);
    let head = wire.until("\r\n\r\n");
    head[9..12].parse().expect("a status")
}

#[test]
fn downloads_come_to_what_they_come_to_in_nginx() {
    let (server, twin) = both(&conf(ZONES, LOCATIONS));
    for path in ["/two", "/both", "/status", "/quiet", "/dry", "/inner", "/guarded"] {
        for key in [format!("K: {path}\r\nM: {path}\r\n"), String::new()] {
            let run = |port: u16| -> Vec<u16> {
                let mut all: Vec<Wire> = (0..4).map(|_| Wire::open(port)).collect();
                all.iter_mut().map(|wire| begin(wire, path, &key)).collect()
            };
            assert_eq!(run(server.port()), run(twin.port()), "{path} with {key:?}");
        }
    }
    // What both tell of it, when the last of them has ended: they end in any order.
    let sorted = |log: &str| {
        let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let all_told = || server.access_log().lines().count() == 7 * 8;
    server.wait_for("the end of all", all_told);
    wait_for("the same access log", || sorted(&server.access_log()) == sorted(&twin.access_log()));
    assert!(server.access_log().contains("/two 200 - PASSED\n"), "{}", server.access_log());
    assert!(server.access_log().contains("/two 503 - REJECTED\n"));
    assert!(server.access_log().contains("/dry 200 - REJECTED_DRY_RUN\n"));
    let lines = told(&server.error_log());
    assert!(
        lines.contains(&"limiting connections, dry run, by zone \"k\"".to_owned()),
        "{lines:?}"
    );
    assert_eq!(lines, told(&twin.error_log()));
}

#[test]
fn whoever_has_gone_or_has_all_gives_his_place_back() {
    let (server, twin) = both(&conf(ZONES, LOCATIONS));
    for port in [server.port(), twin.port()] {
        let mut first = Wire::open(port);
        assert_eq!(begin(&mut first, "/two", "K: x\r\n"), 200);
        // A connection that is idle is no request that is served; its answers, one after the other, count once.
        let mut second = Wire::open(port);
        for _ in 0..5 {
            assert_eq!(get(&mut second, "/quick", "K: x\r\n").status, 200);
        }
        second.send("GET /quick HTTP/1.1\r\nHost: x\r\nK: x\r\n\r\n".repeat(5));
        assert!((0..5).all(|_| second.answer().status == 200));
        let mut third = Wire::open(port);
        assert_eq!(begin(&mut third, "/two", "K: x\r\n"), 200);
        assert_eq!(get(&mut second, "/quick", "K: x\r\n").status, 503);
        // Nobody else is concerned.
        assert_eq!(get(&mut second, "/quick", "K: y\r\n").status, 200);
        drop(third);
        wait_for("the place of who has gone", || {
            get(&mut second, "/quick", "K: x\r\n").status == 200
        });
        drop(first);
        wait_for("the other's", || get(&mut second, "/one", "K: x\r\n").status == 200);
    }
}

/// Of a request that is refused in one zone nothing is left in the zones before.
#[test]
fn a_refusal_gives_back_what_was_counted() {
    let (server, twin) = both(&conf(ZONES, LOCATIONS));
    for port in [server.port(), twin.port()] {
        let mut held = Wire::open(port);
        assert_eq!(begin(&mut held, "/both", "M: m\r\n"), 200);
        for _ in 0..20 {
            assert_eq!(begin(&mut Wire::open(port), "/both", "K: k\r\nM: m\r\n"), 503);
        }
        assert_eq!(get(&mut Wire::open(port), "/one", "K: k\r\n").status, 200);
    }
}

#[test]
fn an_event_stream_counts_as_long_as_it_goes_on() {
    let zones = format!("sse_zone z 8m; {ZONES}");
    for log in ["", "access_log off;"] {
        let locations = format!(
            "location /stream {{ {log} sse_subscribe a; limit_conn k 1; }} location /one {{ alias html/a; limit_conn k 1; }}"
        );
        let server = support::start!(conf(&zones, &locations));
        server.file("html/a", "hello");
        let mut stream = server.wire();
        assert_eq!(begin(&mut stream, "/stream", "K: x\r\n"), 200);
        let mut other = server.wire();
        for _ in 0..3 {
            assert_eq!(get(&mut other, "/one", "K: x\r\n").status, 503, "{log}");
        }
        assert_eq!(begin(&mut server.wire(), "/stream", "K: x\r\n"), 503, "{log}");
        drop(stream);
        let has_place = || get(&mut other, "/one", "K: x\r\n").status == 200;
        server.wait_for("the place of the stream", has_place);
        if log.is_empty() {
            assert!(
                server.access_log().contains("/stream 200 - PASSED\n"),
                "{}",
                server.access_log()
            );
        }
    }
}
