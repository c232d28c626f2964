//! Datagrams: sessions by client, what they come to, and how they end; beside nginx.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use support::{PATIENCE, Server, Start, Twin, process, wait_for};

use crate::datagrams::{BESIDE, Peer, ask, client, client_from, conf, next};
use crate::twin::start;

fn both(conf: &str) -> (Server, Twin) {
    let server = start(&format!("error_log logs/error.log info; {conf}"));
    let module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n";
    let text = format!(
        "{module}error_log logs/error.log info; events {{ worker_connections 256; }}\n{conf}"
    );
    let twin = Twin::start(text, &server);
    (server, twin)
}

/// The last line of both logs.
fn lines(server: &Server, twin: &Twin) -> (String, String) {
    let last = |text: String| text.lines().last().unwrap_or_default().to_owned();
    wait_for("the logs", || !server.access_log().is_empty() && !twin.access_log().is_empty());
    (last(server.access_log()), last(twin.access_log()))
}

#[test]
fn datagrams_go_there_and_back() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, ""));
    let clients: Vec<UdpSocket> = (0..10).map(|_| client(server.port2())).collect();
    for size in [1, 0, 100, 1472, 9000, 65_507] {
        let sent = support::bytes(size);
        for client in &clients {
            assert!(ask(client, &sent) == sent, "{size}");
        }
    }
}

/// A session is a client's: its peer sees one port as long as that goes on.
#[test]
fn sessions_are_told_by_their_clients() {
    let peer = Peer::telling();
    for (more, is_one) in [
        ("", true),
        ("proxy_responses 1;", false),
        ("proxy_requests 2; proxy_responses 1;", false),
        ("proxy_requests 1;", false),
    ] {
        let (server, twin) = both(&conf(&peer, more));
        for port in [server.port2(), twin.port2()] {
            let (one, other) = (client(port), client(port));
            let mut seen = BTreeSet::new();
            for _ in 0..5 {
                seen.insert(ask(&one, b"x"));
            }
            // The port of a session that has ended may be the next one's again.
            assert!((seen.len() == 1) == is_one, "{more} {}", seen.len());
            assert!(!is_one || !seen.contains(&ask(&other, b"x")), "{more}");
        }
    }
}

#[test]
fn what_sessions_came_to_as_nginx_says_it() {
    for (more, answers, asked, log) in [
        (
            "proxy_responses 1;",
            1,
            1,
            "udp done, packets from/to client:1/1, bytes from/to client:3/3, bytes from/to upstream:3/3",
        ),
        (
            "proxy_responses 2;",
            2,
            1,
            "udp done, packets from/to client:1/2, bytes from/to client:3/6, bytes from/to upstream:6/3",
        ),
        (
            "proxy_responses 0;",
            0,
            1,
            "udp done, packets from/to client:1/0, bytes from/to client:3/0, bytes from/to upstream:0/3",
        ),
        (
            "proxy_requests 2; proxy_responses 1;",
            1,
            2,
            "udp done, packets from/to client:2/2, bytes from/to client:6/6, bytes from/to upstream:6/6",
        ),
        (
            "proxy_timeout 2s;",
            1,
            2,
            "udp timed out, packets from/to client:2/2, bytes from/to client:6/6, bytes from/to upstream:6/6",
        ),
        (
            "proxy_timeout 300ms; proxy_responses 1;",
            0,
            1,
            "upstream timed out (110: Connection timed out) while proxying connection, udp client: 127.0.0.1, server: 127.0.0.1:",
        ),
    ] {
        let peer = Peer::start(move |asked, _| vec![asked.to_vec(); answers]);
        let (server, twin) = both(&conf(&peer, more));
        for port in [server.port2(), twin.port2()] {
            let client = client(port);
            for _ in 0..asked {
                client.send(b"abc").expect("sent");
                for _ in 0..answers {
                    assert_eq!(next(&client), b"abc");
                }
            }
        }
        let (ours, theirs) = lines(&server, &twin);
        assert_eq!(ours, theirs, "{more}");
        for text in [&|| server.error_log(), &|| twin.error_log()] as [&dyn Fn() -> String; 2] {
            wait_for(log, || text().contains(log));
        }
    }
}

/// The peer has gone: the next question goes to another one.
#[test]
fn a_peer_that_is_not_there() {
    let peer = Peer::echo();
    let dead = support::free_port();
    let server = start(&format!(
        "stream {{ {BESIDE} upstream group {{ server 127.0.0.1:{dead} fail_timeout=1h; server 127.0.0.1:{}; }}
        server {{ listen 127.0.0.1:{{port2}} udp; proxy_responses 1; proxy_timeout 5s; proxy_pass group; }} }}",
        peer.port
    ));
    let client = client(server.port2());
    client.set_read_timeout(Some(Duration::from_millis(300))).expect("SO_RCVTIMEO");
    wait_for("an answer", || {
        client.send(b"x").expect("sent");
        client.recv(&mut [0; 10]).is_ok()
    });
    client.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    for _ in 0..10 {
        assert_eq!(ask(&client, b"x"), b"x");
    }
    let line = "recv() failed (111: Connection refused) while proxying connection";
    wait_for("the log", || server.error_log().contains(line));
}

/// A text is an answer to each datagram, from the address that was asked.
#[test]
fn a_text_comes_back() {
    let server = start(
        "stream { server { listen 127.0.0.1:{port}; return x; }
        server { listen {port2} udp; return \"$remote_addr $server_addr $server_port $protocol\"; } }",
    );
    for to in ["127.0.0.1", "127.0.0.9"] {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        socket.connect((to, server.port2())).expect("an address");
        let told = format!("127.0.0.1 {to} {} UDP", server.port2());
        assert_eq!(String::from_utf8_lossy(&ask(&socket, b"?")), told);
        assert_eq!(String::from_utf8_lossy(&ask(&socket, b"?")), told);
    }
}

/// Each of those that come at once is answered.
#[test]
fn a_text_comes_back_for_each() {
    let server = start(
        "stream { log_format told '$status $bytes_received $bytes_sent'; server { listen 127.0.0.1:{port}; return x; }
        server { listen 127.0.0.1:{port2} udp; access_log logs/access.log told buffer=0; return answer; } }",
    );
    let client = client(server.port2());
    for said in ["1", "22", "333"] {
        client.send(said.as_bytes()).expect("sent");
    }
    for _ in 0..3 {
        assert_eq!(next(&client), b"answer");
    }
    wait_for("the log", || server.access_log().lines().count() == 3);
    assert_eq!(server.access_log(), "200 1 6\n200 2 6\n200 3 6\n");
}

#[test]
fn who_may_come() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, "deny 127.0.0.2;"));
    let denied = client_from("127.0.0.2", server.port2());
    denied.send(b"x").expect("sent");
    assert_eq!(ask(&client(server.port2()), b"y"), b"y");
    wait_for("the log", || server.access_log().contains("127.0.0.2|UDP|403|0|0"));
    let log = server.error_log();
    assert!(
        log.contains("access forbidden by rule while initializing session, udp client: 127.0.0.2"),
        "{log}"
    );
    assert_eq!(peer.count(), 1);
}

/// More clients than there may be: the first are served, what others say is dropped, and the worker goes on.
#[test]
fn a_flood_is_bounded() {
    let peer = Peer::echo();
    let text = conf(&peer, "proxy_timeout 5s;");
    let server = start(&format!("worker_processes 1; events {{ worker_connections 32; }} {text}"));
    let clients: Vec<UdpSocket> = (0..200).map(|_| client(server.port2())).collect();
    for client in &clients {
        for _ in 0..3 {
            client.send(b"flood").expect("sent");
        }
    }
    wait_for("the log", || {
        server.error_log().contains("worker_connections are not enough, datagrams are dropped")
    });
    assert!(peer.count() <= 16 * 3, "{}", peer.count());
    assert_eq!(support::Wire::open(server.port()).rest(), b"x");
    // When sessions have ended there is room again.
    let late = client(server.port2());
    late.set_read_timeout(Some(Duration::from_millis(300))).expect("SO_RCVTIMEO");
    wait_for("room", || {
        late.send(b"late").expect("sent");
        late.recv(&mut [0; 10]).is_ok()
    });
}

/// Sessions that take no more questions, and wait for answers, are counted, too: a client's, and at whatever address.
#[test]
fn all_that_wait_are_bounded() {
    let peer = Peer::start(|_, _| Vec::new());
    let server = start(&format!(
        "worker_processes 1; events {{ worker_connections 32; }}
        stream {{ {BESIDE} proxy_requests 1; proxy_timeout 1h;
        server {{ listen 127.0.0.1:{{port2}} udp; proxy_pass 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.2:{{port2}} udp; proxy_pass 127.0.0.1:{0}; }} }}",
        peer.port
    ));
    let (one, other) = (client(server.port2()), client(server.port2()));
    other.connect(("127.0.0.2", server.port2())).expect("an address");
    for _ in 0..50 {
        one.send(b"x").expect("sent");
        other.send(b"x").expect("sent");
    }
    wait_for("the log", || {
        server.error_log().contains("worker_connections are not enough, datagrams are dropped")
    });
    wait_for("the peer", || peer.count() == 16);
    assert_eq!(support::Wire::open(server.port()).rest(), b"x");
    assert_eq!(peer.count(), 16);
}

/// A resolver that nobody here wrote asks through it: Python's sockets, and the header of a proxy for the peer.
#[test]
fn python_asks_through_it() {
    let peer = Peer::start(|asked, _| vec![[&asked[..2], b"\x81\x80", &asked[4..]].concat()]);
    let server = start(&conf(&peer, "proxy_responses 1; proxy_timeout 5s;"));
    let script = "import socket,struct,sys
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(20)
for i in range(50):
    q=struct.pack('>HHHHHH',i,0x100,1,0,0,0)+b'\\x01a\\x07example\\x00\\x00\\x01\\x00\\x01'
    s.sendto(q,('127.0.0.1',int(sys.argv[1])))
    a,f=s.recvfrom(4096)
    assert a[:2]==q[:2] and a[2:4]==b'\\x81\\x80' and a[4:]==q[4:] and f[1]==int(sys.argv[1])
print('ok')";
    let mut command = Command::new("python3");
    command.args(["-c", script, &server.port2().to_string()]);
    let output = process::run(&mut command);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{output:?}");
    assert_eq!(peer.count(), 50);
}

#[test]
fn peers_are_told_who_the_client_is() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, "proxy_protocol on;"));
    let client = client(server.port2());
    let own = client.local_addr().expect("an address").port();
    let told = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {own} {}\r\nx", server.port2());
    assert_eq!(String::from_utf8_lossy(&ask(&client, b"x")), told);
    assert_eq!(ask(&client, b"y"), b"y");
    let server = start(&conf(&peer, "proxy_protocol v2;"));
    let told = ask(&self::client(server.port2()), b"x");
    assert!(told.starts_with(b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\x7f\0\0\x01"), "{told:?}");
}

/// One that is too long with what stands before it is lost, and nothing else is.
#[test]
fn a_datagram_that_is_too_long() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, "proxy_protocol on;"));
    let client = client(server.port2());
    client.send(&[b'x'; 65_507]).expect("sent");
    let told = ask(&client, b"y");
    assert!(told.starts_with(b"PROXY TCP4 127.0.0.1 ") && told.ends_with(b"\r\ny"), "{told:?}");
    assert!(!server.error_log().contains("failed"), "{}", server.error_log());
}

/// One port for both: they are two listeners.
#[test]
fn beside_tcp_at_the_same_port() {
    let server = start(
        "worker_processes 3; stream { server { listen 127.0.0.1:{port}; return tcp; }
        server { listen 127.0.0.1:{port} udp reuseport; return udp; } }",
    );
    assert_eq!(support::Wire::open(server.port()).rest(), b"tcp");
    for _ in 0..20 {
        assert_eq!(ask(&client(server.port()), b"?"), b"udp");
    }
}

/// As servers of names have it: one server for both.
#[test]
fn one_server_for_both() {
    let (names, connections) = (Peer::echo(), crate::peer::Peer::echo());
    let server = start(&format!(
        "stream {{ map $protocol $where {{ TCP connections; UDP datagrams; }}
        upstream connections {{ server 127.0.0.1:{}; }} upstream datagrams {{ server 127.0.0.1:{}; }}
        server {{ listen 127.0.0.1:{{port}}; listen 127.0.0.1:{{port}} udp; proxy_pass $where; }} }}",
        connections.port, names.port
    ));
    let mut wire = support::Wire::open(server.port());
    wire.send("tcp");
    assert_eq!(wire.exactly(3), b"tcp");
    assert_eq!(ask(&client(server.port()), b"udp"), b"udp");
    assert_eq!((connections.count(), names.count()), (1, 1));
}

#[test]
fn what_has_no_sense_is_refused() {
    for (stream, wanted) in [
        (
            "server { listen 127.0.0.1:{port} udp ssl; return x; }",
            "\"ssl\" parameter is incompatible with \"udp\"",
        ),
        (
            "server { listen 127.0.0.1:{port} proxy_protocol udp; return x; }",
            "\"proxy_protocol\" parameter is incompatible with \"udp\"",
        ),
        (
            "server { listen unix:{dir}/s udp; return x; }",
            "datagrams of Unix sockets are not taken",
        ),
        (
            "server { listen 127.0.0.1:{port} udp; pass 127.0.0.1:1; }",
            "for connections, not for datagrams",
        ),
        ("server { listen 127.0.0.1:{port} udp; }", "no handler for server"),
    ] {
        let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
        let (code, said) = start.conf(format!("stream {{ {stream} }}")).fail();
        assert!(code == 1 && said.contains(wanted), "{stream}:\n{said}");
    }
}
