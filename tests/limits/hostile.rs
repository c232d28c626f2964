//! Clients that choose their keys, and zones that are too small for them.

use support::{Server, Wire, start};

use crate::{ask, both, conf, get, told};

/// The smallest that there is: some hundred keys.
const ZONES: &str =
    "limit_req_zone $http_k zone=r:32k rate=1r/m; limit_conn_zone $http_k zone=c:32k;
    large_client_header_buffers 4 80k;";

/// Requests with these keys, many at once; gives the statuses.
fn statuses(wire: &mut Wire, path: &str, keys: &[String]) -> Vec<u16> {
    let request = |key: &String| format!("GET {path} HTTP/1.1\r\nHost: x\r\nK: {key}\r\n\r\n");
    let mut all = Vec::with_capacity(keys.len());
    for some in keys.chunks(100) {
        wire.send(some.iter().map(request).collect::<String>());
        all.extend(some.iter().map(|_| wire.answer().status));
    }
    all
}

#[test]
fn a_hundred_thousand_keys_are_served_and_the_limit_holds() {
    let server = start!(conf(
        ZONES,
        "location /r { alias html/a; limit_req zone=r; } location /c { alias html/a; limit_conn c 1; }"
    ));
    server.file("html/a", "hello");
    let mut wire = server.wire();
    for round in 0..100 {
        let mut keys: Vec<String> = (0..1000).map(|n| format!("{round}-{n}")).collect();
        // One that comes again at once is known still.
        (0..10).for_each(|at| keys[at * 100 + 1] = keys[at * 100].clone());
        let all = statuses(&mut wire, "/r", &keys);
        let refused: Vec<usize> = (0..1000).filter(|&at| all[at] == 503).collect();
        assert_eq!(refused, (0..10).map(|at| at * 100 + 1).collect::<Vec<_>>(), "round {round}");
        assert!(all.iter().all(|&status| status == 200 || status == 503));
        assert!(statuses(&mut wire, "/c", &keys).iter().all(|&status| status == 200));
    }
    let lines = told(&server.error_log());
    assert!(
        lines.iter().all(|line| line.starts_with("limiting requests, excess: 1 by zone \"r\""))
    );
}

#[test]
fn a_full_zone_refuses_who_is_not_counted_and_nobody_else() {
    let server = start!(conf(
        ZONES,
        "location /held { alias html/big; limit_rate 1k; limit_conn c 1; }
         location /dry { alias html/a; limit_conn c 1; limit_conn_dry_run on; }"
    ));
    server.file("html/a", "hello");
    server.file("html/big", support::bytes(4 << 20));
    let key = |n: usize| format!("K: {n:0>250}\r\n");
    let begin = |n: usize| {
        let mut wire = server.wire();
        ask(&mut wire, "/held", &key(n));
        (wire.until("\r\n\r\n").contains(" 200 "), wire)
    };
    let all: Vec<(bool, Wire)> = (0..120).map(begin).collect();
    let held = all.iter().filter(|(served, _)| *served).count();
    // Of 480 cells such a key takes seven.
    assert!((40..80).contains(&held), "{held}");
    assert!(all[..held].iter().all(|(served, _)| *served), "who came first is served");
    assert_eq!(get(&mut server.wire(), "/dry", &key(999)).status, 200);
    let lines = told(&server.error_log());
    assert!(
        lines.contains(&"could not allocate node in limit_conn_zone \"c\"".to_owned()),
        "{lines:?}"
    );
    drop(all);
    server.wait_for("their places", || begin(500).0);
}

/// nginx counts no key that is longer than these, and says so.
#[test]
fn long_and_odd_keys() {
    let zones = ZONES.replace("32k", "1m");
    let locations = "location /r { alias html/a; limit_req zone=r; } location /c { alias html/a; limit_conn c 1; }";
    let (server, twin) = both(&conf(&zones, locations));
    for (path, key) in [
        ("/r", "x".repeat(65535)),
        ("/r", "x".repeat(65536)),
        ("/c", "x".repeat(255)),
        ("/c", "x".repeat(256)),
        ("/r", "\u{fc}\t\"'%00".to_owned()),
        ("/r", "a".repeat(17)),
        ("/r", "a".repeat(16)),
        ("/r", " ".to_owned()),
    ] {
        let run = |port: u16| -> Vec<u16> {
            let mut wire = Wire::open(port);
            (0..2).map(|_| get(&mut wire, path, &format!("K: {key}\r\n")).status).collect()
        };
        assert_eq!(run(server.port()), run(twin.port()), "{path} {}", key.len());
    }
    let told_of = |server: &Server| told(&server.error_log());
    assert_eq!(told_of(&server), told(&twin.error_log()));
}
