//! Bytes both ways: all of them, in their order, with an end on either side, and in bounded memory.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use support::{PATIENCE, Wire, bytes, proc, process, raw, wait_for};

use crate::peer::Peer;
use crate::twin::{both, start};

fn conf(peer: &Peer, more: &str) -> String {
    let port = peer.port;
    format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{port}; {more} }} }}"
    )
}

#[test]
fn both_sides_hear_each_other() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, ""));
    let mut wire = server.wire();
    for size in [1, 100, 70_000, 3_000_000] {
        let sent = bytes(size);
        let mut writer = wire.stream().try_clone().expect("the same socket");
        let copy = sent.clone();
        let writing = std::thread::spawn(move || writer.write_all(&copy).expect("sent"));
        assert!(wire.exactly(size) == sent, "{size}");
        writing.join().expect("sent");
    }
    wire.half_close();
    assert!(wire.closes());
}

/// Without `proxy_half_close` all ends with either side; with it the other side may still say something.
#[test]
fn a_side_that_has_ended_as_nginx_sees_it() {
    let peer = Peer::mirror();
    for (more, told) in
        [("", ""), ("proxy_half_close off;", ""), ("proxy_half_close on;", "a word")]
    {
        let (server, twin) = both(&conf(&peer, more));
        for port in [server.port(), twin.port()] {
            assert_eq!(String::from_utf8_lossy(&raw(port, "a word")), told, "{more}");
        }
    }
}

#[test]
fn the_last_words_of_a_peer_reach_the_client() {
    let said = bytes(2_000_000);
    let peer = Peer::saying(said.clone());
    for more in ["", "proxy_half_close on;", "proxy_buffer_size 1k;"] {
        let server = start(&conf(&peer, more));
        let mut wire = server.wire();
        if more.contains("half") {
            wire.half_close();
        }
        assert!(wire.rest() == said, "{more}");
        assert!(!wire.is_broken());
    }
}

/// What a client has said before it ended reaches a peer that is slow.
#[test]
fn the_last_words_of_a_client_reach_the_peer() {
    let (tell, told) = std::sync::mpsc::channel();
    let peer = Peer::start(move |stream| {
        let mut all = Vec::new();
        let mut piece = [0; 10_000];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            all.extend_from_slice(&piece[..count]);
            std::thread::yield_now();
        }
        let _ = tell.send(all);
    });
    let server = start(&conf(&peer, ""));
    let said = bytes(4_000_000);
    let mut wire = server.wire();
    assert!(wire.send(&said));
    wire.half_close();
    assert!(told.recv_timeout(PATIENCE).expect("an end") == said);
    assert!(wire.closes());
}

/// A peer that takes nothing more has said why: an answer to half of what it is sent.
#[test]
fn the_last_words_of_a_peer_that_takes_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = start(&format!(
        "worker_processes 1; error_log logs/error.log info;
        stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{port}; proxy_timeout 1h; }} }}"
    ));
    let mut wire = server.wire();
    wire.send("half");
    let (mut peer, _) = listener.accept().expect("a session");
    peer.read_exact(&mut [0]).expect("a byte of it");
    // The worker finds all of it at once: an answer, a connection that is broken, and more for it.
    let worker = server.workers()[0];
    process::signal(worker, "STOP");
    peer.write_all(b"too much").expect("sent");
    drop(peer);
    wire.send("the other half");
    process::signal(worker, "CONT");
    assert_eq!(String::from_utf8_lossy(&wire.rest()), "too much");
    assert!(!wire.is_broken());
    wait_for("the log", || {
        let log = server.error_log();
        log.contains("send() failed (") && log.contains(" while proxying connection, client: ")
    });
}

/// Who does not read stops who writes: in between there is a buffer for each direction, and no more.
#[test]
fn who_does_not_read_costs_no_memory() {
    const CLIENTS: usize = 20;
    let peer = Peer::start(|stream| {
        // More than anybody's sockets hold.
        let piece = [b'x'; 1 << 16];
        let _ = stream.set_write_timeout(Some(Duration::from_millis(300)));
        while stream.write_all(&piece).is_ok() {}
        // It stays open, and nothing is read from it.
        std::mem::forget(stream.try_clone());
    });
    let server = start(&format!("worker_processes 1; {}", conf(&peer, "")));
    wait_for("the worker", || server.workers().len() == 1);
    let worker = server.workers()[0];
    let warm = server.wire();
    let before = proc::memory_kb(worker);
    let mut wires: Vec<Wire> = (0..CLIENTS).map(|_| server.wire()).collect();
    // And they write without reading.
    for wire in &wires {
        let stream = wire.stream();
        stream.set_write_timeout(Some(Duration::from_millis(100))).expect("SO_SNDTIMEO");
        let mut stream: &TcpStream = stream;
        while stream.write_all(&[b'y'; 1 << 16]).is_ok() {}
    }
    let after = proc::memory_kb(worker);
    let grown = after.saturating_sub(before);
    assert!(grown < (CLIENTS as u64) * 64 + 4096, "{before} {after}");
    for wire in &mut wires {
        assert!(wire.exactly(1 << 20).iter().all(|&byte| byte == b'x'));
    }
    drop(warm);
}

#[test]
fn silence_ends_a_session() {
    let peer = Peer::silent();
    let text = conf(&peer, "proxy_timeout 1s;");
    let (server, twin) = both(&format!("error_log logs/error.log info; {text}"));
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        wire.send("x");
        assert!(wire.closes());
    }
    let line = "connection timed out (110: Connection timed out) while proxying connection, client: 127.0.0.1, server: 127.0.0.1:";
    for log in [&|| server.error_log(), &|| twin.error_log()] as [&dyn Fn() -> String; 2] {
        wait_for("the log", || log().contains(line));
        assert!(
            log().contains("bytes from/to client:1/0, bytes from/to upstream:0/1"),
            "{}",
            log()
        );
    }
}

/// Either direction keeps the session alive.
#[test]
fn one_side_that_speaks_is_enough() {
    let peer = Peer::start(|stream| {
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(400));
            if stream.write_all(b"x").is_err() {
                return;
            }
        }
    });
    let server = start(&conf(&peer, "proxy_timeout 2s;"));
    assert_eq!(server.wire().rest(), b"xxxxxxxx");
}

/// As nginx, whose rates are of whole seconds: 10000 bytes in the first, and no more before the next one.
#[test]
fn rates_are_kept() {
    let peer = Peer::saying(bytes(25_000));
    let server = start(&conf(&peer, "proxy_download_rate 10000;"));
    let begun = Instant::now();
    assert_eq!(server.wire().rest().len(), 25_000);
    assert!(begun.elapsed() >= Duration::from_millis(1900), "{:?}", begun.elapsed());
    let peer = Peer::mirror();
    let server =
        start(&conf(&peer, "set $rate 10k; proxy_half_close on; proxy_upload_rate $rate;"));
    let begun = Instant::now();
    assert_eq!(raw(server.port(), bytes(25_000)).len(), 25_000);
    assert!(begun.elapsed() >= Duration::from_millis(1900), "{:?}", begun.elapsed());
}

/// HTTP of somebody else's client and server.
#[test]
fn curl_and_nginx_speak_through_it() {
    let origin = support::start!(support::site("location / { }"));
    let twin = support::Twin::start(support::site("location / { }"), &origin);
    let body = bytes(300_000);
    origin.file("html/x", &body);
    let conf = format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{}; }} }}",
        twin.port()
    );
    let server = start(&conf);
    let url = format!("http://127.0.0.1:{}/x", server.port());
    for _ in 0..3 {
        assert!(support::curl(&[&url]).body == body);
    }
}
