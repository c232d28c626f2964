//! Who may come, how many at once, and variables that directives make: as in `http {}`, and as nginx does it.

use support::{Wire, wait_for};

use crate::peer::Peer;
use crate::twin::{both, start};

fn said(address: [u8; 4], port: u16) -> String {
    String::from_utf8_lossy(&Wire::open_from(address, port).rest()).into_owned()
}

#[test]
fn who_may_come_as_nginx_lets_them() {
    let (server, twin) = both(
        "stream { allow 127.0.0.2; deny 127.0.0.0/29; server { listen 127.0.0.1:{port}; return in; }
        server { listen 127.0.0.1:{port2}; deny 127.0.0.2; return in; } }",
    );
    for last in [1, 2, 7, 8] {
        let address = [127, 0, 0, last];
        assert_eq!(said(address, server.port()), said(address, twin.port()), "{last}");
        assert_eq!(said(address, server.port2()), said(address, twin.port2()), "{last}");
    }
    assert_eq!(
        (said([127, 0, 0, 2], server.port()), said([127, 0, 0, 1], server.port())),
        ("in".into(), "".into())
    );
    for log in [server.error_log(), twin.error_log()] {
        assert!(
            log.contains("access forbidden by rule while initializing session, client: 127.0.0.1, server: 127.0.0.1:"),
            "{log}"
        );
    }
}

#[test]
fn variables_that_blocks_make() {
    let (server, twin) = both(
        "stream { map $remote_addr $mapped { default none; 127.0.0.2 two; ~^127\\.0\\.0\\.(?<last>[3-5])$ some-$last; }
        geo $area { default far; 127.0.0.0/30 near; } geo $server_addr $here { default 0; 127.0.0.1 1; }
        split_clients \"$remote_addr\" $part { 30% a; 30% b; * c; }
        server { listen 127.0.0.1:{port}; set $own \"$mapped/$area\"; return \"$own $here $part\"; } }",
    );
    for last in 1..20 {
        let address = [127, 0, 0, last];
        assert_eq!(said(address, server.port()), said(address, twin.port()), "{last}");
    }
    assert!(said([127, 0, 0, 4], server.port()).starts_with("some-4/far 1 "));
}

/// `proxy` in `geo` says whose word is taken: there is none here.
#[test]
fn what_has_no_sense_is_refused() {
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
    let said = start.conf("stream { geo $a { proxy 127.0.0.1; default 0; } }").fail().1;
    assert!(said.contains("invalid parameter \"proxy\""), "{said}");
}

#[test]
fn no_more_sessions_of_a_key_than_may_be() {
    let peer = Peer::echo();
    let server = start(&format!(
        "worker_processes 2; stream {{ limit_conn_zone $binary_remote_addr zone=same:64k; limit_conn same 2;
        log_format told '$remote_addr $status $limit_conn_status'; access_log logs/access.log told buffer=0;
        server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.1:{{port2}}; limit_conn_dry_run on; proxy_pass 127.0.0.1:{0}; }} }}
        http {{ limit_conn_zone $binary_remote_addr zone=other:64k; }}",
        peer.port
    ));
    let open = |last| {
        let mut wire = Wire::open_from([127, 0, 0, last], server.port());
        wire.send("x");
        wire
    };
    let (mut one, mut two) = (open(2), open(2));
    assert_eq!((one.exactly(1), two.exactly(1)), (b"x".to_vec(), b"x".to_vec()));
    assert!(open(2).closes());
    let mut dry = Wire::open_from([127, 0, 0, 2], server.port2());
    dry.send("x");
    assert_eq!(dry.exactly(1), b"x");
    assert_eq!(open(3).exactly(1), b"x");
    // Its place is free when a session has ended.
    one.half_close();
    assert!(one.closes());
    wait_for("a place", || {
        let mut wire = open(2);
        wire.comes("x")
    });
    let log = server.error_log();
    assert!(
        log.contains(
            "limiting connections by zone \"same\" while initializing session, client: 127.0.0.2"
        ),
        "{log}"
    );
    wait_for("the log", || server.access_log().contains("127.0.0.2 503 REJECTED\n"));
}
