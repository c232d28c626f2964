//! Bad peers and bad clients: who does not answer, who breaks off, who comes in masses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use support::{PATIENCE, Wire, bytes, proc, wait_for};

use crate::peer::Peer;
use crate::twin::{both, start};

fn conf(peer: &Peer, more: &str) -> String {
    let port = peer.port;
    format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{port}; {more} }} }}"
    )
}

/// A listener whose queue is full: who connects waits.
fn full() -> (Socket, Vec<Socket>, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    socket.listen(0).expect("it listens");
    let address = socket.local_addr().expect("an address");
    let port = address.as_socket().expect("an address").port();
    let waiting = (0..4).map(|_| {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        client.set_nonblocking(true).expect("a flag");
        let _ = client.connect(&address);
        client
    });
    let waiting = waiting.collect();
    (socket, waiting, port)
}

#[test]
fn a_peer_that_does_not_answer() {
    let (_socket, _waiting, port) = full();
    let alive = Peer::saying("alive");
    let (server, twin) = both(&format!(
        "stream {{ proxy_connect_timeout 300ms; upstream group {{ server 127.0.0.1:{port} max_fails=0; server 127.0.0.1:{} backup; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }}
        server {{ listen 127.0.0.1:{{port2}}; proxy_next_upstream_timeout 100ms; proxy_pass group; }} }}",
        alive.port
    ));
    for (one, other, log) in [
        (server.port(), server.port2(), &|| server.error_log()),
        (twin.port(), twin.port2(), &|| twin.error_log()),
    ] as [(u16, u16, &dyn Fn() -> String); 2]
    {
        assert_eq!(Wire::open(one).rest(), b"alive");
        // It is too late for another try.
        assert!(Wire::open(other).rest().is_empty());
        let line = "upstream timed out (110: Connection timed out) while connecting to upstream, client: 127.0.0.1";
        assert!(log().contains(line), "{}", log());
    }
}

/// Who breaks off ends the session for the other one, too.
#[test]
fn who_resets_is_gone_for_both() {
    let (tell, told) = std::sync::mpsc::channel();
    let peer = Peer::start(move |stream| {
        let _ = stream.write_all(&bytes(100_000));
        let _ = tell.send(stream.read_to_end(&mut Vec::new()).is_ok());
    });
    for more in ["", "proxy_half_close on;"] {
        let server = start(&conf(&peer, more));
        let mut wire = server.wire();
        wire.exactly(10);
        SockRef::from(wire.stream()).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
        drop(wire);
        told.recv_timeout(PATIENCE).expect("the peer is told");
        let reset = Peer::start(|stream| {
            let mut one = [0];
            let _ = stream.read(&mut one);
            SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
        });
        let server = start(&conf(&reset, more));
        let mut wire = server.wire();
        wire.send("x");
        if more.is_empty() {
            assert!(wire.closes());
        } else {
            wire.half_close();
            assert!(wire.closes());
        }
    }
}

/// Whatever becomes of sessions, nothing stays of them.
#[test]
fn nothing_stays_of_sessions() {
    let peer = Peer::echo();
    let server = start(&format!("worker_processes 1; {}", conf(&peer, "")));
    wait_for("the worker", || server.workers().len() == 1);
    let worker = server.workers()[0];
    let round = || {
        let mut wires: Vec<Wire> = (0..60).map(|_| server.wire()).collect();
        for (at, wire) in wires.iter_mut().enumerate() {
            wire.send("x");
            if at % 3 > 0 {
                wire.exactly(1);
            }
            if at % 2 > 0 {
                SockRef::from(wire.stream()).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
            }
        }
    };
    round();
    wait_for("their ends", || proc::connections(worker) <= 1);
    let before = proc::descriptors(worker);
    for _ in 0..5 {
        round();
    }
    wait_for("their ends", || proc::descriptors(worker) <= before);
}

/// More clients than there are places: who waits is served when one is free.
#[test]
fn more_clients_than_places() {
    let peer = Peer::echo();
    let text = conf(&peer, "");
    let server = start(&format!("worker_processes 1; events {{ worker_connections 16; }} {text}"));
    let wires: Vec<Wire> = (0..40).map(|_| server.wire()).collect();
    for wire in &wires {
        let _ = (&mut wire.stream()).write_all(b"x");
    }
    // In the order in which they have come.
    for mut wire in wires {
        assert!(wire.comes("x"));
    }
}

/// Both sides say much at once, and read slowly: nothing is lost, in no direction.
#[test]
fn much_both_ways_at_once() {
    let peer = Peer::start(|stream| {
        let mut writer = stream.try_clone().expect("the same socket");
        let writing = std::thread::spawn(move || writer.write_all(&bytes(3_000_000)));
        let mut came = vec![0; 3_000_000];
        stream.read_exact(&mut came).expect("all of it");
        let _ = writing.join();
        let same = came == bytes(3_000_000);
        let _ = stream.write_all(if same { b"same" } else { b"not!" });
    });
    let server = start(&conf(&peer, "proxy_buffer_size 4k;"));
    let mut wire = server.wire();
    let mut writer: TcpStream = wire.stream().try_clone().expect("the same socket");
    let writing = std::thread::spawn(move || writer.write_all(&bytes(3_000_000)));
    assert!(wire.exactly(3_000_000) == bytes(3_000_000));
    writing.join().expect("no panic").expect("sent");
    assert_eq!(wire.exactly(4), b"same");
}
