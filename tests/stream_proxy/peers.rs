//! Groups of peers: who is chosen, beside nginx, and what becomes of peers that fail.

use support::dns::Dns;
use support::{Server, Wire, wait_for};

use crate::peer::{Peer, nobody};
use crate::twin::{both, start};

/// Peers that say their number.
fn numbered(count: usize) -> Vec<Peer> {
    (0..count).map(|number| Peer::saying(number.to_string())).collect()
}

fn block(peers: &[Peer], options: &[&str], method: &str) -> String {
    let servers = peers.iter().zip(options);
    let servers =
        servers.map(|(peer, options)| format!("server 127.0.0.1:{} {options};", peer.port));
    format!("upstream group {{ {method} {} zone group 256k; }}", servers.collect::<String>())
}

fn numbers(port: u16, count: usize) -> String {
    (0..count).map(|_| Wire::open(port)).map(|mut wire| text(&wire.rest())).collect()
}

/// What a client that says nothing is told.
fn said(port: u16) -> Vec<u8> {
    Wire::open(port).rest()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn they_are_chosen_as_nginx_chooses() {
    let peers = numbered(3);
    for (method, options) in [
        ("", ["weight=5", "weight=1", "weight=1"]),
        ("", ["down", "", "weight=2"]),
        ("", ["backup", "", ""]),
        ("least_conn;", ["weight=3", "", ""]),
        ("hash $remote_addr;", ["weight=2", "", ""]),
        ("hash $server_addr$protocol consistent;", ["", "", ""]),
        ("hash $remote_addr-key consistent;", ["weight=2", "down", ""]),
    ] {
        let conf = format!(
            "stream {{ {} server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }} }}",
            block(&peers, &options, method)
        );
        let (server, twin) = both(&conf);
        assert_eq!(numbers(server.port(), 21), numbers(twin.port(), 21), "{method} {options:?}");
    }
}

#[test]
fn random_reaches_all() {
    let peers = numbered(3);
    for method in ["random;", "random two;", "random two least_conn;"] {
        let server = start(&format!(
            "stream {{ {} server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }} }}",
            block(&peers, &["", "", ""], method)
        ));
        support::wait_for("all of them", || {
            let came = numbers(server.port(), 10);
            ["0", "1", "2"].iter().all(|number| came.contains(number))
        });
    }
}

/// The name of a group is that of another in `http {}`.
#[test]
fn groups_are_apart_from_those_of_http() {
    let peer = Peer::saying("a stream");
    let server = start(&format!(
        "stream {{ upstream same {{ server 127.0.0.1:{}; }} server {{ listen 127.0.0.1:{{port}}; proxy_pass same; }} }}
        http {{ upstream same {{ server 127.0.0.1:{{port2}}; }}
            server {{ listen 127.0.0.1:{{port2}}; location / {{ return 200 web; }} location /x {{ proxy_pass http://same/; }} }} }}",
        peer.port
    ));
    assert_eq!(said(server.port()), b"a stream");
    let url = format!("http://127.0.0.1:{}/x", server.port2());
    assert_eq!(support::curl(&[&url]).text(), "web");
}

fn failing(dead: u16, alive: u16, more: &str) -> Server {
    start(&format!(
        "stream {{ upstream group {{ server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{alive} max_fails=0; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; {more} }} }}"
    ))
}

#[test]
fn another_peer_is_tried() {
    let (dead, peer) = (nobody(), Peer::saying("alive"));
    let server = failing(dead, peer.port, "");
    for _ in 0..6 {
        assert_eq!(said(server.port()), b"alive");
    }
    let log = server.error_log();
    let line = format!(
        "connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: 127.0.0.1:{}, upstream: \"127.0.0.1:{dead}\", bytes from/to client:0/0, bytes from/to upstream:0/0",
        server.port()
    );
    assert!(log.contains(&line), "{log}");
}

#[test]
fn no_other_peer_is_tried_where_that_is_said() {
    let (dead, peer) = (nobody(), Peer::saying("alive"));
    for more in ["proxy_next_upstream off;", "proxy_next_upstream_tries 1;"] {
        let server = failing(dead, peer.port, more);
        let came: Vec<String> = (0..4).map(|_| text(&said(server.port()))).collect();
        assert_eq!(came.iter().filter(|came| came.is_empty()).count(), 2, "{more} {came:?}");
    }
}

#[test]
fn where_nobody_is_the_session_ends_as_nginx_says_it() {
    let (dead, gone) = (nobody(), nobody());
    let (server, twin) = both(&format!(
        "stream {{ upstream group {{ server 127.0.0.1:{dead} fail_timeout=1h; server 127.0.0.1:{gone} fail_timeout=1h; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }} }}"
    ));
    for port in [server.port(), twin.port()] {
        assert!(said(port).is_empty());
        assert!(said(port).is_empty());
    }
    for (log, port) in [(server.error_log(), server.port()), (twin.error_log(), twin.port())] {
        let refused =
            log.matches("connect() failed (111: Connection refused) while connecting to upstream");
        assert_eq!(refused.count(), 2, "{log}");
        assert!(
            log.contains("upstream server temporarily disabled while connecting to upstream")
                || log.contains("upstream server temporarily disabled, client"),
            "{log}"
        );
        let line = format!(
            "no live upstreams while connecting to upstream, client: 127.0.0.1, server: 127.0.0.1:{port}, upstream: \"group\", bytes from/to client:0/0"
        );
        assert!(log.contains(&line), "{log}");
    }
}

#[test]
fn no_more_sessions_than_a_peer_takes() {
    let (one, other) = (Peer::echo(), Peer::echo());
    let server = start(&format!(
        "worker_processes 2; stream {{ upstream group {{ server 127.0.0.1:{} max_conns=2; server 127.0.0.1:{} backup; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }} }}",
        one.port, other.port
    ));
    let mut wires: Vec<_> = (0..5).map(|_| server.wire()).collect();
    for wire in &mut wires {
        wire.send("x");
        assert_eq!(wire.exactly(1), b"x");
    }
    assert_eq!((one.count(), other.count()), (2, 3));
    // A place that is free again.
    for wire in &mut wires[..] {
        wire.half_close();
        assert!(wire.closes());
    }
    support::wait_for("a place", || {
        let mut wire = server.wire();
        wire.send("x");
        wire.exactly(1);
        one.count() > 2
    });
}

/// Words of variables lead to groups; to other hosts only where a resolver says so.
#[test]
fn variables_lead_to_groups() {
    let peer = Peer::saying("here");
    let server = start(&format!(
        "stream {{ upstream tcp {{ server 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass $protocol; }}
        server {{ listen 127.0.0.1:{{port2}}; proxy_pass $server_addr:{0}; }} }}",
        peer.port
    ));
    assert_eq!(said(server.port()), b"here");
    assert!(said(server.port2()).is_empty());
    let log = server.error_log();
    assert!(log.contains("no resolver defined to resolve 127.0.0.1, client: 127.0.0.1"), "{log}");
    assert_eq!(peer.count(), 1);
}

#[test]
fn names_are_found_by_a_resolver() {
    let (dns, peer) = (Dns::zone(&["peer.example 300 A 127.0.0.1"]), Peer::saying("found"));
    let server = start(&format!(
        "stream {{ resolver 127.0.0.1:{}; upstream group {{ zone group 256k; server peer.example:{1} resolve; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }}
        server {{ listen 127.0.0.1:{{port2}}; set $name peer.example; proxy_pass $name:{1}; }} }}",
        dns.address.port(),
        peer.port
    ));
    assert_eq!(said(server.port()), b"found");
    assert_eq!(said(server.port2()), b"found");
}

#[test]
fn they_come_from_another_address() {
    let peer = Peer::start(|stream| {
        use std::io::Write;
        let from = stream.peer_addr().expect("an address").ip().to_string();
        let _ = stream.write_all(from.as_bytes());
    });
    let server = start(&format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_bind 127.0.0.3; proxy_pass 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.1:{{port2}}; proxy_bind $remote_addr; proxy_pass 127.0.0.1:{0}; }} }}",
        peer.port
    ));
    assert_eq!(said(server.port()), b"127.0.0.3");
    let mut wire = Wire::open_from([127, 0, 0, 7], server.port2());
    assert_eq!(wire.rest(), b"127.0.0.7");
}

/// An address that is nobody's here fails the session, and no peer.
#[test]
fn they_come_from_an_address_of_another_machine() {
    let peer = Peer::saying("x");
    let server = start(&format!(
        "stream {{ log_format told '$status $upstream_addr'; access_log logs/access.log told buffer=0;
        map $remote_addr $from {{ default 192.0.2.1; 127.0.0.7 127.0.0.7; }}
        upstream group {{ server 127.0.0.1:{0} fail_timeout=1h; server 127.0.0.2:{0} down; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_bind $from; proxy_pass group; }} }}",
        peer.port
    ));
    for _ in 0..3 {
        assert!(said(server.port()).is_empty());
    }
    wait_for("the log", || server.access_log().lines().count() >= 3);
    let line = format!("500 127.0.0.1:{}\n", peer.port);
    assert!(server.access_log().ends_with(&line), "{}", server.access_log());
    let log = server.error_log();
    assert!(log.contains("bind(192.0.2.1:0) failed (99: "), "{log}");
    assert!(!log.contains("disabled"), "{log}");
    assert_eq!(Wire::open_from([127, 0, 0, 7], server.port()).rest(), b"x");
}
